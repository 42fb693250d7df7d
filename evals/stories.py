"""Labelled stories and phrasings as training examples of the question reader: what is needed, where it is said, how."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from bot.answer import Polarity, Turn
from bot.conversation import Standalone, standalone
from bot.masking import EITHER, masked
from bot.reading import POLARITIES
from bot.stretches import stretches
from kb.options import OptionFinder
from kb.topics import Topic

BACKGROUND = "background"

_ASKING = (
    f"Which platform should I use for {{}}?|which platform for {{}}|What should we use for {{}}?|{EITHER} for {{}}?|"
    f"Should we use {EITHER} for {{}}?|{{}}. Which platform should I use?|{{}} - which one?|"
    f"Where should we do this: {{}}?|"
    f"which one is better for {{}}|we need {{}}. {EITHER}?|{{}}: which one would you pick?|{{}}|Recommend one for {{}}."
).split("|")
_COMPARING = (
    f"Compare {EITHER} on {{}}.|What is the difference between {EITHER} for {{}}?|How do {EITHER} differ in {{}}?|"
    f"{{}}: {EITHER} side by side|compare {{}}|{EITHER} {{}} comparison|How do the two compare on {{}}?"
).split("|")
_JOINS = (". ", ". ", ", ", ", ", ". And ", " and ", ", but ", "\n")


@dataclass(frozen=True, slots=True)
class Label:
    """What `text[start:end]` states: shares by topic, polarity and weight, None where unknown."""

    start: int
    end: int
    topics: Mapping[str, float]
    polarity: Polarity | None = None
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A masked text with its labels; `kind`, `choices` (shares) and `about` are None where they are unknown.

    `now`: where the last turn of a conversation begins in it. `about`: the options that it asks about.
    """

    text: str
    labels: tuple[Label, ...]
    kind: str | None = None
    choices: Mapping[str, float] | None = None
    now: int = 0
    about: frozenset[str] | None = None


