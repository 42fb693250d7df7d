"""Intervals and tests for small, clustered samples: every figure comes with what it may be off by.

Questions of one paraphrase family are not independent, so every function takes the family of each value and treats
it as a cluster.
"""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""From case weights, shape (resamples, cases), to a value a resample; NaN where it is undefined."""

LEVEL = 0.95
SEED = 20261123


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95% interval, both ends included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """A paired difference, second run less first, with its interval."""

    value: float
    low: float
    high: float
    n: int


def wilson(rate: float, n: float, *, level: float = LEVEL) -> Interval:
    """The Wilson score interval of a rate seen over `n` (which may be an effective, fractional n)."""
    if n <= 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + level / 2)
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def clopper_pearson(hits: int, n: int, *, level: float = LEVEL) -> Interval:
    """The exact interval of a rate: never narrower than its level says. Its ends are beta quantiles."""
    from scipy.special import betaincinv

    if n == 0:
        return Interval(0.0, 1.0)
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else float(betaincinv(hits, n - hits + 1, tail))
    high = 1.0 if hits == n else float(betaincinv(hits + 1, n - hits, 1 - tail))
    return Interval(low, high)


def rate_interval(values: Sequence[float], clusters: Sequence[str], *, level: float = LEVEL) -> Interval:
    """The interval of the mean of zeros and ones: Wilson, on the n that the clusters leave.

    A bootstrap of a rate of 1.0 would claim certainty; this does not.
    """
    n = len(values)
    if n == 0:
        return Interval(0.0, 1.0)
    groups = _groups(clusters)
    rate = sum(values) / n
    if rate in (0.0, 1.0):
        return wilson(rate, len(groups), level=level)
    if len(groups) == 1:
        return wilson(rate, 1, level=level)
    residuals = [sum(values[i] - rate for i in group) for group in groups]
    robust = sum(r * r for r in residuals) / n**2 * len(groups) / (len(groups) - 1)
    plain = rate * (1 - rate) / n
    return wilson(rate, n / max(1.0, robust / plain), level=level)


def weighted_mean(values: Sequence[float]) -> Statistic:
    """The statistic of a mean."""
    array = np.asarray(values, dtype=float)

    def mean(weights: Floats) -> Floats:
        return _ratio(weights @ array, weights.sum(axis=1))

    return mean


def bootstrap_interval(
    statistic: Statistic, clusters: Sequence[str], *, resamples: int = 2000, level: float = LEVEL, seed: int = SEED
) -> Interval:
    """The percentile interval of any statistic over resampled clusters; resamples without a value are left out."""
    if not clusters:
        return Interval(math.nan, math.nan)
    values = statistic(cluster_weights(clusters, resamples=resamples, seed=seed))
    values = values[~np.isnan(values)]
    if not len(values):
        return Interval(math.nan, math.nan)
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def cluster_weights(clusters: Sequence[str], *, resamples: int, seed: int = SEED) -> Floats:
    """How often each case is drawn when whole clusters are, shape (resamples, cases); read-only."""
    return _weights(tuple(clusters), resamples, seed)


@functools.lru_cache(maxsize=16)
def _weights(clusters: tuple[str, ...], resamples: int, seed: int) -> Floats:
    groups = _groups(clusters)
    member = np.empty(len(clusters), dtype=int)
    for number, group in enumerate(groups):
        member[list(group)] = number
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(len(groups), np.full(len(groups), 1 / len(groups)), size=resamples)
    weights = draws[:, member].astype(float)
    weights.setflags(write=False)
    return weights


def paired_difference(
    first: Sequence[float], second: Sequence[float], clusters: Sequence[str], *, resamples: int = 10_000
) -> Difference:
    """Mean of `second - first` over the same cases, with its cluster bootstrap interval."""
    if not len(first) == len(second) == len(clusters):
        raise ValueError("a paired difference needs the same cases on both sides")
    if not first:
        return Difference(math.nan, math.nan, math.nan, 0)
    gaps = [b - a for a, b in zip(first, second, strict=True)]
    interval = bootstrap_interval(weighted_mean(gaps), clusters, resamples=resamples)
    return Difference(sum(gaps) / len(gaps), interval.low, interval.high, len(gaps))


def mcnemar_exact(broken: int, mended: int) -> float:
    """Two-sided exact p that as many passes turned to failures as the other way, given how many turned."""
    turned = broken + mended
    if turned == 0:
        return 1.0
    tail = sum(math.comb(turned, i) for i in range(min(broken, mended) + 1)) / 2**turned
    return min(1.0, float(2 * tail))


def holm(p_values: dict[str, float]) -> dict[str, float]:
    """Adjusted p-values by Holm's step-down: the chance of one false alarm over all of them stays at its level."""
    adjusted: dict[str, float] = {}
    highest = 0.0
    ordered = sorted(p_values, key=lambda name: (p_values[name], name))
    for position, name in enumerate(ordered):
        highest = max(highest, min(1.0, (len(ordered) - position) * p_values[name]))
        adjusted[name] = highest
    return adjusted


def permutation_p(first: Sequence[float], second: Sequence[float], clusters: Sequence[str]) -> float:
    """Two-sided p of a paired difference of zero, by flipping the sign of whole clusters (10,000 times)."""
    groups = _groups(clusters)
    gaps = np.asarray(second, dtype=float) - np.asarray(first, dtype=float)
    sums = np.array([gaps[list(group)].sum() for group in groups])
    if not sums.any():
        return 1.0
    signs = np.random.default_rng(SEED).choice([-1.0, 1.0], size=(10_000, len(sums)))
    # The seen arrangement counts as one of the arrangements, so that p is never zero.
    extreme = int((np.abs(signs @ sums) >= abs(sums.sum()) - 1e-12).sum())
    return (extreme + 1) / 10_001


def _groups(clusters: Sequence[str]) -> list[tuple[int, ...]]:
    found: dict[str, list[int]] = {}
    for index, cluster in enumerate(clusters):
        found.setdefault(cluster, []).append(index)
    return [tuple(group) for group in found.values()]


def _ratio(top: Floats, bottom: Floats) -> Floats:
    return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)
