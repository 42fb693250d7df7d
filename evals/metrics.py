"""What is measured, as pure functions of small values; the cut-off stands in the name of the argument `k`."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from evals.stats import Floats, Statistic

NONE = "none"
"""How a verdict without a choice is called in tables."""


def ndcg(gains: Sequence[float], ideal: Sequence[float], *, k: int) -> float:
    """Discounted gain of the first `k` results over that of the best order of all `ideal` gains; 0 to 1."""
    best = _dcg(sorted(ideal, reverse=True)[:k])
    return _dcg(gains[:k]) / best if best else 0.0


def recall(found: Sequence[bool], relevant: int, *, k: int) -> float:
    """The share of `relevant` targets among the first `k` results, each target counted once by the caller."""
    return sum(found[:k]) / relevant if relevant else 0.0


def reciprocal_rank(found: Sequence[bool], *, k: int) -> float:
    """1 over the place of the first hit among the first `k`, 0 without one."""
    return next((1 / place for place, hit in enumerate(found[:k], 1) if hit), 0.0)


def confusion(expected: Sequence[str], given: Sequence[str]) -> dict[str, dict[str, int]]:
    """How often each expected choice was answered with each choice."""
    table: dict[str, Counter[str]] = {}
    for want, got in zip(expected, given, strict=True):
        table.setdefault(want, Counter())[got] += 1
    return {want: dict(sorted(row.items())) for want, row in sorted(table.items())}


def macro_mean(values: Sequence[float], classes: Sequence[str]) -> Statistic:
    """The mean of the class means: a class of three questions weighs as much as one of sixty."""
    array = np.asarray(values, dtype=float)
    masks = [np.asarray([c == name for c in classes], dtype=float) for name in sorted(set(classes))]

    def macro(weights: Floats) -> Floats:
        means = [_ratio(weights @ (array * mask), weights @ mask) for mask in masks]
        present = [~np.isnan(m) for m in means]
        total = np.sum([np.nan_to_num(m) for m in means], axis=0)
        return _ratio(total, np.sum(present, axis=0).astype(float))

    return macro


def precision(grades: Sequence[int | None]) -> float | None:
    """The share of the judged that support or answer (grade 1 or 2); None where nothing is judged.

    A citation is good unless it supports nothing: Gao et al., 2023, arXiv:2305.14627 (ALCE).
    """
    judged = [grade for grade in grades if grade is not None]
    return sum(grade > 0 for grade in judged) / len(judged) if judged else None


def mean_grade(grades: Sequence[int | None]) -> float | None:
    """The mean of the judged grades (0, 1, 2), as a share of the best; None where nothing is judged."""
    judged = [grade for grade in grades if grade is not None]
    return sum(judged) / (2 * len(judged)) if judged else None


def holes(grades: Sequence[int | None]) -> float:
    """The share that nobody has judged yet."""
    return sum(grade is None for grade in grades) / len(grades) if grades else 0.0


def set_f1(expected: set[str], given: set[str]) -> float:
    """Harmonic mean of precision and recall of two sets; two empty sets agree."""
    if not expected and not given:
        return 1.0
    return 2 * len(expected & given) / (len(expected) + len(given))


def holds(text: str, pattern: str) -> bool:
    """Whether `text` holds `pattern`: case and blanks are folded; `re:` begins a regular expression."""
    folded = _fold(text)
    if pattern.startswith("re:"):
        return re.search(pattern[3:], folded, re.IGNORECASE) is not None
    return re.search(rf"(?<!\w){re.escape(_fold(pattern))}(?!\w)", folded) is not None


def flips(choices: Mapping[str, str], pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs of questions that should have had the same choice and had not."""
    return [(a, b) for a, b in pairs if choices[a] != choices[b]]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie; NaN for none."""
    return float(np.quantile(np.asarray(values), share)) if values else math.nan


def _dcg(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(place + 1) for place, gain in enumerate(gains, 1))


def _fold(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().casefold()


def _ratio(top: Floats, bottom: Floats) -> Floats:
    return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)
