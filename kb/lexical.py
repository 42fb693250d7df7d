"""Search by words: BM25 over stemmed words and over the compounds of the trade, such as blue-green or CI/CD."""

import functools
import itertools
import json
import logging
import re
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    """BM25 (Lucene's form) over texts, known by their row. Deterministic: equal scores stand in the order of rows.

    bm25s computes it and writes the files; what it wrote is read without it, whose import takes a third of a second.
    """

    def __init__(self, lists: "_Lists | None", rows: int, *, made: Any = None) -> None:
        self._lists = lists
        self._made = made
        self.rows = rows

    @classmethod
    def build(cls, texts: Sequence[str]) -> "LexicalIndex":
        """The index of the texts; their positions are the rows."""
        from bm25s import BM25

        logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets itself to DEBUG
        words = [tokens(text) for text in texts]
        # Sorted by us: bm25s would number the words in the order of a set, another one in each process.
        vocabulary = {word: number for number, word in enumerate(sorted({w for found in words for w in found}))}
        if not vocabulary:
            return cls(None, len(texts))
        made = BM25(k1=K1, b=B, method="lucene", backend="numpy")
        made.index(([[vocabulary[w] for w in found] for found in words], vocabulary), show_progress=False)
        lists = _Lists(made.vocab_dict, *(made.scores[name] for name in _ARRAYS))
        return cls(lists, len(texts), made=made)

    def save(self, folder: Path) -> None:
        """Writes the index that was built into a new folder. ValueError for one that was read."""
        if self._made is None and self._lists is not None:
            raise ValueError("only an index that was built can be saved")
        folder.mkdir(parents=True)
        if self._made is None:
            (folder / "empty").write_text(str(self.rows), encoding="utf-8")
        else:
            self._made.save(folder, show_progress=False)

    @classmethod
    def load(cls, folder: Path) -> "LexicalIndex":
        """The index that `save` wrote. OSError or ValueError where it cannot be read."""
        if (folder / "empty").is_file():
            return cls(None, int((folder / "empty").read_text(encoding="utf-8")))
        about, vocabulary = (
            json.loads((folder / f"{name}.index.json").read_text(encoding="utf-8")) for name in ("params", "vocab")
        )
        try:
            arrays = [np.load(folder / f"{name}.csc.index.npy", allow_pickle=False) for name in _ARRAYS]
        except EOFError as error:
            raise ValueError(str(error)) from None
        if not isinstance(about, dict) or not isinstance(about.get("num_docs"), int):
            raise ValueError(f"{folder} does not say how many texts it holds")
        return cls(_Lists(vocabulary, *arrays), about["num_docs"])

    def rarity(self, word: str) -> float:
        """The inverse document frequency of an indexed word (one of `tokens`), from 0 for a word of every text to 1
        for a word of a single text; above 1 (1.2) for a word that no text has.
        """
        number = self._lists.vocabulary.get(word) if self._lists is not None else None
        if self._lists is None or number is None or self.rows < 2:
            return 1.2
        count = int(self._lists.starts[number + 1] - self._lists.starts[number])
        return float(np.log(self.rows / max(count, 1)) / np.log(self.rows))

    def scores(self, text: str) -> NDArray[np.float32]:
        """The score of every row, 0 where no word is shared."""
        scores = np.zeros(self.rows, dtype=np.float32)
        lists = self._lists
        if lists is None:
            return scores
        for number in sorted(number for w in tokens(text) if (number := lists.vocabulary.get(w)) is not None):
            inside = slice(lists.starts[number], lists.starts[number + 1])
            scores[lists.rows[inside]] += lists.weights[inside]  # a row stands once in the list of a word
        return scores


_ARRAYS = ("data", "indices", "indptr")


@dataclass(frozen=True, slots=True)
class _Lists:
    """For each word of the vocabulary, from `starts[number]` to the next start: its rows, and what it weighs there."""

    vocabulary: Mapping[str, int]
    weights: NDArray[np.float32]
    rows: NDArray[np.int32]
    starts: NDArray[np.int32]


@functools.lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    if any(character.isdigit() for character in word):
        return word
    if not hasattr(_local, "stemmer"):
        from Stemmer import Stemmer

        _local.stemmer = Stemmer("english")
    stemmed: str = _local.stemmer.stemWord(word)
    return stemmed