def load_stories() -> dict[str, list[dict[str, Any]]]:
    """The stories of `evals/data/stories`, by author."""
    folder = files("evals") / "data" / "stories"
    named = sorted((file for file in folder.iterdir() if file.name.endswith(".jsonl")), key=lambda file: file.name)
    return {
        file.name.removesuffix(".jsonl"): [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        for file in named
    }


def whole(story: Mapping[str, Any], options: OptionFinder) -> Standalone:
    """The story as the reader is given it: the last turn on its own feet."""
    history = tuple(Turn(role="user", content=said) for said in story.get("history", ()))
    return standalone(story["text"], history, options)


def example_of(story: Mapping[str, Any], options: OptionFinder) -> Example:
    """A story as an example: its needs where they stand, and the other stretches as background."""
    alone = whole(story, options)
    text, hidden = alone.text, masked(alone.text, options, since=alone.since)
    kind = story["unanswerable"] if story["kind"] == "unanswerable" else story["kind"]
    choosing = kind == "recommendation"
    needs: list[Label] = []
    for need in story.get("needs", ()):
        at = text.find(need["words"])
        span = hidden.find(at, at + len(need["words"])) if at >= 0 else None
        if span is not None:
            needs.append(
                Label(
                    *span,
                    _shares(need["topic"], need.get("also", ()), first=0.7),
                    need["polarity"] if choosing else None,
                    need["weight"] if choosing else None,
                )
            )
    labels = list(needs)
    if kind in ("recommendation", "comparison", "fact", "off_topic", "smalltalk"):
        for stretch in stretches(hidden.text):
            found = _overlapping(stretch.start, stretch.end, needs)
            if found is not None:
                labels.append(found)
            elif choosing or alone.since or (kind in ("off_topic", "smalltalk") and not needs):
                labels.append(Label(stretch.start, stretch.end, {BACKGROUND: 1.0}))
    choices = _shares(story["choice"], story.get("accept", ()), first=0.75) if choosing else None
    return Example(hidden.text, tuple(labels), kind, choices, hidden.now, _about(story, options))


def phrasing_examples(
    topics: Sequence[Topic], background: Sequence[str], options: OptionFinder, *, mixes: int, seed: int
) -> list[Example]:
    """Every phrasing alone, and `mixes` texts of several; every sentence of background."""
    rng = random.Random(seed)  # noqa: S311 - a shuffle
    said = [(masked(words, options).text, topic.id, mood) for topic in topics for mood, words in topic.phrasings]
    plain = [
        masked(words, options).text for topic in topics for words in (topic.title, topic.about, *topic.names) if words
    ]
    owners = [topic.id for topic in topics for words in (topic.title, topic.about, *topic.names) if words]
    found = [Example(text, (Label(0, len(text), {topic: 1.0}, _polarity(mood)),)) for text, topic, mood in said]
    found += [Example(text, (Label(0, len(text), {topic: 1.0}),)) for text, topic in zip(plain, owners, strict=True)]
    rest = [masked(words, options).text for words in background]
    found += [Example(text, (Label(0, len(text), {BACKGROUND: 1.0}),)) for text in rest]
    usable = [each for each in said if each[2] in POLARITIES]
    for _ in range(mixes):
        parts = rng.sample(usable, rng.choice([1, 2, 2, 3, 3, 4]))
        parts += [(words, BACKGROUND, "question") for words in rng.sample(rest, rng.choice([0, 1, 1, 2]))]
        rng.shuffle(parts)
        text, labels = "", []
        for words, topic, mood in parts:
            text += rng.choice(_JOINS) if text else ""
            labels.append(Label(len(text), len(text) + len(words), {topic: 1.0}, _polarity(mood)))
            text += words
        found.append(Example(text, tuple(labels)))
    return found


def asked_examples(
    topics: Sequence[Topic],
    options: OptionFinder,
    calls_for: Mapping[str, Mapping[str, float]],
    *,
    count: int,
    seed: int,
) -> list[Example]:
    """Plain questions around a phrasing or a name; `calls_for`: the choices that each topic alone calls for."""
    rng = random.Random(seed)  # noqa: S311 - a shuffle
    wanted = [(words, topic.id) for topic in topics for mood, words in topic.phrasings if mood == "wanted"]
    names = [(name, topic.id) for topic in topics for name in topic.names if len(name.split()) <= 5]
    found: list[Example] = []
    for _ in range(count):
        named = rng.random() >= 0.55
        words, topic = rng.choice(names if named else wanted)
        words = masked(words, options).text.rstrip(".?!")
        comparing = named and rng.random() < 0.25
        pattern = rng.choice(_COMPARING if comparing else _ASKING)
        start = pattern.index("{}")
        text = pattern.format(words)
        text = text.lower() if rng.random() < 0.4 else text
        labels = [Label(start, start + len(words), {topic: 1.0}, *((None, None) if comparing else ("wanted", 1.0)))]
        labels += [
            Label(each.start, each.end, {BACKGROUND: 1.0})
            for each in stretches(text)
            if each.end <= start or each.start >= start + len(words)
        ]
        kind = "comparison" if comparing else "recommendation"
        found.append(Example(text, tuple(labels), kind, None if comparing else calls_for[topic]))
    bare = {
        "recommendation": (
            f"{EITHER}?",
            "which one is better?",
            "so which one?",
            "Which platform should I use?",
            EITHER,
        ),
        "comparison": (f"What is the difference between {EITHER}?", f"How do {EITHER} differ?", f"Compare {EITHER}."),
        "fact": (f"How do {EITHER} work together?", f"When do {EITHER} work together?"),
    }
    for kind, texts in bare.items():
        for text in texts * 4:
            about = "together" if kind == "fact" else BACKGROUND
            choices = {"either": 1.0} if kind == "recommendation" else None
            found.append(Example(text, (Label(0, len(text), {about: 1.0}),), kind, choices))
    return found


def _about(story: Mapping[str, Any], options: OptionFinder) -> frozenset[str] | None:
    """As labelled; else a fact is about the options that it names, and a choice or comparison about both."""
    if "about" in story or story["kind"] in ("smalltalk", "unanswerable"):
        return frozenset(story["about"]) if story.get("about") else None
    if story["kind"] != "fact":
        return frozenset(option.id for option in options.options)
    named = frozenset(options.named(story["text"]))
    return named or None


def _overlapping(start: int, end: int, needs: Sequence[Label]) -> Label | None:
    shared: list[tuple[int, Label]] = []
    for need in needs:
        common = min(end, need.end) - max(start, need.start)
        if common > 0 and common >= 0.5 * min(end - start, need.end - need.start):
            shared.append((common, need))
    if not shared:
        return None
    total = sum(common for common, _ in shared)
    topics: dict[str, float] = {}
    for common, need in shared:
        for topic, share in need.topics.items():
            topics[topic] = topics.get(topic, 0.0) + share * common / total
    most = max(shared, key=lambda each: each[0])[1]
    return Label(start, end, topics, most.polarity, most.weight)


def _shares(best: str, others: Sequence[str], *, first: float) -> dict[str, float]:
    rest = [name for name in others if name != best]
    if not rest:
        return {best: 1.0}
    return {best: first} | {name: (1 - first) / len(rest) for name in rest}


def _polarity(mood: str) -> Polarity | None:
    return next((polarity for polarity in POLARITIES if polarity == mood), None)
