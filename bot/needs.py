"""Finds the needs in a question: what is asked of a platform, how much it matters, and which way."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.answer import Polarity
from bot.clauses import Clause, clauses, without_asking
from kb.options import OptionFinder
from kb.recogniser import BACKGROUND, Recogniser
from kb.topics import MOODS

Vector = NDArray[np.float32]
Embed = Callable[[Sequence[str]], NDArray[np.float32]]

SURE = 0.25
"""Topic probability from which a clause states a need of its own."""

VERY_SURE = 0.6
"""Topic probability from which a clause is a need beside the sentence that it stands in."""

ENOUGH = 0.5
"""Share of a sentence's words that its clauses have to cover to stand for it."""

_UNWANTED = re.compile(
    r"^(?:and |but |so )?(?:no|zero|nothing|nobody|no one|none|neither|forget|skip|ignore|leave)\b"
    r"|\bno (?:\w+ ){1,3}(?:needed|required|planned|please|wanted)"
    r"|\b(?:no need|(?:do|does|did|will|would|can)(?:n['’]?t| not) (?:\w+ )?(?:need|want|care|use|plan|intend"
    r"|require)"
    r"|not (?:need|want|interested|required|looking|about|relevant|planning)|without (?:any|a|the|having)?"
    r"|anything but"
    r"|never (?:will|be|need)?|nobody (?:wants|needs)|rather not|avoid|tired of|sick of|hate|irrelevant|none of"
    r"|no interest|not a (?:concern|priority|requirement)|zero (?:interest|appetite)|instead of"
    r"|nothing (?:here )?is)\b",
    re.IGNORECASE,
)
_HAVE = re.compile(
    r"\b(?:already|(?:is|are|was|were|has been|have been|gets) (?:done|handled|taken care|solved|covered|sorted"
    r"|built)"
    r"|in place|up and running|taken care of|we (?:own|run|operate)|exists?|existing|since (?:years|long))\b",
    re.IGNORECASE,
)
_NOT_YET = re.compile(
    r"\b(?:not yet|yet to|later on|next (?:year|quarter|phase)|some ?day|eventually|planned|one day|in the future"
    r"|down the road|maybe later|might (?:come|need|want)|could come|phase two|in a year|long run)\b",
    re.IGNORECASE,
)
_DOUBTS_BOTH = re.compile(
    r"\b(?:(?:do|does|would|will|should) (?:i|we|they|it|anyone|somebody) (?:even |still |really |actually "
    r"|at all )*(?:need|require|want|buy|bother)"
    r"(?: with)? (?:either|any|one of|a platform|all (?:this|that)|such a|something like|this|that|it)\b"
    r"|(?:need|require)s? (?:either|any) (?:one|of)|overkill|neither|without (?:either|both)"
    r"|on top\b[^.?!]{0,20}$|one of these two on top)",
    re.IGNORECASE,
)
NEITHER_TOPIC = "neither-needed"

