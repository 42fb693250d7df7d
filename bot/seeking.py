"""Tells which statements a question seeks: how likely a careful reader would put each under the answer.

Trained by `whichway eval train --seeker` on judged pairs of questions and statements (`evals/data/assessments`). From
what the reader sees of each stretch of the question, a small network makes a vector in the space of the statements'
own vectors, beside which the question's vector counts as well (query-side fine-tuning: the documents' vectors stay).
A statement is as likely as the stretch that seeks it most. It only ranks what the index holds.
"""

from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.reading import Reading

Matrix = NDArray[np.float32]

SHARPNESS = 4.0
"""Of the soft maximum over the stretches."""


class Seeker:
    """The network in a file. Safe to share between threads. OSError, KeyError or ValueError where it is not whole."""

    def __init__(self, file: Path) -> None:
        with np.load(file, allow_pickle=False) as stored:
            self._layers = tuple(stored[name].astype(np.float32) for name in ("w1", "b1", "w2", "b2"))
            self._own, self._scale, self._bias = (float(number) for number in stored["balance"])
            self.encoder = str(stored["encoder"])

    def likely(self, reading: Reading, vector: Matrix, statements: Matrix) -> Matrix:
        """The probability of each statement, shape (n,). `vector`: the question's; `statements`: theirs, (n, width)."""
        if not len(statements):
            return np.zeros(0, np.float32)
        own = statements @ vector
        sought = self._sought(reading, vector)
        if len(sought):
            scores = statements @ sought.T + self._own * own[:, None]
            top = scores.max(axis=1, keepdims=True)
            best = top[:, 0] + np.log(np.exp(SHARPNESS * (scores - top)).sum(axis=1)) / SHARPNESS
        else:
            best = self._own * own
        chances: Matrix = (1 / (1 + np.exp(-(self._scale * best + self._bias)))).astype(np.float32)
        return chances

    def _sought(self, reading: Reading, vector: Matrix) -> Matrix:
        """A vector for each stretch, shape (stretches, width)."""
        w1, b1, w2, b2 = self._layers
        rows = np.concatenate([reading.seen, np.repeat(vector[None], len(reading.seen), axis=0)], axis=1)
        found: Matrix = np.maximum(rows @ w1 + b1, 0.0) @ w2 + b2
        return found


@lru_cache(maxsize=1)
def shipped_seeker() -> Seeker:
    """The trained network that is shipped."""
    with as_file(files("bot") / "data" / "seeker.npz") as file:
        return Seeker(file)
