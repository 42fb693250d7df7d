"""Weights that `whichway eval train --refusals` fitted: docs/answers.md."""

COEFFICIENTS: dict[str, dict[str, float]] = {
    "fact": {
        "answers": 0.52,
        "bias": -1.89,
        "cosine": 2.16,
        "covered": 1.4,
        "documented": 0.0,
        "figure": -1.75,
        "one_sided": -3.72,
        "open": 0.4,
        "relevance": 0.0,
        "sought": 0.31,
        "topic": 0.01,
    },
    "other": {
        "answers": 0.53,
        "bias": -0.09,
        "cosine": 2.04,
        "covered": 1.77,
        "documented": 0.86,
        "figure": -0.99,
        "one_sided": -0.73,
        "open": 0.63,
        "relevance": 1.46,
        "sought": 0.39,
        "topic": 0.0,
    },
}
