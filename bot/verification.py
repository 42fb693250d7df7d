"""Checks a sentence against the passages that it cites: is it said there, of that option, with that number?

Works offline: words, names, numbers, units, negation and option are compared, with the meaning of the whole where an
encoder is given, and a natural-language-inference model's opinion where one is configured.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bot.model.wording import LISTS, Reading, Word, read, sentences, stem
from kb.options import OptionFinder
from kb.records import Option

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
Entails = Callable[[str, str], tuple[float, float]]
"""Premise and sentence to the probabilities (entailed, contradicted)."""

SUPPORTED = 0.6
"""Support from which a sentence is shown: chosen on the paraphrases and falsehoods of tests/bot/model."""

CLAUSE = 0.34
"""What share of a clause's words the passages must have: an invention is often added at the end of a true sentence."""

CONTRADICTED = 0.5

_OPENING = re.compile(r"(?:For|If|When|Where|Since|As|With|Because|To)\s+([^,.;:]{3,120}),\s+", re.IGNORECASE)

_GLUE = frozenset(stem(word) for word in LISTS["glue"].split())
_STRONG = frozenset(stem(word) for word in LISTS["strong"].split()) - {""}
_BORNE_OUT_BY = {word: frozenset(by.split()) for word, by in LISTS["borne_out_by"].items()}
_PAIRS = tuple((stem(a), stem(b)) for a, b in (pair.split("/") for pair in LISTS["opposites"].split()))
_RELATED: dict[str, frozenset[str]] = {}
for _line in LISTS["groups"].strip().splitlines():
    _group = frozenset(stem(word) for word in _line.split())
    _RELATED |= {word: _RELATED.get(word, frozenset()) | _group for word in _group}

ADDED_FROM = 10
"""Content words from which a sentence may have one that neither the passages nor glue explain."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A cited quote. `context` is what is read with it (title, headings); `about` the options it speaks of."""

    text: str
    context: str = ""
    about: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Support:
    """How far passages support a sentence, 0 to 1, and in words what is missing (empty: nothing)."""

    score: float
    problem: str = ""

    @property
    def enough(self) -> bool:
        """Whether the sentence may be shown as supported."""
        return self.score >= SUPPORTED


