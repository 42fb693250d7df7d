"""Weights that `whichway eval train --refusals` fitted: docs/answers.md."""

COEFFICIENTS: dict[str, dict[str, float]] = {
    "fact": {
        "answers": 0.67,
        "bias": -1.38,
        "cosine": 0.3,
        "covered": 1.3,
        "documented": 0.02,
        "figure": -0.86,
        "held": 0.01,
        "long": 2.49,
        "one_sided": -4.11,
        "open": 0.86,
        "relevance": 0.0,
        "sought": 0.23,
        "topic": 0.23,
    },
    "other": {
        "answers": 0.93,
        "bias": -0.15,
        "cosine": 0.0,
        "covered": 3.07,
        "documented": 0.6,
        "figure": -0.92,
        "held": 5.35,
        "long": 0.0,
        "one_sided": 0.0,
        "open": 0.7,
        "relevance": 0.0,
        "sought": 0.27,
        "topic": 0.0,
    },
}
