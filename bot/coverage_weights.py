"""Weights that `whichway eval train --refusals` fitted: docs/answers.md."""

COEFFICIENTS: dict[str, dict[str, float]] = {
    "fact": {
        "answers": 0.61,
        "bias": -0.91,
        "cosine": 0.53,
        "covered": 0.86,
        "documented": 0.0,
        "figure": -1.36,
        "long": 2.73,
        "one_sided": -3.66,
        "open": 0.67,
        "relevance": 0.0,
        "sought": 0.24,
        "topic": 0.0,
    },
    "other": {
        "answers": 0.45,
        "bias": -0.07,
        "cosine": 0.0,
        "covered": 2.17,
        "documented": 0.79,
        "figure": -0.54,
        "long": 0.0,
        "one_sided": 0.0,
        "open": 0.48,
        "relevance": 3.07,
        "sought": 0.0,
        "topic": 0.0,
    },
}
