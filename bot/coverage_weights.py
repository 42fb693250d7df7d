"""Weights that `whichway eval train --refusals` fitted: docs/answers.md."""

COEFFICIENTS: dict[str, dict[str, float]] = {
    "fact": {
        "answers": 0.6,
        "bias": -2.7,
        "cosine": 2.15,
        "covered": 1.78,
        "documented": 0.0,
        "figure": -1.18,
        "long": 2.6,
        "one_sided": -2.89,
        "open": 0.6,
        "relevance": 0.0,
        "sought": 0.16,
        "topic": 0.47,
    },
    "other": {
        "answers": 0.42,
        "bias": -0.07,
        "cosine": 2.18,
        "covered": 1.78,
        "documented": 0.73,
        "figure": -0.73,
        "long": 1.97,
        "one_sided": 0.0,
        "open": 0.92,
        "relevance": 0.53,
        "sought": 0.65,
        "topic": 0.0,
    },
}
