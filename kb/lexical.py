"""Search by words: BM25 over stemmed words and over the compounds of the trade, such as blue-green or CI/CD."""

import functools
import itertools
import logging
import re
import threading
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

VERSION = "2"
"""Changes when the words of a text would be cut differently: an index made by another version is made again."""

K1, B = 1.5, 0.75

_WORD = re.compile(r"[^\W_]+(?:[._/&+#:'’-]+[^\W_]+)*[+#]{0,2}")
_PART = re.compile(r"[^\W_]+")
_POSSESSIVE = re.compile(r"['’]s$")
_STOP = frozenset(
    """
    a an and are as at be been but by can could did do does doing for from had has have having he her his how
    i if in into is it its me my of on or our should so than that the their them then there these they this
    those to us was we were what when where which while who whom why will with would you your
    """.split()  # noqa: SIM905 - a paragraph reads better than ninety literals
)

_REMEMBERED = 400
"""Texts up to this length, statements and headings, are cut into words once: every answer looks at the same ones."""

_local = threading.local()  # a Stemmer is not safe to share between threads


def tokens(text: str) -> list[str]:
    """The words of a text as they are indexed: lower case, stemmed, without stop words.

    A compound gives itself and its parts: "CI/CD" gives `ci/cd`, `ci`, `cd`.
    """
    return list(_tokens(text) if len(text) <= _REMEMBERED else _tokens.__wrapped__(text))


@functools.lru_cache(maxsize=20_000)
def _tokens(text: str) -> tuple[str, ...]:
    words = _WORD.findall(unicodedata.normalize("NFKC", text).lower())
    return tuple(itertools.chain.from_iterable(map(_pieces, words)))


@functools.lru_cache(maxsize=50_000)
def _pieces(word: str) -> tuple[str, ...]:
    """What a word of a text is indexed as."""
    word = _POSSESSIVE.sub("", word).replace("’", "'")
    parts = _PART.findall(word)
    whole = [word] if len(parts) > 1 or word != parts[0] else []
    return (*whole, *(_stem(part) for part in parts if part not in _STOP))


class LexicalIndex:
    """BM25 (Lucene's form) over texts, known by their row. Deterministic: equal scores stand in the order of rows."""

    def __init__(self, model: Any, rows: int) -> None:
        self._model = model
        self.rows = rows

    @classmethod
    def build(cls, texts: Sequence[str]) -> "LexicalIndex":
        """The index of the texts; their positions are the rows."""
        words = [tokens(text) for text in texts]
        # Sorted by us: bm25s would number the words in the order of a set, another one in each process.
        vocabulary = {word: number for number, word in enumerate(sorted({w for found in words for w in found}))}
        if not vocabulary:
            return cls(None, len(texts))
        model = _bm25()(k1=K1, b=B, method="lucene", backend="numpy")
        model.index(([[vocabulary[w] for w in found] for found in words], vocabulary), show_progress=False)
        return cls(model, len(texts))

    def save(self, folder: Path) -> None:
        """Writes the index into a new folder."""
        folder.mkdir(parents=True)
        if self._model is None:
            (folder / "empty").write_text(str(self.rows), encoding="utf-8")
        else:
            self._model.save(folder, show_progress=False)

    @classmethod
    def load(cls, folder: Path) -> "LexicalIndex":
        """The index that `save` wrote. OSError or ValueError where it cannot be read."""
        if (folder / "empty").is_file():
            return cls(None, int((folder / "empty").read_text(encoding="utf-8")))
        model = _bm25().load(folder, show_progress=False)
        return cls(model, int(model.scores["num_docs"]))

    def rarity(self, word: str) -> float:
        """The inverse document frequency of an indexed word (one of `tokens`), from 0 for a word of every text to 1
        for a word of a single text; above 1 (1.2) for a word that no text has.
        """
        number = self._model.vocab_dict.get(word) if self._model is not None else None
        if number is None or self.rows < 2:
            return 1.2
        pointers = self._model.scores["indptr"]
        count = int(pointers[number + 1] - pointers[number])
        return float(np.log(self.rows / max(count, 1)) / np.log(self.rows))

    def scores(self, text: str) -> NDArray[np.float32]:
        """The score of every row, 0 where no word is shared."""
        if self._model is None:
            return np.zeros(self.rows, dtype=np.float32)
        known = [number for w in tokens(text) if (number := self._model.vocab_dict.get(w)) is not None]
        if not known:
            return np.zeros(self.rows, dtype=np.float32)
        scores: NDArray[np.float32] = self._model.get_scores_from_ids(sorted(known))
        return scores


def _bm25() -> Any:
    from bm25s import BM25

    logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets itself to DEBUG
    return BM25


@functools.lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    if any(character.isdigit() for character in word):
        return word
    if not hasattr(_local, "stemmer"):
        from Stemmer import Stemmer

        _local.stemmer = Stemmer("english")
    stemmed: str = _local.stemmer.stemWord(word)
    return stemmed
