"""Weights that `whichway eval train --verdict` fitted: docs/answers.md."""

CONFIDENCE: dict[str, float] = {"constant": 0.37, "log_odds": 1.39}

WITH_WHOLE: dict[str, float] = {
    "both": -0.16,
    "both_balance": 0.0,
    "both_high": 0.33,
    "both_low": 0.09,
    "both_together": 0.0,
    "both_weak": 1.43,
    "either": 0.52,
    "either_high": 0.0,
    "either_needs": -0.3,
    "either_share": -0.58,
    "either_strong": 0.0,
    "neither": 0.57,
    "neither_rejected": 0.97,
    "neither_strong": -0.2,
    "other_share": 0.0,
    "other_strongest": 0.0,
    "other_total": -0.0,
    "own_share": 0.0,
    "own_strongest": 0.11,
    "own_total": 0.32,
    "whole_both": 0.71,
    "whole_either": 0.78,
    "whole_neither": 0.87,
    "whole_option": 0.59,
}
