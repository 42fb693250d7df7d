"""Fits the reader's head that tells which options a fact is asked of: `whichway eval train --about`, half a minute.

A logistic regression for each option over the mean word vector of the last turn, on the stories that ask for a fact:
of posts as labelled, of others by the options that they name. Trained with the body, the head also sees questions for
a choice, which are about both options, and says "both" of too many facts.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.reading import Matrix, QuestionReader
from evals.stories import Example, example_of, whole
from kb.options import OptionFinder

RIDGE = 3.0


def fit_about(stories: Sequence[Any], *, folder: Path, options: OptionFinder) -> None:
    """Fit the head on the stories and write it into the reader's `heads.npz`."""
    reader = QuestionReader(folder)
    seen: list[Matrix] = []
    asked: list[list[float]] = []
    for story in stories:
        about = _about(example_of(story, options), story)
        if about is not None:
            alone = whole(story, options)
            seen.append(reader.read(alone.text, options, since=alone.since).turn)
            asked.append([float(option in about) for option in sorted(reader.options)])
    rows = np.hstack([np.array(seen, np.float64), np.ones((len(seen), 1))])
    wanted = np.array(asked)
    head = np.stack([_logistic(rows, wanted[:, column]) for column in range(wanted.shape[1])], axis=1)
    with np.load(folder / "heads.npz", allow_pickle=False) as stored:
        kept = {name: stored[name] for name in stored.files}
    np.savez_compressed(folder / "heads.npz", **(kept | {"about": head.astype(np.float16)}))


def _about(example: Example, story: Any) -> frozenset[str] | None:
    """The options that a fact is asked of, where they are labelled or named in it and not in an earlier turn."""
    return example.about if example.kind == "fact" and ("about" in story or not example.now) else None


def _logistic(rows: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.optimize import minimize

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = rows @ weights
        free = np.append(weights[:-1], 0.0)  # the constant is not drawn to nothing
        slope = rows.T @ (1 / (1 + np.exp(-scores)) - wanted) + RIDGE * free
        return float(np.sum(np.logaddexp(0, scores) - wanted * scores) + RIDGE / 2 * (free @ free)), slope

    found: NDArray[np.float64] = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B").x
    return found
