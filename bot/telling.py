"""How likely a text tells its reader what to answer: judged by its words, whatever products it names.

Trained by `whichway eval train --telling` on the attacks that are not held out and the sentences of
`evals/data/steering.yaml`. A text is the mean and the highest values of the vectors that the bundled encoder begins
with, so that words of like meaning count alike; the encoder itself is not run.
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

_MEAN = 4.0
"""How much the mean counts beside the highest values, which are larger."""

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
        """What is known of each text, shape (n, features); `middle` is the mean of all vectors, which says nothing."""
        found = np.zeros((len(texts), 2 * len(middle)), np.float32)
        named = [_NAMES.sub("product", text) for text in texts]
        pieces = [each.ids for each in self._tokenizer.encode_batch(named, add_special_tokens=False)]
        known, places = np.unique(np.array([id_ for ids in pieces for id_ in ids], np.intp), return_inverse=True)
        vectors = self.table[known] - middle
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-6
        start = 0
        for row, ids in zip(found, pieces, strict=True):
            if ids:
                own = vectors[places[start : start + len(ids)]]
                row[: len(middle)], row[len(middle) :] = _MEAN * own.mean(axis=0), own.max(axis=0)
                start += len(ids)
        return found


class Teller:
    """The trained weights in a file. OSError, KeyError or ValueError where it is not whole."""

    def __init__(self, file: Path, vectors: WordVectors) -> None:
        with np.load(file, allow_pickle=False) as stored:
            self._weights, self._middle = stored["weights"], stored["middle"]
        self._vectors = vectors

    def chances(self, texts: Sequence[str]) -> Matrix:
        """The probability of each undisguised text that it tells its reader what to answer, shape (n,)."""
        scores = self._vectors.features(texts, self._middle) @ self._weights[:-1] + self._weights[-1]
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
