"""Weights that `whichway eval train --refusals` fitted: docs/answers.md."""

COEFFICIENTS: dict[str, dict[str, float]] = {
    "fact": {
        "bias": -4.26,
        "cosine": 3.82,
        "covered": 2.38,
        "documented": 0.0,
        "figure": -1.1,
        "one_sided": -1.51,
        "open": 0.38,
        "relevance": 1.53,
        "topic": 0.47,
    },
    "other": {
        "bias": -5.03,
        "cosine": 0.77,
        "covered": 1.16,
        "documented": 2.07,
        "figure": -0.13,
        "one_sided": 0.0,
        "open": 0.87,
        "relevance": 3.18,
        "topic": 0.0,
    },
}
