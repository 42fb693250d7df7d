"""Weights that `whichway eval train --refusals` fitted: docs/answers.md."""

COEFFICIENTS: dict[str, dict[str, float]] = {
    "fact": {
        "answers": 0.68,
        "bias": -2.86,
        "cosine": 1.93,
        "covered": 1.6,
        "documented": 0.0,
        "figure": -1.07,
        "long": 3.31,
        "one_sided": -3.24,
        "open": 0.71,
        "relevance": 0.0,
        "sought": 0.14,
        "topic": 0.7,
    },
    "other": {
        "answers": 0.56,
        "bias": -0.09,
        "cosine": 0.0,
        "covered": 1.29,
        "documented": 0.68,
        "figure": -0.81,
        "long": 0.82,
        "one_sided": 0.0,
        "open": 0.53,
        "relevance": 4.18,
        "sought": 0.0,
        "topic": 0.0,
    },
}