class Checker:
    """Checks sentences for one decision. `embed` gives unit vectors; without it only words are compared."""

    def __init__(
        self, options: Sequence[Option], *, embed: Embed | None = None, entails: Entails | None = None
    ) -> None:
        self._finder = OptionFinder(options)
        self._known = {part.lower() for o in options for name in (o.name, *o.aliases) for part in name.split()}
        self._embed = embed
        self._entails = entails
        # The passages of a turn are read for every sentence of it.
        self._pieces = lru_cache(maxsize=2048)(lambda text: tuple(sentences(text)))
        self._read = lru_cache(maxsize=8192)(lambda text, about: read(text, self._finder, about=about))

    def about(self, text: str, context: str = "") -> frozenset[str]:
        """The options that a passage speaks of: those it names, else those that its headings name."""
        return frozenset(self._finder.named(text) or self._finder.named(context))

    def check(
        self, sentence: str, passages: Sequence[Passage], *, option: str | None = None, asked: str = ""
    ) -> Support:
        """The support of one sentence; `option` is the one that it is said of where it names none.

        `asked` is the question: a sentence may open by naming the need in its words ("For nightly scoring, ...").
        """
        if not passages:
            return Support(0.0, "it cites no passage")
        sentence = self._without_opening(sentence, asked)
        pieces = [(passage, piece) for passage in passages for piece in self._pieces(passage.text)]
        claim = self._read(sentence, option)
        said = [self._read(piece, _only(passage.about)) for passage, piece in pieces]
        about = frozenset().union(*(p.about | set(self._finder.named(p.text)) for p in passages))
        if (claim.options or option is not None) and (
            missing := [o for o in claim.options or (option,) if o and about and o not in about]
        ):
            return Support(0.0, f"the passage is not about {self._finder.name_of(missing[0])}")
        if claim.options and not about:
            return Support(0.0, f"the passage does not speak of {self._finder.name_of(claim.options[0])}")
        if any(_same(sentence, text) for passage, piece in pieces for text in (piece, passage.text)):
            return Support(1.0)
        if not claim.words:
            return Support(0.0, "it says nothing that could be checked")
        context = {s for passage in passages for s in self._read(passage.context, None).stems}
        problem = (
            _wrong_number(claim, said)
            or self._unknown_name(claim, passages)
            or _swapped(claim, said)
            or _flipped(claim, said)
            or _overstated(sentence, passages)
        )
        if problem:
            return Support(0.0, problem)
        return self._weigh(sentence, claim, said, context, [piece for _, piece in pieces])

    def _without_opening(self, sentence: str, asked: str) -> str:
        opening = _OPENING.match(sentence)
        if not opening or not asked or len(sentence) - opening.end() < 15 or self._finder.named(opening[0]):
            return sentence
        said, known = read(opening[1], self._finder), read(asked, self._finder)
        if said.numbers or not said.stems <= known.stems | _GLUE or said.negations != 0:
            return sentence
        return sentence[opening.end() :]

    def _weigh(
        self, sentence: str, claim: Reading, said: Sequence[Reading], context: set[str], pieces: Sequence[str]
    ) -> Support:
        stems = {s for reading in said for s in reading.stems}
        shares = [_match(word, stems, context) for word in claim.words]
        covered = sum(shares) / len(shares)
        for clause in sorted({word.clause for word in claim.words}):
            own = [share for word, share in zip(claim.words, shares, strict=True) if word.clause == clause]
            if len(own) >= 2 and sum(own) / len(own) < CLAUSE and self._entails is None:
                return Support(round(min(covered, SUPPORTED - 0.01), 3), "a part of it is not in the passage")
        added = [w.stem for w, share in zip(claim.words, shares, strict=True) if not share and w.stem not in _GLUE]
        if len(added) > (len(shares) >= ADDED_FROM) and self._entails is None:
            return Support(round(min(covered, SUPPORTED - 0.01), 3), "it adds what the passage does not say")
        score = covered
        if self._embed is not None:
            near = min(max((self._nearness(sentence, pieces) - 0.4) / 0.45, 0.0), 1.0)
            score = max(covered, 0.55 * covered + 0.45 * near) if covered >= CLAUSE else covered
        if self._entails is not None:
            entailed, contradicted = self._entails(" ".join(pieces), sentence)
            if contradicted >= CONTRADICTED:
                return Support(0.0, "the passage contradicts it")
            score = max(min(score, 1.0) * 0.5 + entailed * 0.5, entailed if score >= CLAUSE else 0.0)
        score = round(min(score, 0.999), 3)
        return Support(score, "" if score >= SUPPORTED else "the passage does not say it")

    def _nearness(self, sentence: str, pieces: Sequence[str]) -> float:
        if self._embed is None:
            return 0.0
        vectors = self._embed([sentence, *pieces, *([" ".join(pieces)] if len(pieces) > 1 else [])])
        return float((vectors[1:] @ vectors[0]).max())

    def _unknown_name(self, claim: Reading, passages: Sequence[Passage]) -> str:
        text = " ".join(f"{passage.text} {passage.context}" for passage in passages)
        lower = text.lower()
        words = re.findall(r"[^\W_]+", lower)
        initials = "".join(word[0] for word in words)
        for name in sorted(claim.names - self._known):
            parts = [part for part in re.split(r"[-/.'’&]", name) if part]
            stems = {stem(word) for word in words}
            if name in lower or all(part in words or stem(part) in stems for part in parts):
                continue
            if name.isalpha() and 2 <= len(name) <= 4 and name in initials:
                continue
            return f"the passage does not mention {name!r}"
        return ""


def _only(options: frozenset[str]) -> str | None:
    return next(iter(options)) if len(options) == 1 else None


def _same(sentence: str, text: str) -> bool:
    return re.sub(r"\W+", " ", sentence).strip().lower() == re.sub(r"\W+", " ", text).strip().lower()


