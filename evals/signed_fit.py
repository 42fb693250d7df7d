"""Fits a multinomial logistic model whose weights keep their signs."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Features = Mapping[str, Mapping[str, float]]
"""By choice, the features that speak for or against it, by name."""

Sign = Callable[[str], int]
"""1 for a feature that speaks for its choice, -1 for one that speaks against it, 0 where either may be."""

RIDGE = 0.3
_BOUNDS = {1: (0.0, None), -1: (None, 0.0), 0: (None, None)}


def fit(examples: Sequence[tuple[Features, Mapping[str, float]]], sign: Sign) -> dict[str, float]:
    """Weights by feature, two decimals. An example is the features of a question and the shares of the right choices.

    What speaks for a choice never gets a weight below 0, nor what speaks against it one above: so what is moved up
    never moves the outcome the other way.
    """
    from scipy.optimize import minimize

    names = sorted({name for features, _ in examples for values in features.values() for name in values})
    place = {name: column for column, name in enumerate(names)}
    choices = sorted({choice for features, _ in examples for choice in features})
    rows = np.zeros((len(examples), len(choices), len(names)))
    shares = np.zeros((len(examples), len(choices)))
    for number, (features, right) in enumerate(examples):
        for column, choice in enumerate(choices):
            shares[number, column] = right.get(choice, 0.0)
            for name, value in features[choice].items():
                rows[number, column, place[name]] = value

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = rows @ weights
        scores -= scores.max(axis=1, keepdims=True)
        powers = np.exp(scores)
        chances = powers / powers.sum(axis=1, keepdims=True)
        slope = np.einsum("ij,ijk->k", chances - shares, rows) + RIDGE * weights
        return float(-(shares * np.log(chances + 1e-12)).sum() + RIDGE / 2 * (weights @ weights)), slope

    found = minimize(
        loss, np.zeros(len(names)), jac=True, method="L-BFGS-B", bounds=[_BOUNDS[sign(name)] for name in names]
    )
    return {name: round(float(value), 2) for name, value in zip(names, found.x, strict=True)}
