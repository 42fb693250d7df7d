"""Weights that `whichway eval train --verdict` fitted: docs/answers.md."""

CONFIDENCE: dict[str, float] = {"constant": 0.5, "log_odds": 1.28}

WITH_WHOLE: dict[str, float] = {
    "both": -0.1,
    "both_balance": 0.44,
    "both_high": -0.15,
    "both_low": 0.11,
    "both_together": 0.0,
    "both_weak": 1.64,
    "either": 0.57,
    "either_high": -0.65,
    "either_needs": -0.07,
    "either_share": -0.74,
    "either_strong": 0.0,
    "neither": 0.14,
    "neither_rejected": 0.98,
    "neither_strong": 0.0,
    "other_share": 0.0,
    "other_strongest": 0.0,
    "other_total": -0.5,
    "own_share": 0.0,
    "own_strongest": 0.0,
    "own_total": 0.25,
    "whole_both": 0.7,
    "whole_either": 0.81,
    "whole_neither": 0.8,
    "whole_option": 0.53,
}
