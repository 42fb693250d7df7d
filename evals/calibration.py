"""Whether a stated confidence means anything: skill over the base rate, right against wrong, risk by coverage."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evals.stats import Floats, Statistic


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """Answering the most confident `coverage` of the questions goes wrong in `risk` of them."""

    coverage: float
    risk: float
    threshold: float


def brier_skill(confidence: Sequence[float], right: Sequence[bool]) -> Statistic:
    """1 less the Brier score over that of always saying the base rate: 0 is no skill, below 0 is harm.

    NaN where all are right or all are wrong: the base rate then cannot be beaten.
    """
    p, y = np.asarray(confidence, dtype=float), np.asarray(right, dtype=float)

    def skill(weights: Floats) -> Floats:
        total = weights.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            base = weights @ y / total
            score = weights @ (p - y) ** 2 / total
            spread = base * (1 - base)
            return np.asarray(np.where(spread > 1e-12, 1 - score / spread, np.nan))

    return skill


def auroc(confidence: Sequence[float], right: Sequence[bool]) -> Statistic:
    """The chance that a right answer was given with more confidence than a wrong one; ties count half."""
    p, y = np.asarray(confidence, dtype=float), np.asarray(right, dtype=bool)
    better = (p[y][:, None] > p[~y][None, :]) + 0.5 * (p[y][:, None] == p[~y][None, :])

    def area(weights: Floats) -> Floats:
        good, bad = weights[:, y], weights[:, ~y]
        pairs = good.sum(axis=1) * bad.sum(axis=1)
        won = ((good @ better) * bad).sum(axis=1)
        return np.asarray(np.divide(won, pairs, out=np.full(len(weights), np.nan), where=pairs > 0))

    return area


def expected_calibration_error(confidence: Sequence[float], right: Sequence[bool], *, bins: int = 5) -> float:
    """Mean gap between confidence and accuracy over bins of equal mass. At small n it is mostly noise."""
    if not confidence:
        return float("nan")
    order = np.argsort(np.asarray(confidence), kind="stable")
    p, y = np.asarray(confidence, dtype=float)[order], np.asarray(right, dtype=float)[order]
    parts = [part for part in np.array_split(np.arange(len(p)), bins) if len(part)]
    return float(sum(len(part) * abs(p[part].mean() - y[part].mean()) for part in parts) / len(p))


def risk_coverage(confidence: Sequence[float], right: Sequence[bool]) -> tuple[RiskPoint, ...]:
    """The risk at every coverage that a confidence threshold can give, from the surest on."""
    points = []
    wrong = 0
    ordered = sorted(zip(confidence, right, strict=True), key=lambda pair: -pair[0])
    for answered, (sure, was_right) in enumerate(ordered, 1):
        wrong += not was_right
        last_of_its_kind = answered == len(ordered) or ordered[answered][0] != sure
        if last_of_its_kind:
            points.append(RiskPoint(answered / len(ordered), wrong / answered, sure))
    return tuple(points)


def coverage_at_risk(points: Sequence[RiskPoint], risk: float) -> float:
    """The largest coverage whose risk is at most `risk`; 0 where none is."""
    return max((point.coverage for point in points if point.risk <= risk), default=0.0)


def area_under_risk(points: Sequence[RiskPoint]) -> float:
    """The mean risk over all coverages (lower is better), as a step function of coverage."""
    area = before = 0.0
    for point in points:
        area += (point.coverage - before) * point.risk
        before = point.coverage
    return area
