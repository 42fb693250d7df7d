"""Weights that `whichway eval train --verdict` fitted: docs/answers.md."""

CONFIDENCE: dict[str, float] = {"constant": 0.57, "log_odds": 1.39}

WITH_WHOLE: dict[str, float] = {
    "both": -0.36,
    "both_balance": 1.21,
    "both_high": 0.26,
    "both_low": 0.0,
    "both_together": 0.0,
    "both_weak": 0.92,
    "either": 0.57,
    "either_high": -0.76,
    "either_needs": 0.34,
    "either_share": 0.0,
    "either_strong": 0.0,
    "neither": 1.16,
    "neither_rejected": 0.0,
    "neither_strong": 0.0,
    "other_share": -0.47,
    "other_strongest": 0.0,
    "other_total": -0.06,
    "own_share": 0.23,
    "own_strongest": 0.23,
    "own_total": 0.0,
    "whole_both": 0.61,
    "whole_either": 0.82,
    "whole_neither": 1.02,
    "whole_option": 0.5,
}
