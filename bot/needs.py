"""The needs in a question: what is asked of a platform, how much it matters, and which way."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bot.answer import Polarity
from bot.reading import Reading, StretchRead
from bot.without_asking import without_asking
from kb.options import OptionFinder
from kb.recogniser import Recogniser

Vector = NDArray[np.float32]
Embed = Callable[[Sequence[str]], NDArray[np.float32]]

SAYS_NOTHING = 0.5
"""A stretch that is background with this probability states no need ..."""

AT_LEAST = 0.8
"""... but the likeliest of a question that would have none does, up to this one."""


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


def find_needs(
    text: str, reading: Reading, *, options: OptionFinder, own: bool, known: Recogniser | None, embed: Embed
) -> tuple[Need, ...]:
    """The needs of a question in the order of its text, each topic once for each way it is brought up.

    What somebody has already is no need that counts, unless it is an asset that speaks for an option (a team's skills),
    or nothing else is told: then it is what the question is about.
    `own`: the topics are those that the reader was trained on; else `known`, if there is one, tells them.
    """
    stretches = reading.stretches if own else _recognised(text, reading.stretches, options, known, embed)
    stated = _stated(stretches)
    kept: list[tuple[StretchRead, str]] = []
    for stretch in stated:
        words = _words(text[stretch.start : stretch.end], options)
        if re.search(r"\w{2}", words):
            kept.append((stretch, words))
    if not kept:
        return ()
    vectors = embed([words for _, words in kept])
    topics = [stretch.topics for stretch, _ in kept]
    needs: dict[tuple[str, Polarity], Need] = {}
    for (stretch, words), vector, about in zip(kept, vectors, topics, strict=True):
        polarity = max(stretch.polarities, key=lambda name: stretch.polarities[name])
        done = polarity == "have" and known is not None and about and about[0][0] not in known.assets
        need = Need(words, vector, about, polarity, 0.0 if done else round(stretch.weight, 1))
        key = (need.topic or words, polarity)
        earlier = needs.get(key)
        if earlier is None or (about and earlier.topics[0][1] < about[0][1]):
            needs[key] = need
    if needs and not any(need.weight for need in needs.values()):
        needs = {key: replace(need, polarity="wanted", weight=1.0) for key, need in needs.items()}
    order = {words: place for place, (_, words) in enumerate(kept)}
    return tuple(sorted(needs.values(), key=lambda need: order[need.text]))


def _stated(stretches: Sequence[StretchRead]) -> list[StretchRead]:
    """The stretches that state a need, neighbours that state the same one joined."""
    telling = [s for s in stretches if s.background < SAYS_NOTHING]
    if not telling and stretches:
        likeliest = min(stretches, key=lambda s: (s.background, s.start))
        telling = [likeliest] if likeliest.background < AT_LEAST else []
    joined: list[StretchRead] = []
    for stretch in telling:
        before = joined[-1] if joined else None
        if before is not None and before.sentence == stretch.sentence and _same(before, stretch):
            joined[-1] = replace(before, end=stretch.end, weight=max(before.weight, stretch.weight))
        else:
            joined.append(stretch)
    return joined


def _same(one: StretchRead, other: StretchRead) -> bool:
    def way(stretch: StretchRead) -> str:
        return max(stretch.polarities, key=lambda name: stretch.polarities[name])

    return bool(one.topics and other.topics) and one.topics[0][0] == other.topics[0][0] and way(one) == way(other)


def _recognised(
    text: str,
    stretches: Sequence[StretchRead],
    options: OptionFinder,
    known: Recogniser | None,
    embed: Embed,
) -> list[StretchRead]:
    """The stretches with the topics of another decision; what that knows as a topic states a need."""
    if known is None or not stretches:
        return [replace(stretch, topics=()) for stretch in stretches]
    chances = known.topics(embed([_words(text[s.start : s.end], options) or text[s.start : s.end] for s in stretches]))
    found = []
    for stretch, row in zip(stretches, chances, strict=True):
        order = np.argsort(-row[:-1], kind="stable")[:5]
        topics = tuple((known.classes[i], round(float(row[i]), 4)) for i in order)
        found.append(replace(stretch, topics=topics, background=min(stretch.background, float(row[-1]))))
    return found


def _words(text: str, options: OptionFinder) -> str:
    """The text without the asking and the options' names: a need is not about a platform."""
    text = without_asking(text)
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
