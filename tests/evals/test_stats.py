"""Intervals and tests against tables and hand computation."""

import math

import numpy as np
import pytest

from evals import stats


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(54, 60, 0.80, 0.95), (90, 100, 0.83, 0.945), (180, 200, 0.85, 0.93)]
)
def test_wilson_matches_published_values(hits: int, n: int, low: float, high: float) -> None:
    found = stats.wilson(hits / n, n)
    assert found.low == pytest.approx(low, abs=0.006)
    assert found.high == pytest.approx(high, abs=0.006)


def test_clopper_pearson_gives_the_sample_sizes_for_a_risk_bound() -> None:
    # one-sided 95%: 59 answers without an error bound the risk by 5%, 29 by 10%
    assert stats.clopper_pearson(0, 59, level=0.90).high < 0.05
    assert stats.clopper_pearson(0, 58, level=0.90).high > 0.05
    assert stats.clopper_pearson(0, 29, level=0.90).high < 0.10
    many = stats.clopper_pearson(120, 12_000)  # more than a float can hold the arrangements of
    assert 0.008 < many.low < 0.01 < many.high < 0.012


def test_a_perfect_rate_is_not_certain_and_counts_families() -> None:
    alone = stats.rate_interval([1.0] * 12, [str(i) for i in range(12)])
    families = stats.rate_interval([1.0] * 12, [str(i // 4) for i in range(12)])
    assert alone.high == 1.0
    assert alone.low == pytest.approx(stats.wilson(1.0, 12).low)
    assert families.low == pytest.approx(stats.wilson(1.0, 3).low)


def test_families_that_agree_widen_the_interval() -> None:
    values = [1, 1, 0, 0, 1, 1, 0, 0]
    alone = stats.rate_interval(values, [str(i) for i in range(8)])
    pairs = stats.rate_interval(values, [str(i // 2) for i in range(8)])
    assert pairs.high - pairs.low > 1.2 * (alone.high - alone.low)


def test_bootstrap_draws_whole_families() -> None:
    weights = stats.cluster_weights(["a", "a", "b"], resamples=200)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert set(np.unique(weights)) == {0.0, 1.0, 2.0}


def test_bootstrap_interval_of_a_mean_is_near_the_normal_one() -> None:
    values = [0.0, 1.0] * 100
    found = stats.bootstrap_interval(stats.weighted_mean(values), [str(i) for i in range(200)], resamples=10_000)
    assert found.low == pytest.approx(0.5 - 1.96 * math.sqrt(0.25 / 200), abs=0.01)
    assert found.high == pytest.approx(0.5 + 1.96 * math.sqrt(0.25 / 200), abs=0.01)


def test_paired_difference_is_signed_and_zero_without_change() -> None:
    same = stats.paired_difference([1, 0, 1], [1, 0, 1], ["a", "b", "c"])
    assert (same.value, same.low, same.high, same.n) == (0.0, 0.0, 0.0, 3)
    worse = stats.paired_difference([1.0] * 50, [0.0] * 25 + [1.0] * 25, [str(i) for i in range(50)])
    assert worse.value == -0.5
    assert worse.high < -0.3
    with pytest.raises(ValueError, match="same cases"):
        stats.paired_difference([1], [1, 0], ["a", "b"])


def test_mcnemar_is_exact() -> None:
    assert stats.mcnemar_exact(0, 0) == 1.0
    assert stats.mcnemar_exact(0, 5) == pytest.approx(2 / 32)
    assert stats.mcnemar_exact(2, 8) == pytest.approx(2 * (1 + 10 + 45) / 1024)
    assert stats.mcnemar_exact(3, 3) == 1.0


def test_holm_steps_down_and_never_decreases() -> None:
    assert stats.holm({"a": 0.01, "b": 0.04, "c": 0.03}) == {
        "a": pytest.approx(0.03),
        "c": pytest.approx(0.06),
        "b": pytest.approx(0.06),
    }


def test_permutation_p_by_families() -> None:
    families = [str(i) for i in range(5)]
    # all five families turn: only the arrangement and its mirror are as extreme, 2 of 32
    assert stats.permutation_p([0] * 5, [1] * 5, families) == pytest.approx(2 / 32, abs=0.01)
    assert stats.permutation_p([1, 0], [1, 0], ["a", "b"]) == 1.0
