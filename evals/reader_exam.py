"""Examines the question reader on the stories of the authors who are left out of its training: `eval exam`."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from bot.reading import REFUSED, shipped_reader
from evals.stories import load_stories, whole
from evals.training import EXAM
from kb.options import OptionFinder
from kb.settings import Settings


def examine_reader(settings: Settings) -> tuple[str, ...]:
    """A line an author: what the reader makes of each story alone, before any source is looked at.

    The share of stories that it takes for unanswerable, of those that are and of the others; the share of right
    choices (an accepted one is right) and of right kinds; and of situations told in several ways, how many it takes
    for the same choice each time.
    """
    reader, finder = shipped_reader(), OptionFinder(settings.decision.options)
    stories = load_stories()
    lines = []
    for author in EXAM:
        right: Counter[str] = Counter()
        told: Counter[str] = Counter()
        alike: dict[str, set[str]] = defaultdict(set)
        for story in stories[author]:
            alone = whole(story, finder)
            reading = reader.read(alone.text, finder, since=alone.since)
            refused = sum(reading.kinds[kind] for kind in REFUSED) > 0.5
            unanswerable = story["kind"] == "unanswerable"
            _count("unanswerable taken for it" if unanswerable else "others taken for it", refused, told, right)
            if not unanswerable:
                _count("kind", max(reading.kinds, key=lambda kind: reading.kinds[kind]) == story["kind"], told, right)
            if story["kind"] == "recommendation":
                choice = max(reading.choices, key=lambda choice: reading.choices[choice])
                _count("choice", choice in _accepted(story), told, right)
                if "group" in story:
                    alike[story["group"]].add(choice)
        for choices in alike.values():
            _count("told in several ways, read alike", len(choices) == 1, told, right)
        shares = [f"{name} {right[name] / told[name]:.2f} of {told[name]}" for name in sorted(told)]
        lines.append(f"{author}: {'; '.join(shares)}")
    return tuple(lines)


def _count(name: str, is_right: bool, told: Counter[str], right: Counter[str]) -> None:
    told[name] += 1
    right[name] += is_right


def _accepted(story: Mapping[str, Any]) -> set[str]:
    return {story["choice"], *story.get("accept", ())}
