"""A learned map from words to the topics of a guide: ridge regression on sentence vectors and random features of them.

It says what a clause of a question, or a statement of any source, is about. It learns from the topics' phrasings and
from the guide's own statements; it holds no evidence. The features approximate a Gaussian kernel (Rahimi and Recht,
Random Features for Large-Scale Kernel Machines, 2007), so the model is one small matrix. Ridge regression has its
leave-one-out predictions in closed form (Allen's PRESS), so its quality on unseen phrasings is known at every training.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from kb.topics import Topic

Matrix = NDArray[np.float32]

FEATURES = 1500
GAMMA = 1.5
RIDGE = 3.0
SHARPNESS = 20.0
"""Random features, kernel width, ridge, softmax sharpness: chosen by leave-one-out over the bundled topics."""

_SEED = 20070101

BACKGROUND = "background"


@dataclass(frozen=True, slots=True)
class Recogniser:
    """`classes` are topic ids, then `background`; `weights` (features, classes).

    `assets` are the topics of which having something speaks for it.
    """

    encoder: str
    key: str
    classes: tuple[str, ...]
    assets: tuple[str, ...]
    weights: Matrix

    def scores(self, vectors: Matrix) -> Matrix:
        """Regression scores over `classes` for unit rows (m, d): about 1 for a sure topic, near 0 for the others."""
        scores: Matrix = _features(vectors) @ self.weights
        return scores

    def topics(self, vectors: Matrix) -> Matrix:
        """Probabilities over `classes` for unit rows (m, d): shape (m, classes), rows sum to 1."""
        sharp = SHARPNESS * self.scores(vectors)
        powers = np.exp(sharp - sharp.max(axis=1, keepdims=True))
        chances: Matrix = powers / powers.sum(axis=1, keepdims=True)
        return chances

    def to_bytes(self) -> bytes:
        """The recogniser as an npz archive without pickles, in half precision."""
        out = BytesIO()
        np.savez_compressed(
            out,
            encoder=np.array(self.encoder),
            key=np.array(self.key),
            classes=np.array(self.classes),
            assets=np.array(self.assets, dtype=np.str_),
            weights=self.weights.astype(np.float16),
        )
        return out.getvalue()

    @staticmethod
    def from_bytes(data: bytes) -> "Recogniser":
        """The inverse of `to_bytes`. ValueError, KeyError or OSError where the archive is not one."""
        with np.load(BytesIO(data), allow_pickle=False) as stored:
            return Recogniser(
                encoder=str(stored["encoder"]),
                key=str(stored["key"]),
                classes=tuple(str(name) for name in stored["classes"]),
                assets=tuple(str(name) for name in stored["assets"]),
                weights=stored["weights"].astype(np.float32),
            )


@dataclass(frozen=True, slots=True)
class LeftOutResult:
    """How one phrasing fares when it is left out of training: the rank of its own topic, from 1."""

    topic: str
    phrasing: str
    rank: int


def train(
    topics: Sequence[Topic],
    *,
    background: Sequence[str] = (),
    statements: Sequence[tuple[str, str]] = (),
    encoder: str,
    key: str,
    embed: Callable[[Sequence[str]], Matrix],
) -> tuple[Recogniser, tuple[LeftOutResult, ...]]:
    """Train on all phrasings, names, titles and `(topic id, text)` statements; also the leave-one-out results."""
    classes = (*(topic.id for topic in topics), BACKGROUND)
    assets = tuple(topic.id for topic in topics if topic.asset)
    column = {name: number for number, name in enumerate(classes)}
    texts: list[str] = []
    labels: list[int] = []
    phrased: list[int] = []
    for topic in topics:
        plain = [words for words in (topic.title, topic.about, *topic.names) if words]
        texts += plain
        labels += [column[topic.id]] * len(plain)
        for _, words in topic.phrasings:
            phrased.append(len(texts))
            texts.append(words)
            labels.append(column[topic.id])
    for name, words in (*((BACKGROUND, words) for words in background), *statements):
        if name in column:
            texts.append(words)
            labels.append(column[name])
    features = _features(embed(texts)).astype(np.float64)
    targets = np.zeros((len(texts), len(classes)))
    targets[np.arange(len(texts)), labels] = 1.0

    inverse = np.linalg.inv(features.T @ features + RIDGE * np.eye(features.shape[1]))
    weights = inverse @ (features.T @ targets)
    leverage = np.einsum("ij,ij->i", features @ inverse, features)
    predicted = features @ weights
    results = []
    for row in phrased:
        # What the prediction would be without this row: PRESS.
        left_out = targets[row] - (targets[row] - predicted[row]) / (1.0 - leverage[row])
        scores = left_out[:-1]
        rank = int((scores > scores[labels[row]]).sum()) + 1
        results.append(LeftOutResult(classes[labels[row]], texts[row], rank))
    recogniser = Recogniser(encoder, key, classes, assets, weights.astype(np.float32))
    return recogniser, tuple(results)


@lru_cache(maxsize=2)
def _directions(dimension: int) -> tuple[Matrix, Matrix]:
    generator = np.random.Generator(np.random.PCG64(_SEED))
    directions = generator.standard_normal((dimension, FEATURES)).astype(np.float32) * np.float32(np.sqrt(GAMMA))
    return directions, (generator.random(FEATURES) * 2 * np.pi).astype(np.float32)


def _features(vectors: Matrix) -> Matrix:
    """The vectors, their random Fourier features and a constant: shape (m, FEATURES + d + 1)."""
    directions, phases = _directions(vectors.shape[1])
    waves = np.sqrt(2.0 / FEATURES).astype(np.float32) * np.cos(vectors @ directions + phases)
    rows: Matrix = np.hstack([waves, vectors, np.ones((len(vectors), 1), np.float32)]).astype(np.float32)
    return rows
