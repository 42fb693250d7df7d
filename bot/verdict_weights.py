"""Weights that `whichway eval train --verdict` fitted: docs/answers.md."""

CONFIDENCE: dict[str, float] = {"constant": 0.38, "log_odds": 1.28}

WITH_WHOLE: dict[str, float] = {
    "both": -0.4,
    "both_balance": 0.61,
    "both_high": -0.45,
    "both_low": 0.98,
    "both_together": 0.04,
    "both_weak": 0.7,
    "either": 0.45,
    "either_high": -0.53,
    "either_needs": 0.3,
    "either_share": 0.0,
    "either_strong": -0.05,
    "neither": 1.87,
    "neither_rejected": 0.0,
    "neither_strong": 0.0,
    "other_share": -0.34,
    "other_strongest": -0.19,
    "other_total": 0.0,
    "own_share": 0.0,
    "own_strongest": 0.06,
    "own_total": 0.0,
    "whole_both": 0.55,
    "whole_either": 0.83,
    "whole_neither": 1.26,
    "whole_option": 0.57,
}
