"""Reads a sentence for checking: its words with their negation and option, its numbers with units, its names."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from kb.lexical import tokens
from kb.options import OptionFinder

_TOKEN = re.compile(r"\d[\d.,]*\d|\d|[^\W\d_][\w'’]*(?:[-/+#.&][^\W_]\w*)*[+#]{0,2}|[%$€]|[.;:,!?()—–]")
_BOUND = re.compile(r"[.;:,!?()—–]")
_NO_MORE = frozenset(("neither", "nor", "no", "none", "nothing", "nobody"))
_OF_NOUN = frozenset(("no", "without", "lack", "lacks", "lacking"))
NOUN_SCOPE = 2
"""Content words that "no" and "without" deny: their noun; "not" denies the rest of its clause."""


def _lists() -> dict[str, Any]:
    return tomllib.loads(files("bot.model").joinpath("words.toml").read_text(encoding="utf-8"))


LISTS: Mapping[str, Any] = _lists()
"""The word lists, by name: a string of words, or a table."""

_STOP, _TURN, _NO = (frozenset(LISTS[name].split()) for name in ("stop", "turns", "negations"))
_HIDDEN_NO: Mapping[str, str] = LISTS["hidden_negations"]
_WORD_NUMBERS = {word: value for value, words in LISTS["numbers"].items() for word in words.split(", ")}
_UNITS = {word: unit for unit, words in LISTS["units"].items() for word in words.split(", ")}


@dataclass(frozen=True, slots=True)
class Word:
    """A content word: its stem, whether it stands under a negation, the option it is said of, its clause."""

    stem: str
    negated: bool
    option: str | None
    clause: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number in plain digits, its unit where it has a known one, and the stem of the word after it."""

    value: str
    unit: str | None
    of: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as the checker sees it. `options`: those named, in the order of the text, each once."""

    words: tuple[Word, ...]
    numbers: tuple[Number, ...]
    names: frozenset[str]
    options: tuple[str, ...]
    negations: int

    @property
    def stems(self) -> frozenset[str]:
        """The stems of the content words."""
        return frozenset(word.stem for word in self.words)


def read(text: str, finder: OptionFinder, *, about: str | None = None) -> Reading:
    """The reading of a text; words before the first option named are said of it, or of `about` where none is."""
    mentions = finder.mentions(text)
    named = tuple(dict.fromkeys(mention.option for mention in mentions))
    owner = mentions[0].option if mentions else about
    blank = list(text)
    for mention in mentions:
        blank[mention.start : mention.end] = " " * (mention.end - mention.start)
    words: list[Word] = []
    numbers: list[Number] = []
    names: set[str] = set()
    negated, negations, clause, left = False, 0, 0, 0
    first = True
    pending = iter(mentions)
    following = next(pending, None)
    found = list(_TOKEN.finditer("".join(blank)))
    for place, match in enumerate(found):
        while following is not None and following.start < match.start():
            owner, following = following.option, next(pending, None)
            first = False
        token = match[0]
        lower = token.lower().replace("’", "'")
        if _BOUND.fullmatch(token) or lower in _TURN:
            negated, clause = False, clause + 1
            first = first if match[0] == "," else match[0] in ".!?:"
            continue
        if lower in _NO or lower.endswith("n't") or _negating(lower, found, place):
            # "cannot run without" is no denial; "neither ... nor" denies both.
            negated, negations = lower in _NO_MORE or not negated, negations + 1
            left = NOUN_SCOPE if lower in _OF_NOUN else len(text)
            first = False
            continue
        if token[0].isdigit() or lower in _WORD_NUMBERS:
            numbers.append(_number(found, place))
        elif lower in _HIDDEN_NO or re.match(r"non?-\w{3}", lower):
            negations += 1
            denied = _HIDDEN_NO.get(lower) or lower.split("-", 1)[1]
            words += [Word(s, not negated, owner, clause) for s in stems(denied)]
        elif lower not in _STOP and match[0] not in "%$€":
            negated, left = negated and left > 0, left - 1
            words += [Word(s, negated, owner, clause) for s in stems(lower)]
            if _is_name(token, first):
                names.add(lower.removesuffix("'s"))
        first = False
    return Reading(tuple(words), tuple(numbers), frozenset(names), named, negations)


@lru_cache(maxsize=20_000)
def stems(word: str) -> tuple[str, ...]:
    """The stems of a word's parts: a hyphenated word has several."""
    parts = [part for part in re.split(r"[-/'.&]", word.removesuffix("'s")) if part and part not in _STOP]
    return tuple(found[-1] for part in parts if (found := tokens(part)))


def stem(word: str) -> str:
    """The stem of one plain word."""
    return next(iter(stems(word)), word)


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text, trimmed; abbreviations with one letter do not end one."""
    start = 0
    for match in re.finditer(r"(?<=[^\s.][.!?])[\"”’)]?\s+(?=[\"“(]?[A-Z0-9])|\n+", text):
        if re.search(r"\b(?:e\.g|i\.e|vs|etc|[A-Z])\.$", text[start : match.start()]):
            continue
        if piece := text[start : match.start()].strip():
            yield piece
        start = match.end()
    if piece := text[start:].strip():
        yield piece


def _negating(lower: str, found: list[re.Match[str]], place: int) -> bool:
    after = found[place + 1][0].lower() if place + 1 < len(found) else ""
    before = found[place - 1][0].lower() if place else ""
    return (
        (lower == "than" and before == "rather")
        or (lower == "of" and before == "instead")
        or (lower in {"fails", "fail", "refuses"} and after == "to")
    )


def _number(found: list[re.Match[str]], place: int) -> Number:
    token = found[place][0].lower()
    value = _WORD_NUMBERS.get(token) or re.sub(r",(?=\d{3}\b)", "", token).rstrip(".,")
    value = re.sub(r"^(\d+)\.0+$", r"\1", value)
    after = [match[0].lower() for match in found[place + 1 : place + 3]]
    before = found[place - 1][0].lower() if place else ""
    unit = _UNITS.get(after[0]) if after else None
    if unit is None and before in {"$", "€"}:
        unit = before
    of = next((s for word in after[:1] for s in stems(word) if not _BOUND.fullmatch(word)), None)
    return Number(value, unit, of)


def _is_name(token: str, first: bool) -> bool:
    letters = re.sub(r"['’]s$", "", token)
    inside = any(c.isupper() for c in letters[1:])
    return inside or any(c.isdigit() for c in letters) or (letters[:1].isupper() and not first)
