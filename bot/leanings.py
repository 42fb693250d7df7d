"""What a knowledge base says on each topic as a whole: the weight of its statements for each option.

A need is seldom sure to be about one topic. Its expected leaning over the topics it may be about is steadier than the
leaning of the best match.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kb.records import Option, Statement

DECISIVE = 0.65
"""Strength from which a statement weighs the options against each other instead of stating a merit."""

MERITS = 0.3
"""What merits count against decisive statements: a merit says that an option can, not that it is the better one."""

DOUBT = 0.04
"""Evidence of about this weight halves the score: little said is little known."""

CLEARLY, SLIGHTLY = (0.85, 0.15), (0.68, 0.32)
"""Scores of the option that a conclusion names and of the other one."""

_CONCLUSION = re.compile(r"(?:the )?(?:bottom line|verdict|conclusion)s?$", re.IGNORECASE)
_SHARED = re.compile(r"(both|either|neither)\b[^:]{0,20}:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Weighted:
    """A statement, how much it is about the matter at hand (0 to 1), and what it is counted by."""

    statement: Statement
    relevance: float
    origin: str

    @property
    def weight(self) -> float:
        """Signed: what the statement adds for the option that it speaks for."""
        return self.relevance * self.statement.strength


@dataclass(frozen=True, slots=True)
class Leaning:
    """Scores by option id, 0 to 1 and together at most 1; `shared` is what a conclusion on both options says."""

    scores: Mapping[str, float]
    shared: str | None = None

    @property
    def documented(self) -> bool:
        """Whether the sources say anything."""
        return self.shared is not None or any(self.scores.values())


def is_conclusion(heading_path: Sequence[str]) -> bool:
    """Whether a section concludes: a bottom line or verdict."""
    return bool(heading_path) and bool(_CONCLUSION.fullmatch(heading_path[-1].strip()))


def concluded(statement: Statement, options: Sequence[Option]) -> Leaning | None:
    """The leaning that a concluding statement states; None where it states none."""
    shared = _SHARED.match(statement.text)
    if shared:
        kind = shared[1].lower()
        return Leaning({option.id: 0.0 if kind == "neither" else 0.5 for option in options}, kind)
    if statement.stance is None or statement.strength < DECISIVE:
        return None
    high, low = CLEARLY if statement.strength >= 0.9 else SLIGHTLY
    return Leaning({option.id: high if option.id == statement.stance else low for option in options})


def weigh(found: Sequence[Weighted], options: Sequence[Option]) -> Leaning:
    """The leaning of many statements: once per origin, decisive ones whole, merits a little, limits against."""
    support = {}
    for option in options:
        own = [each for each in found if each.statement.stance == option.id]
        speaking = _total(once_per_origin([each for each in own if each.statement.strength > 0]))
        against = _total(once_per_origin([each for each in own if each.statement.strength < 0]))
        support[option.id] = max(speaking - against, 0.0)
    total = sum(support.values())
    return Leaning({id_: round(value / (total + DOUBT), 4) if total else 0.0 for id_, value in support.items()})


def once_per_origin(found: Sequence[Weighted]) -> list[Weighted]:
    """The strongest statement of each origin, strongest first: evidence counts once per origin."""
    best: dict[str, Weighted] = {}
    for each in found:
        earlier = best.get(each.origin)
        if earlier is None or abs(each.weight) > abs(earlier.weight):
            best[each.origin] = each
    return sorted(best.values(), key=lambda each: (-abs(each.weight), each.statement.id))


def _total(found: Sequence[Weighted]) -> float:
    total = 0.0
    for decisive, share in ((True, 1.0), (False, MERITS)):
        values = [
            abs(each.weight) * each.relevance
            for each in found
            if (abs(each.statement.strength) >= DECISIVE) == decisive
        ]
        for place, value in enumerate(sorted(values, reverse=True)[:4]):
            total += share * value / (1 + place)
    return total
