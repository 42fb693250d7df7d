"""Weights that `whichway eval train --verdict` fitted: docs/answers.md."""

CONFIDENCE: dict[str, float] = {"constant": 1.07, "log_odds": 0.83}

WITH_WHOLE: dict[str, float] = {
    "both": -0.06,
    "both_balance": 0.29,
    "both_high": -0.05,
    "both_low": 0.0,
    "both_together": 0.28,
    "both_weak": 1.6,
    "either": -0.12,
    "either_high": -0.02,
    "either_needs": 0.19,
    "either_share": -0.47,
    "either_strong": -0.76,
    "neither": 0.94,
    "neither_rejected": 0.51,
    "neither_strong": -0.2,
    "other_share": 0.0,
    "other_strongest": 0.0,
    "other_total": -0.59,
    "own_share": 0.0,
    "own_strongest": 0.0,
    "own_total": 0.32,
    "whole_both": 0.58,
    "whole_either": 0.74,
    "whole_neither": 0.92,
    "whole_option": 0.44,
}
