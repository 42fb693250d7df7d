"""A small learned second opinion on what a question is: far from the subject, or resting on an odd premise.

Ridge regression on sentence vectors, trained on `bot/data/kinds.toml` by `whichway eval train`. The rules of
`bot.asking` decide the kind of a question; this tells what rules do not see.
"""

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from bot.clauses import sentences
from kb.matching import Matcher

Matrix = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Matrix]

KINDS = ("recommendation", "fact", "comparison", "premise", "far")
RIDGE = 2.0


@dataclass(frozen=True, slots=True)
class KindModel:
    """`weights` (2 d + 4, kinds), for one encoder."""

    encoder: str
    weights: Matrix

    def scores(self, vectors: Matrix, named: int) -> dict[str, float]:
        """Scores by kind, about 1 for a sure one, from the vectors of the text and of its last sentence (2, d)."""
        row = _row(vectors, named) @ self.weights
        return {kind: round(float(score), 4) for kind, score in zip(KINDS, row, strict=True)}

    def to_bytes(self) -> bytes:
        """The model as an npz archive without pickles."""
        out = BytesIO()
        np.savez_compressed(out, encoder=np.array(self.encoder), weights=self.weights.astype(np.float16))
        return out.getvalue()


@lru_cache(maxsize=1)
def shipped_model() -> KindModel | None:
    """The trained model that is shipped; None where there is none."""
    file = files("bot") / "data" / "kinds.npz"
    if not file.is_file():
        return None
    with np.load(BytesIO(file.read_bytes()), allow_pickle=False) as stored:
        return KindModel(str(stored["encoder"]), stored["weights"].astype(np.float32))


def texts_of(text: str, matcher: Matcher) -> tuple[str, str]:
    """What is embedded: the text and its last sentence, without the options' names."""
    last = (sentences(text) or (text,))[-1]
    return matcher.nameless(text) or text, matcher.nameless(last) or last


def train_kinds(*, encoder: str, embed: Embed, matcher: Matcher, count_named: Callable[[str], int]) -> KindModel:
    """Train on the shipped examples."""
    data = tomllib.loads((files("bot") / "data" / "kinds.toml").read_text(encoding="utf-8"))
    texts = [(str(text), column) for column, kind in enumerate(KINDS) for text in data[kind]]
    vectors = embed([part for text, _ in texts for part in texts_of(text, matcher)])
    rows = np.stack([_row(vectors[2 * i : 2 * i + 2], count_named(text)) for i, (text, _) in enumerate(texts)]).astype(
        np.float64
    )
    targets = np.eye(len(KINDS))[[column for _, column in texts]]
    weights = np.linalg.solve(rows.T @ rows + RIDGE * np.eye(rows.shape[1]), rows.T @ targets)
    return KindModel(encoder, weights.astype(np.float32))


def _row(vectors: Matrix, named: int) -> Matrix:
    counts = 0.3 * np.eye(3, dtype=np.float32)[min(named, 2)]
    row: Matrix = np.concatenate([vectors[0], vectors[1], counts, np.ones(1, np.float32)])
    return row
