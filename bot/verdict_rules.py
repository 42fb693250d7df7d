"""Pulls of criteria, and the choice by rules over them: for decisions of which no stories were labelled."""

import math
from collections.abc import Mapping, Sequence

from bot.answer import Criterion

PULL: Mapping[str, float] = {"wanted": 1.0, "have": 0.8, "not_yet": 0.45, "unwanted": -0.2}
"""How a polarity pulls: what is not wanted takes its advantage from the option that is strong at it."""

EVEN = 0.04
"""Below this total pull, in units of one full criterion, the options are as good as each other."""

SHARED = 0.45
"""The weaker side's share of the stronger side's pull from which the two are used together."""

STRONG = 0.15
"""A side counts for `both` only with at least one criterion that pulls this much."""

REJECTED = 0.35
"""Share of the weight of needs for which the sources advise against both, from which the answer is `neither`."""

CONFIDENCE = (0.0, 1.0, 1.1)
"""Logistic coefficients (constant, lead, mean evidence), fitted on the dev questions: docs/evals.md."""


def pull(criterion: Criterion) -> dict[str, float]:
    """How hard a criterion pulls towards each option: at most one value is above 0."""
    if len(criterion.cells) != 2:
        return {}
    (first, one), (second, two) = sorted(criterion.cells.items())
    towards = criterion.weight * PULL[criterion.polarity] * (one.score - two.score)
    return {first: max(towards, 0.0), second: max(-towards, 0.0)}


def by_rules(documented: Sequence[Criterion]) -> str | None:
    """The choice that criteria with weight and evidence give; None where there are none."""
    if not documented:
        return None
    against = [c for c in documented if is_rejected(c)]
    if sum(c.weight for c in against) > REJECTED * sum(c.weight for c in documented):
        return "neither"
    totals = dict.fromkeys(sorted(documented[0].cells), 0.0)
    strongest = dict(totals)
    together = 0.0
    for criterion in documented:
        if criterion.together:
            together += criterion.weight
        for option, value in pull(criterion).items():
            totals[option] += value
            strongest[option] = max(strongest[option], value)
    low, high = sorted(totals, key=lambda option: (totals[option], option))
    if together >= sum(c.weight for c in documented) / 2 and totals[low] >= SHARED * totals[high] - EVEN:
        return "both"
    if totals[high] < EVEN:
        return "both" if together else "either"
    if totals[low] >= SHARED * totals[high] and min(strongest.values()) >= STRONG:
        return "both"
    if totals[high] - totals[low] < EVEN:
        return "either"
    return high


def is_rejected(criterion: Criterion) -> bool:
    """Whether the sources advise against both options for what is asked of them."""
    return criterion.polarity in ("wanted", "have") and all(
        cell.finding == "not_supported" for cell in criterion.cells.values()
    )


def sureness(criteria: Sequence[Criterion], choice: str) -> float:
    """The confidence in a choice by rules."""
    pulls = [pull(c) for c in criteria if c.weight > 0]
    total = sum(sum(p.values()) for p in pulls)
    weight = sum(c.weight for c in criteria) or 1.0
    if choice in ("both", "either", "neither"):
        lead = 0.3
    else:
        towards = sum(p.get(choice, 0.0) for p in pulls)
        lead = (2 * towards - total) / total if total else 0.0
    evidence = total / weight
    constant, by_lead, by_evidence = CONFIDENCE
    return round(1 / (1 + math.exp(-(constant + by_lead * lead + by_evidence * evidence))), 2)
