"""Weights that `whichway eval train --verdict` fitted: docs/answers.md."""

CONFIDENCE: dict[str, float] = {"constant": 0.72, "log_odds": 1.07}

WITH_WHOLE: dict[str, float] = {
    "both": -0.1,
    "both_balance": 0.24,
    "both_high": 0.01,
    "both_low": 0.0,
    "both_together": 0.28,
    "both_weak": 1.67,
    "either": -0.14,
    "either_high": -0.08,
    "either_needs": 0.15,
    "either_share": -0.35,
    "either_strong": -0.59,
    "neither": 0.93,
    "neither_rejected": 0.49,
    "neither_strong": -0.17,
    "other_share": 0.0,
    "other_strongest": 0.0,
    "other_total": -0.52,
    "own_share": 0.0,
    "own_strongest": 0.0,
    "own_total": 0.33,
    "whole_both": 0.58,
    "whole_either": 0.74,
    "whole_neither": 0.92,
    "whole_option": 0.45,
}
