"""The measures against values worked out by hand."""

import math

import numpy as np
import pytest

from evals import calibration, metrics

ONES = np.ones((1, 4))


def test_ndcg_of_a_swapped_pair() -> None:
    # gains 1, 0, 2 against the ideal 2, 1: (1 + 2/log2(4)) / (2 + 1/log2(3))
    assert metrics.ndcg([1, 0, 2], [2, 1], k=10) == pytest.approx(2.0 / (2 + 1 / math.log2(3)))
    assert metrics.ndcg([2, 1], [1, 2], k=10) == 1.0
    assert metrics.ndcg([0, 0, 2], [2], k=2) == 0.0


def test_recall_and_reciprocal_rank_stop_at_k() -> None:
    found = [False, True, False, True]
    assert metrics.recall(found, 4, k=3) == 0.25
    assert metrics.reciprocal_rank(found, k=10) == 0.5
    assert metrics.reciprocal_rank(found, k=1) == 0.0


def test_macro_mean_weighs_classes_alike() -> None:
    statistic = metrics.macro_mean([1, 1, 1, 0], ["a", "a", "a", "b"])
    assert statistic(ONES)[0] == 0.5
    # a resample without class b is the mean of what is there
    assert statistic(np.array([[1.0, 1.0, 1.0, 0.0]]))[0] == 1.0


def test_precision_leaves_holes_out_and_reports_them() -> None:
    assert metrics.precision([2, 1, None, 0]) == 2 / 3
    assert metrics.precision([None]) is None
    assert metrics.mean_grade([2, 1, None, 0]) == 0.5
    assert metrics.mean_grade([None]) is None
    assert metrics.holes([2, 1, None, 0]) == 0.25


def test_confusion_and_sets() -> None:
    table = metrics.confusion(["both", "both", "databricks"], ["databricks", "both", "databricks"])
    assert table == {"both": {"both": 1, "databricks": 1}, "databricks": {"databricks": 1}}
    assert metrics.set_f1({"a", "b"}, {"b", "c"}) == 0.5
    assert metrics.set_f1(set(), set()) == 1.0


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("Uses  Apache\nSpark clusters", "apache spark", True),
        ("Sparkling water", "Spark", False),
        ("up to 5 TB a day", "re:\\d+ tb", True),
        ("C++ and C# too", "c#", True),
    ],
)
def test_facts_are_found_without_case_and_blanks(text: str, pattern: str, expected: bool) -> None:
    assert metrics.holds(text, pattern) is expected


def test_flips_are_the_pairs_that_disagree() -> None:
    assert metrics.flips({"a": "both", "b": "both", "c": "either"}, [("a", "b"), ("b", "c")]) == [("b", "c")]


def test_brier_skill_is_zero_for_the_base_rate() -> None:
    right = [True, True, True, False]
    assert calibration.brier_skill([0.75] * 4, right)(ONES)[0] == pytest.approx(0.0)
    # Brier (3 * 0.01 + 0.01) / 4 = 0.01 against 0.1875
    assert calibration.brier_skill([0.9, 0.9, 0.9, 0.1], right)(ONES)[0] == pytest.approx(1 - 0.01 / 0.1875)
    assert math.isnan(calibration.brier_skill([0.9] * 4, [True] * 4)(ONES)[0])


def test_auroc_counts_pairs_and_half_for_ties() -> None:
    # right: .9 .6; wrong: .6 .2 -> pairs won 1, 1, .5, 1
    assert calibration.auroc([0.9, 0.6, 0.6, 0.2], [True, True, False, False])(ONES)[0] == 3.5 / 4


def test_calibration_error_over_equal_mass_bins() -> None:
    # two bins of two: |.15 - 0| and |.85 - .5|
    assert calibration.expected_calibration_error(
        [0.1, 0.2, 0.8, 0.9], [False, False, True, False], bins=2
    ) == pytest.approx((0.15 + 0.35) / 2)


def test_risk_coverage_moves_by_threshold_not_by_case() -> None:
    points = calibration.risk_coverage([0.9, 0.9, 0.5, 0.1], [True, False, True, True])
    assert [(p.coverage, p.risk) for p in points] == [(0.5, 0.5), (0.75, pytest.approx(1 / 3)), (1.0, 0.25)]
    assert calibration.coverage_at_risk(points, 0.3) == 1.0
    assert calibration.coverage_at_risk(points, 0.05) == 0.0
    assert calibration.area_under_risk(points) == pytest.approx(0.5 * 0.5 + 0.25 / 3 + 0.25 * 0.25)
