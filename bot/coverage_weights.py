"""Weights that `whichway eval train --refusals` fitted: docs/answers.md."""

COEFFICIENTS: dict[str, dict[str, float]] = {
    "fact": {
        "answers": 0.65,
        "bias": -1.72,
        "cosine": 2.04,
        "covered": 1.24,
        "documented": 0.0,
        "figure": -1.61,
        "one_sided": -3.8,
        "open": 0.4,
        "relevance": 0.0,
        "sought": 0.22,
        "topic": 0.0,
    },
    "other": {
        "answers": 0.41,
        "bias": -0.07,
        "cosine": 2.43,
        "covered": 2.08,
        "documented": 0.0,
        "figure": -1.0,
        "one_sided": -0.76,
        "open": 0.62,
        "relevance": 1.11,
        "sought": 0.47,
        "topic": 0.0,
    },
}
