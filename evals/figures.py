"""From the results of the cases to the figures of a run, each with its interval and its n."""

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from evals import calibration, metrics
from evals.results import CaseResult, Figure
from evals.stats import (
    Interval,
    Statistic,
    bootstrap_interval,
    rate_interval,
    weighted_mean,
)

PRIMARY = ("verdict", "gold_cited", "gold_first", "refusal", "crag")
"""The measures that two runs are compared by; Holm's correction is over these."""

MEASURES = (
    "crag",
    "verdict",
    "applies_to",
    "criteria",
    "kind",
    "gold_cited",
    "gold_first",
    "citation_precision",
    "citation_grade",
    "citation_holes",
    "citations_valid",
    "facts",
    "forbidden",
    "refusal",
    "refusal_reason",
)
SLICES = ("verdict", "gold_cited", "gold_first", "refusal", "crag")
LOWER_IS_BETTER = frozenset(
    {"citation_holes", "ece", "aurc", "swap_flips", "paraphrase_flips", "latency_p50_ms", "latency_p95_ms"}
)


def figures_of(results: Sequence[CaseResult]) -> dict[str, Figure]:
    """Every figure that these results give, by name; `verdict@mixed` is the slice of one kind."""
    found: dict[str, Figure] = {}
    for measure in MEASURES:
        _put(found, measure, mean_figure(results, measure))
        if measure in SLICES:
            for kind in sorted({result.kind for result in results}):
                of_kind = [result for result in results if result.kind == kind]
                _put(found, f"{measure}@{kind}", mean_figure(of_kind, measure))
    found |= _verdicts(results)
    found |= _refusals(results)
    found |= _confidences(results)
    found |= _stability(results)
    found |= _retrieval(results)
    found |= _baselines(results)
    return found


def mean_figure(results: Sequence[CaseResult], measure: str) -> Figure | None:
    """The mean of a measure over the cases that have it."""
    return _mean([(r.scores[measure], r.family) for r in results if measure in r.scores])


def passes_by_choice(results: Iterable[CaseResult]) -> dict[str, dict[str, int]]:
    """The confusion matrix: expected choice, then given choice; an accepted other choice counts as the expected."""
    asked = [r for r in results if "verdict" in r.scores]
    given = [r.expected if r.given in r.accepted else "refused" if r.refused else r.given for r in asked]
    return metrics.confusion([r.expected for r in asked], given)


def _verdicts(results: Sequence[CaseResult]) -> dict[str, Figure]:
    asked = [r for r in results if "verdict" in r.scores]
    return _statistic(
        "verdict_macro", asked, lambda part: metrics.macro_mean([r.scores["verdict"] for r in part], _classes(part))
    )


def _classes(results: Sequence[CaseResult]) -> list[str]:
    return [r.expected for r in results]


def _refusals(results: Sequence[CaseResult]) -> dict[str, Figure]:
    found: dict[str, Figure] = {}
    judged = [r for r in results if "refusal" in r.scores]
    impossible = [r for r in judged if r.should_refuse]
    groups = {
        "refusal_recall": impossible,
        "refusal_recall_near": [r for r in impossible if r.near],
        "refusal_recall_far": [r for r in impossible if not r.near],
        "refusal_recall_off_topic": [r for r in impossible if r.should_refuse == "off_topic"],
    }
    for name, group in groups.items():
        _put(found, name, _mean([(float(r.refused is not None), r.family) for r in group]))
    refused = [r for r in judged if r.refused]
    _put(found, "refusal_precision", _mean([(float(r.should_refuse is not None), r.family) for r in refused]))
    answerable = [r for r in judged if not r.should_refuse]
    _put(found, "answered", _mean([(float(r.refused is None), r.family) for r in answerable]))
    return found


