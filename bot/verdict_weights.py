"""Weights that `whichway eval train --verdict` fitted: docs/answers.md."""

CONFIDENCE: dict[str, float] = {"constant": 0.46, "log_odds": 1.36}

WITH_WHOLE: dict[str, float] = {
    "both": -0.25,
    "both_balance": 0.0,
    "both_high": 0.35,
    "both_low": 0.4,
    "both_together": 1.19,
    "both_weak": 0.94,
    "either": -0.31,
    "either_high": 0.0,
    "either_needs": 0.48,
    "either_share": 0.0,
    "either_strong": 0.0,
    "neither": 0.54,
    "neither_rejected": 0.86,
    "neither_strong": 0.0,
    "other_share": 0.0,
    "other_strongest": 0.0,
    "other_total": -0.18,
    "own_share": 0.0,
    "own_strongest": 0.0,
    "own_total": 0.4,
    "whole_both": 0.71,
    "whole_either": 0.83,
    "whole_neither": 0.88,
    "whole_option": 0.55,
}
