"""Two runs of the same questions: what moved, by how much, and whether it could be chance."""

from collections.abc import Mapping
from dataclasses import dataclass

from evals.figures import PRIMARY
from evals.results import CaseResult, Run
from evals.stats import Difference, holm, mcnemar_exact, paired_difference, permutation_p
from kb.errors import UsageError


@dataclass(frozen=True, slots=True)
class Change:
    """A primary measure, second run less first; `p` of no difference, `p_holm` over all primary measures."""

    measure: str
    first: float
    second: float
    difference: Difference
    p: float
    p_holm: float


@dataclass(frozen=True, slots=True)
class Turned:
    """A case that passed in one run and failed in the other."""

    first: CaseResult
    second: CaseResult


@dataclass(frozen=True, slots=True)
class Comparison:
    """Over the `common` cases. `broken` passed before and fail now, `mended` the other way; `p_mcnemar` is exact."""

    first: str
    second: str
    common: int
    changes: tuple[Change, ...]
    broken: tuple[Turned, ...]
    mended: tuple[Turned, ...]
    p_mcnemar: float
    notes: tuple[str, ...]


def compare(first: Run, second: Run) -> Comparison:
    """The comparison of two runs. UsageError where they share no case."""
    before, after = first.by_case(), second.by_case()
    common = [case for case in before if case in after]
    if not common:
        raise UsageError(f"the runs {first.id!r} and {second.id!r} share no case; compare runs of one set and split")
    broken = tuple(Turned(before[c], after[c]) for c in common if before[c].passed and not after[c].passed)
    mended = tuple(Turned(before[c], after[c]) for c in common if after[c].passed and not before[c].passed)
    return Comparison(
        first=first.id,
        second=second.id,
        common=len(common),
        changes=_changes([before[c] for c in common], [after[c] for c in common]),
        broken=broken,
        mended=mended,
        p_mcnemar=mcnemar_exact(len(broken), len(mended)),
        notes=_notes(first, second, common),
    )


def paired(
    measure: str, first: list[CaseResult], second: list[CaseResult]
) -> tuple[list[float], list[float], list[str]]:
    """Values of a measure in both runs, and families, for the cases where either has it.

    A case that errored, or whose measure could no longer be taken, counts 0 on that side: losing a case is no gain.
    """
    rows = [
        (a.scores.get(measure, 0.0), b.scores.get(measure, 0.0), a.family)
        for a, b in zip(first, second, strict=True)
        if measure in a.scores or measure in b.scores
    ]
    return [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]


def _changes(first: list[CaseResult], second: list[CaseResult]) -> tuple[Change, ...]:
    values = {measure: paired(measure, first, second) for measure in PRIMARY}
    values = {measure: found for measure, found in values.items() if found[0]}
    p_values = {measure: permutation_p(*found) for measure, found in values.items()}
    adjusted = holm(p_values)
    return tuple(
        Change(
            measure=measure,
            first=sum(a) / len(a),
            second=sum(b) / len(b),
            difference=paired_difference(a, b, families),
            p=p_values[measure],
            p_holm=adjusted[measure],
        )
        for measure, (a, b, families) in values.items()
    )


def _notes(first: Run, second: Run, common: list[str]) -> tuple[str, ...]:
    notes = []
    left_out = len(first.cases) + len(second.cases) - 2 * len(common)
    if left_out:
        notes.append(f"{left_out} cases stand in one run only and are left out")
    notes += [
        f"{what} differs: {first.made_by.get(key)} and {second.made_by.get(key)}"
        for key, what in _MAY_DIFFER.items()
        if first.made_by.get(key) != second.made_by.get(key)
    ]
    return tuple(notes)


_MAY_DIFFER: Mapping[str, str] = {
    "golden": "the golden set",
    "snapshot": "the snapshot",
    "config": "the configuration",
    "code": "the code",
}