_HEAVY = re.compile(
    r"\b(?:must|critical|crucial|essential|above all|most of all|mainly|primarily|non-?negotiable|mandatory"
    r"|top priority"
    r"|main (?:thing|concern|goal|problem|need)|first of all|most important|bottleneck|biggest|absolutely|strict)\b",
    re.IGNORECASE,
)
_LIGHT = re.compile(
    r"\b(?:nice to have|would be nice|ideally|optional(?:ly)?|bonus|a little|occasional(?:ly)?|now and then|sometimes"
    r"|if possible|minor|small part|side|less important|secondary|maybe|perhaps)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Need:
    """One need: its words, its vector, and what it is about as (topic id, probability), likeliest first."""

    text: str
    vector: Vector
    topics: tuple[tuple[str, float], ...]
    polarity: Polarity
    weight: float

    @property
    def topic(self) -> str | None:
        """The likeliest topic; None where the words fit none."""
        return self.topics[0][0] if self.topics else None


def find_needs(text: str, *, options: OptionFinder, known: Recogniser | None, embed: Embed) -> tuple[Need, ...]:
    """The needs of a question in the order of its text, each topic once; at least one unless it only asks.

    Having the subject of an asset topic speaks for it (a team's skills); having another topic's subject means that it
    is taken care of elsewhere.
    """
    candidates: list[tuple[Clause, str]] = []
    for clause in clauses(text):
        words = _without_options(without_asking(clause.text), options)
        if len(words.split()) >= 1 and re.search(r"\w{3}", words):
            candidates.append((clause, words))
    if not candidates:
        return ()
    assets = frozenset(known.assets) if known is not None else frozenset()
    vectors = embed([words for _, words in candidates])
    if known is None:
        wholes = [i for i, (clause, _) in enumerate(candidates) if clause.whole]
        return tuple(
            Need(candidates[i][1], vectors[i], (), *_mood(candidates[i][1], None, None, assets)) for i in wholes
        )
    chances = known.topics(vectors)
    moods = known.mood_scores(vectors)
    background = known.classes.index(BACKGROUND)
    needs: dict[str, Need] = {}
    for row in _best_cut(candidates, chances, background):
        ranked = [int(c) for c in np.argsort(-chances[row], kind="stable") if c != background][:5]
        topics = tuple((known.classes[c], round(float(chances[row, c]), 4)) for c in ranked)
        words = candidates[row][1]
        polarity, weight = _mood(words, moods[row], topics[0][0], assets)
        need = Need(words, vectors[row], topics, polarity, weight)
        earlier = needs.get(topics[0][0])
        if earlier is None or earlier.topics[0][1] < topics[0][1]:
            needs[topics[0][0]] = need
    if _DOUBTS_BOTH.search(text) and NEITHER_TOPIC in known.classes and NEITHER_TOPIC not in needs:
        doubting = next((i for i, (_, words) in enumerate(candidates) if _DOUBTS_BOTH.search(words)), 0)
        needs[NEITHER_TOPIC] = Need(candidates[doubting][1], vectors[doubting], ((NEITHER_TOPIC, 0.8),), "wanted", 1.0)
    order = {words: position for position, (_, words) in enumerate(candidates)}
    return tuple(sorted(needs.values(), key=lambda need: order[need.text]))


def _best_cut(candidates: Sequence[tuple[Clause, str]], chances: NDArray[np.float32], background: int) -> list[int]:
    """Per sentence, either the whole or its clauses: the clauses where they are surely about different things."""
    topical = chances.copy()
    topical[:, background] = 0.0
    best = topical.max(axis=1)
    about = topical.argmax(axis=1)
    chosen: list[int] = []
    sentences = sorted({clause.sentence for clause, _ in candidates})
    for number in sentences:
        rows = [i for i, (clause, _) in enumerate(candidates) if clause.sentence == number]
        whole = [i for i in rows if candidates[i][0].whole]
        parts = [i for i in rows if not candidates[i][0].whole and best[i] >= max(SURE, float(chances[i, background]))]
        covered = sum(len(candidates[i][1].split()) for i in parts)
        total = sum(len(candidates[i][1].split()) for i in whole)
        topics = {int(about[i]) for i in parts}
        if not whole or (len(topics) > 1 and covered >= ENOUGH * total):
            chosen += parts
            continue
        sure = [i for i in whole if best[i] > chances[i, background]]
        chosen += sure
        if sure:
            chosen += [i for i in parts if best[i] >= VERY_SURE and about[i] != about[sure[0]]]
        else:
            chosen += [i for i in parts if best[i] >= VERY_SURE]
    return chosen


def _mood(
    words: str, learned: NDArray[np.float32] | None, topic: str | None, assets: frozenset[str]
) -> tuple[Polarity, float]:
    scores: dict[str, float] = dict.fromkeys(MOODS, 0.0)
    if learned is not None:
        scores.update({mood: float(value) for mood, value in zip(MOODS, learned, strict=True)})
    scores["wanted"] += 0.25
    for mood, cue in (("unwanted", _UNWANTED), ("have", _HAVE), ("not_yet", _NOT_YET)):
        if cue.search(words):
            scores[mood] += 0.6
    scores.pop("question", None)
    polarity: Polarity = max(("wanted", "unwanted", "have", "not_yet"), key=lambda mood: scores[mood])
    if polarity == "have" and topic is not None and topic not in assets:
        polarity = "unwanted"
    weight = 1.0
    if _HEAVY.search(words):
        weight = 1.5
    elif _LIGHT.search(words):
        weight = 0.5
    return polarity, weight


def _without_options(text: str, options: OptionFinder) -> str:
    """The text with the options' names out of it: a need is not about a platform."""
    pieces, start = [], 0
    for mention in options.mentions(text):
        pieces.append(text[start : mention.start])
        start = mention.end
    pieces.append(text[start:])
    joined = re.sub(r"\s+", " ", " ".join(pieces))
    joined = re.sub(
        r"\s+(?:or|vs\.?|versus|and)\s*(?=(?:for|if|when|to|with|$|[,.?!]))", " ", f" {joined} ", flags=re.I
    )
    joined = re.sub(r"^\s*(?:or|vs\.?|versus|and)\b", " ", joined, flags=re.I)
    return re.sub(r"\s+", " ", joined).strip(" ,;:?!.")
