"""The verdict: a pure function of the criteria, the same wherever it is computed.

Each criterion pulls towards one option by `weight x polarity x (difference of the cell scores)`. The order of
options and criteria does not matter, and a client that moves a weight calls `decide` again with no new retrieval.
"""

import math
from collections.abc import Mapping, Sequence

from bot.answer import Criterion, Verdict, WouldChange

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


def decide(criteria: Sequence[Criterion]) -> Verdict:
    """The verdict that the criteria give; no choice where none of them has weight or evidence."""
    ordered = sorted(criteria, key=lambda criterion: criterion.id)
    choice = _choice(ordered)
    if choice is None:
        return Verdict()
    return Verdict(
        choice=choice,
        confidence=_confidence(ordered, choice),
        reason=_reason(ordered, choice),
        parts=_parts(ordered) if choice == "both" else {},
        would_change=_would_change(ordered, choice),
    )


def pull(criterion: Criterion) -> dict[str, float]:
    """How hard a criterion pulls towards each option: at most one value is above 0."""
    if len(criterion.cells) != 2:
        return {}
    (first, one), (second, two) = sorted(criterion.cells.items())
    towards = criterion.weight * PULL[criterion.polarity] * (one.score - two.score)
    return {first: max(towards, 0.0), second: max(-towards, 0.0)}


def _choice(criteria: Sequence[Criterion]) -> str | None:
    weighed = [c for c in criteria if c.weight > 0 and len(c.cells) == 2]
    documented = [c for c in weighed if any(cell.finding != "not_documented" for cell in c.cells.values())]
    if not documented:
        return None
    against = [c for c in documented if _rejected(c)]
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


def _rejected(criterion: Criterion) -> bool:
    return criterion.polarity in ("wanted", "have") and all(
        cell.finding == "not_supported" for cell in criterion.cells.values()
    )


def _confidence(criteria: Sequence[Criterion], choice: str) -> float:
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


def _towards(criteria: Sequence[Criterion], option: str) -> list[Criterion]:
    found = [c for c in criteria if pull(c).get(option, 0.0) > 0.02]
    return sorted(found, key=lambda c: (-pull(c)[option], c.id))


def _parts(criteria: Sequence[Criterion]) -> dict[str, str]:
    options = sorted({option for c in criteria for option in c.cells})
    return {option: "; ".join(c.text for c in _towards(criteria, option)[:3]) for option in options}


def _reason(criteria: Sequence[Criterion], choice: str) -> str:
    weighed = [c for c in criteria if c.weight > 0]
    named = _listed([c.text for c in weighed[:3]])
    if choice == "both":
        return "The needs fall on both sides, and the two work together."
    if choice == "either":
        return f"The sources see no clear difference on {named}."
    if choice == "neither":
        return f"The sources advise against both for {named}."
    return f"The sources favour it for {_listed([c.text for c in _towards(criteria, choice)[:3]])}."


def _would_change(criteria: Sequence[Criterion], choice: str) -> tuple[WouldChange, ...]:
    """The smallest changes of one weight that give another choice, at most two."""
    found: list[tuple[int, WouldChange]] = []
    for index, criterion in enumerate(criteria):
        if criterion.weight == 0:
            continue
        for effort, factor, words in ((1, 0.0, "did not matter"), (2, 3.0, "mattered far more than the rest")):
            changed = [
                c.model_copy(update={"weight": c.weight * factor}) if i == index else c for i, c in enumerate(criteria)
            ]
            other = _choice(changed)
            if other is not None and other != choice:
                text = f"If “{criterion.text}” {words}"
                found.append((effort, WouldChange(text=text, criterion=criterion.id, to=other)))
                break
    found.sort(key=lambda item: (item[0], item[1].criterion))
    return tuple(change for _, change in found[:2])


def _listed(texts: Sequence[str]) -> str:
    quoted = [f"“{text}”" for text in texts]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}"
