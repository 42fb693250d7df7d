"""Weights that `whichway eval train --refusals` fitted: docs/answers.md."""

COEFFICIENTS: dict[str, dict[str, float]] = {
    "fact": {
        "answers": 0.67,
        "bias": -1.38,
        "cosine": 0.3,
        "covered": 1.3,
        "documented": 0.02,
        "figure": -0.86,
        "long": 2.49,
        "one_sided": -4.11,
        "open": 0.86,
        "relevance": 0.0,
        "sought": 0.23,
        "topic": 0.23,
    },
    "other": {
        "answers": 0.56,
        "bias": -0.09,
        "cosine": 0.0,
        "covered": 1.29,
        "documented": 0.64,
        "figure": -0.65,
        "long": 0.0,
        "one_sided": 0.0,
        "open": 0.42,
        "relevance": 4.59,
        "sought": 0.0,
        "topic": 0.0,
    },
}
