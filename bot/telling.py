"""How likely a text tells its reader what to answer: judged by its words, whatever products it names.

Trained by `whichway eval train --telling` on the attacks that are not held out and the sentences of
`evals/data/steering.yaml`. A text is its word vectors, those that the bundled encoder begins with: their mean, their
highest and lowest values, and the mean of the first three, where an order begins. Words of like meaning count alike;
the encoder itself is not run.
"""

import json
import re
import struct
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.embedders import bundled_model_folder

LEAST = 0.5
"""From this probability on, a text is taken to tell."""

WORDS = 96
"""Word pieces of a text that are looked at."""

_MEAN, _BEGINNING, _BROKEN = 4.0, 2.0, 3.0
"""How much the means count beside the highest values, which are larger, and the share of pieces that go on a word."""

_FIRST, _LONG = 3, 20
"""Pieces that begin a text; and how many make it as long as 1."""

_NAMES = re.compile(
    r"(?<=[a-z,;:'\"(] )[A-Z][\w.-]*(?: [A-Z][\w.-]*)*|\b[A-Z][\w.-]*(?: [A-Z][\w.-]*)+"
    r"|\b\w*[a-z][A-Z]\w*|\b[a-z]+_[a-z_]+"
)
"""Names of products and the like: it does not matter which."""

Matrix = NDArray[np.float32]


class WordVectors:
    """The vectors that the bundled encoder begins with. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(WORDS)
        self.table = _table(folder / "model.safetensors")

    def features(self, texts: Sequence[str], middle: Matrix) -> Matrix:
        """What is known of each text, shape (n, features); `middle` is the mean of all vectors, which says nothing.

        Words that the vocabulary has only in pieces tell of other languages and of disguises.
        """
        width = len(middle)
        found = np.zeros((len(texts), 4 * width + 2), np.float32)
        named = [_NAMES.sub("product", text) for text in texts]
        encoded = self._tokenizer.encode_batch(named, add_special_tokens=False)
        pieces = [each.ids for each in encoded]
        known, places = np.unique(np.array([id_ for ids in pieces for id_ in ids], np.intp), return_inverse=True)
        vectors = self.table[known] - middle
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-6
        start = 0
        for row, each in zip(found, encoded, strict=True):
            count = len(each.ids)
            if count:
                own = vectors[places[start : start + count]]
                beginning = _BEGINNING * own[:_FIRST].mean(axis=0)
                row[:-2] = np.concatenate([_MEAN * own.mean(axis=0), own.max(axis=0), own.min(axis=0), beginning])
                row[-2] = _BROKEN * sum(token.startswith("##") for token in each.tokens) / count
                row[-1] = min(count, 2 * _LONG) / _LONG
                start += count
        return found


class Teller:
    """The trained network in a file: one hidden layer. OSError, KeyError or ValueError where it is not whole."""

    def __init__(self, file: Path, vectors: WordVectors) -> None:
        with np.load(file, allow_pickle=False) as stored:
            self._layers = tuple(stored[name].astype(np.float32) for name in ("w1", "b1", "w2", "b2"))
            self._middle = stored["middle"]
        self._vectors = vectors

    def chances(self, texts: Sequence[str]) -> Matrix:
        """The probability of each undisguised text that it tells its reader what to answer, shape (n,)."""
        w1, b1, w2, b2 = self._layers
        scores = np.maximum(self._vectors.features(texts, self._middle) @ w1 + b1, 0.0) @ w2 + b2
        chances: Matrix = 1 / (1 + np.exp(-scores))
        return chances


@lru_cache(maxsize=1)
def shipped_teller() -> Teller:
    """The weights that are shipped."""
    return Teller(Path(str(files("bot") / "data" / "telling.npz")), WordVectors(bundled_model_folder()))


def _table(file: Path) -> Matrix:
    """The word vectors in a file of tensors. Mapped, not loaded as safetensors would: a few thousand rows of 47 MB are
    ever looked at.
    """
    with file.open("rb") as opened:
        (size,) = struct.unpack("<Q", opened.read(8))
        held = json.loads(opened.read(size))["embeddings.word_embeddings.weight"]
    if held["dtype"] != "F32":
        raise ValueError(f"{file}: the word vectors are {held['dtype']}, not F32")
    start = 8 + size + held["data_offsets"][0]
    return np.memmap(file, dtype="<f4", mode="r", offset=start, shape=tuple(held["shape"]))