def _confidences(results: Sequence[CaseResult]) -> dict[str, Figure]:
    """Over the choices shown to questions for one, and to those that should have been refused: there one is wrong."""
    shown = [r for r in results if r.confidence is not None and r.given != metrics.NONE]
    chosen = [r for r in shown if "verdict" in r.scores or r.should_refuse]
    if not chosen:
        return {}
    sure, right = _sure_and_right(chosen)
    points = calibration.risk_coverage(sure, right)
    found = _statistic("brier_skill", chosen, lambda part: calibration.brier_skill(*_sure_and_right(part)))
    found |= _statistic("auroc", chosen, lambda part: calibration.auroc(*_sure_and_right(part)))
    n = len(chosen)
    found["ece"] = Figure(value=calibration.expected_calibration_error(sure, right), n=n)
    found["aurc"] = Figure(value=calibration.area_under_risk(points), n=n)
    for percent in (5, 10):
        value = calibration.coverage_at_risk(points, percent / 100)
        found[f"coverage_at_{percent}_risk"] = Figure(value=value, n=n)
    return found


def _sure_and_right(results: Sequence[CaseResult]) -> tuple[list[float], list[bool]]:
    return [r.confidence or 0.0 for r in results], [bool(r.scores.get("verdict")) for r in results]


def _stability(results: Sequence[CaseResult]) -> dict[str, Figure]:
    found: dict[str, Figure] = {}
    swaps = [(float(a != b), r.family) for r in results for a, b in r.swaps]
    _put(found, "swap_flips", _mean(swaps))
    choices = {r.case: r.given for r in results}
    families: dict[tuple[str, str], list[CaseResult]] = defaultdict(list)
    for result in results:
        if "verdict" in result.scores:
            families[result.family, result.expected].append(result)
    pairs = [(a.case, b.case) for group in families.values() for a, b in itertools.combinations(group, 2)]
    family_of = {r.case: r.family for r in results}
    flipped = set(metrics.flips(choices, pairs))
    _put(found, "paraphrase_flips", _mean([(float(pair in flipped), family_of[pair[0]]) for pair in pairs]))
    again = [(float(r.repeatable), r.family) for r in results if r.repeatable is not None]
    _put(found, "repeatable", _mean(again))
    times = [r.ms for r in results if r.ms is not None]
    for share in (50, 95):
        if times:
            found[f"latency_p{share}_ms"] = Figure(value=metrics.percentile(times, share / 100), n=len(times))
    return found


def _retrieval(results: Sequence[CaseResult]) -> dict[str, Figure]:
    return _systems(results, lambda result: result.retrieval, "")


def _baselines(results: Sequence[CaseResult]) -> dict[str, Figure]:
    return _systems(results, lambda result: result.baselines, "baseline.")


def _systems(
    results: Sequence[CaseResult], of: Callable[[CaseResult], dict[str, dict[str, float]]], prefix: str
) -> dict[str, Figure]:
    found: dict[str, Figure] = {}
    names = sorted({(system, measure) for r in results for system, scores in of(r).items() for measure in scores})
    for system, measure in names:
        having = [r for r in results if measure in of(r).get(system, {})]
        values = [of(r)[system][measure] for r in having]
        _put(found, f"{prefix}{system}.{measure}", _mean(list(zip(values, (r.family for r in having), strict=True))))
        if measure == "verdict":

            def macro(part: Sequence[CaseResult], system: str = system) -> Statistic:
                return metrics.macro_mean([of(r)[system]["verdict"] for r in part], _classes(part))

            found |= _statistic(f"{prefix}{system}.verdict_macro", having, macro)
    return found


def _statistic(
    name: str, results: Sequence[CaseResult], make: Callable[[Sequence[CaseResult]], Statistic]
) -> dict[str, Figure]:
    if not results:
        return {}
    import numpy as np

    statistic = make(results)
    value = float(statistic(np.ones((1, len(results))))[0])
    if math.isnan(value):
        return {}
    interval = bootstrap_interval(statistic, [r.family for r in results])
    return {name: _figure(value, interval, len(results))}


def _mean(pairs: Sequence[tuple[float, str]]) -> Figure | None:
    if not pairs:
        return None
    values, families = [value for value, _ in pairs], [family for _, family in pairs]
    if set(values) <= {0.0, 1.0}:
        interval = rate_interval(values, families)
    else:
        interval = bootstrap_interval(weighted_mean(values), families)
    return _figure(sum(values) / len(values), interval, len(values))


def _figure(value: float, interval: Interval, n: int) -> Figure:
    low, high = (None if math.isnan(end) else end for end in (interval.low, interval.high))
    return Figure(value=value, low=low, high=high, n=n)


def _put(found: dict[str, Figure], name: str, figure: Figure | None) -> None:
    if figure is not None:
        found[name] = figure