def _match(word: Word, stems: set[str], context: set[str]) -> float:
    """1 for a word of the passage, less for a relative of one or a word of its headings."""
    if word.stem in stems:
        return 1.0
    if _RELATED.get(word.stem, frozenset()) & stems:
        return 0.8
    root = word.stem[:5]
    if len(root) == 5 and any(s.startswith(root) for s in stems):
        return 0.8
    return 0.5 if word.stem in context else 0.0


def _wrong_number(claim: Reading, said: Sequence[Reading]) -> str:
    known = [number for reading in said for number in reading.numbers]
    for number in claim.numbers:
        same = [k for k in known if k.value == number.value]
        if not same:
            return f"the passage does not give the number {number.value}"
        units = {k.unit for k in same}
        if number.unit and number.unit not in units and (units - {None} or number.unit in {"%", "$", "€"}):
            return f"the passage gives {number.value} in another unit"
        others = {k.of for k in known if k.value != number.value} - {None}
        if number.of and number.of in others and number.of not in {k.of for k in same}:
            return f"the passage gives {number.value} for something else"
    return ""


def _swapped(claim: Reading, said: Sequence[Reading]) -> str:
    """What is said of one option must not stand in the passages for the other alone."""
    owners: dict[str, set[str | None]] = {}
    for reading in said:
        for word in reading.words:
            owners.setdefault(word.stem, set()).add(word.option)
    for option in {word.option for word in claim.words} - {None}:
        own = [word for word in claim.words if word.option == option and word.stem in owners]
        foreign = [w for w in own if owners[w.stem] and option not in owners[w.stem] and None not in owners[w.stem]]
        if foreign and len(foreign) > len(own) / 2:
            return "the passage says this of the other option"
    return ""


def _flipped(claim: Reading, said: Sequence[Reading]) -> str:
    """A word that is denied in the sentence must be denied in the passages, and the other way round."""
    ways = _ways(word for reading in said for word in reading.words)
    clauses = [list(own) for reading in said for own in _by_clause(reading.words)]
    denied_there = any(reading.negations for reading in said)
    for own in _by_clause(claim.words):
        stems = {word.stem for word in own}
        nearest = max(clauses, key=lambda clause: len(stems & {word.stem for word in clause}), default=[])
        near = _ways(nearest)
        for word in own:
            known = near.get(word.stem) or ways.get(word.stem)
            if known == {not word.negated}:
                return "it denies what the passage says" if word.negated else "it says what the passage denies"
    if claim.negations and not denied_there and not _opposed(claim, ways):
        return "it denies what the passage says"
    plain = {word.stem for word in claim.words if not word.negated}
    for one, two in _PAIRS:
        for here, there in ((one, two), (two, one)):
            if here in plain and here not in ways and there in ways and True not in ways[there]:
                return "it says the opposite of the passage"
    return ""


def _ways(words: Iterable[Word]) -> dict[str, set[bool]]:
    ways: dict[str, set[bool]] = {}
    for word in words:
        ways.setdefault(word.stem, set()).add(word.negated)
    return ways


def _by_clause(words: Sequence[Word]) -> list[list[Word]]:
    return [[word for word in words if word.clause == clause] for clause in sorted({w.clause for w in words})]


def _opposed(claim: Reading, ways: dict[str, set[bool]]) -> bool:
    denied = {word.stem for word in claim.words if word.negated}
    return any((a in denied and b in ways) or (b in denied and a in ways) for a, b in _PAIRS)


def _overstated(sentence: str, passages: Sequence[Passage]) -> str:
    """Words that turn a fact into another one when they are added: always, only, free, guaranteed."""
    words = {word.lower() for word in re.findall(r"[^\W\d_]+", sentence)}
    known = {word.lower() for passage in passages for word in re.findall(r"[^\W\d_]+", passage.text)}
    known_stems = {stem(word) for word in known}
    for word in sorted(words):
        if (word in _BORNE_OUT_BY or stem(word) in _STRONG) and word not in known and stem(word) not in known_stems:
            if known & _BORNE_OUT_BY.get(word, frozenset()):
                continue
            return f"the passage does not say {word!r}"
    return ""
