"""Weights that `whichway eval train --refusals` fitted: docs/answers.md."""

COEFFICIENTS: dict[str, dict[str, float]] = {
    "fact": {
        "answers": 0.66,
        "bias": -1.76,
        "cosine": 1.47,
        "covered": 1.39,
        "documented": 0.0,
        "figure": -0.96,
        "one_sided": -2.62,
        "open": 0.48,
        "relevance": 0.0,
        "sought": 0.18,
        "topic": 0.0,
    },
    "other": {
        "answers": 0.44,
        "bias": -0.07,
        "cosine": 1.88,
        "covered": 1.85,
        "documented": 0.1,
        "figure": -0.17,
        "one_sided": -0.87,
        "open": 0.98,
        "relevance": 1.64,
        "sought": 0.56,
        "topic": 0.0,
    },
}
