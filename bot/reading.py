"""Reads a question as a whole: its kind, what it calls for, and what each stretch of it is about.

The reader is the bundled encoder, trained further on labelled stories (`evals/data/stories`) and on the phrasings of
the bundled guide's topics by `whichway eval train --reader`. For another decision its kinds, polarities and weights
hold as well, its topics and choices do not. It has six heads. One sees the mean of all word vectors: the choice that
the situation as a whole calls for. Two see that over the last turn of a conversation: its kind, and the options that it
asks about. Three see the mean of a stretch's word vectors beside that of all: topic, polarity and weight of the need
that it states. It holds no evidence: what it says helps to understand a question, and the answer comes from the index.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from bot.answer import NotCoveredReason, Polarity
from bot.asking import Asked
from bot.masking import Masked, masked
from bot.stretches import stretches
from kb.compiled_encoder import open_graph
from kb.embedders import bundled_model_folder
from kb.options import OptionFinder
from kb.records import Option

Matrix = NDArray[np.float32]

ANSWERED: tuple[Asked, ...] = ("recommendation", "comparison", "fact")
REFUSED: tuple[NotCoveredReason, ...] = get_args(NotCoveredReason)
KINDS = (*ANSWERED, "smalltalk", *REFUSED)
"""Kinds of questions, in the order of the head's columns."""

POLARITIES: tuple[Polarity, ...] = ("wanted", "unwanted", "have", "not_yet")
WEIGHTS = (0.5, 1.0, 1.5)
SHARED = ("both", "either", "neither")
"""The choices that are no option; they follow the options, in the order of their ids."""

MAX_TOKENS = 512

_loading = threading.Lock()


@dataclass(frozen=True, slots=True)
class StretchRead:
    """A stretch `[start, end)` of the question in the sentence with this number, and what it states.

    `topics` are (topic id, probability) without the background, likeliest first; `background` is the probability that
    it states no need. `polarities` are probabilities; `weight` is the expected one.
    """

    start: int
    end: int
    sentence: int
    topics: tuple[tuple[str, float], ...]
    background: float
    polarities: Mapping[Polarity, float]
    weight: float


@dataclass(frozen=True, slots=True)
class Reading:
    """`kinds`, `choices` and `about` are probabilities: by `KINDS`, by option id or `SHARED`, and by option id.

    Those of `about` are each for itself: whether a fact is asked of this option.
    `seen`, shape (stretches, 2 * width): the mean of each stretch's word vectors beside the mean of all; `turn`, shape
    (width,): that of the last turn's.
    """

    kinds: Mapping[str, float]
    choices: Mapping[str, float]
    about: Mapping[str, float]
    stretches: tuple[StretchRead, ...]
    seen: Matrix = field(repr=False, compare=False)
    turn: Matrix = field(repr=False, compare=False)


class QuestionReader:
    """The reader in a folder. Safe to share between threads. OSError, KeyError or ValueError where it is not whole."""

    def __init__(self, folder: Path) -> None:
        with np.load(folder / "heads.npz", allow_pickle=False) as stored:
            self.options = tuple(str(name) for name in stored["options"])
            self.topics = tuple(str(name) for name in stored["topics"])
            self.leans: Mapping[str, str] = {
                topic: str(option) for topic, option in zip(self.topics, stored["leans"], strict=True) if option
            }
            self._heads: dict[str, Matrix] = {
                name: stored[name].astype(np.float32)
                for name in ("topic", "polarity", "weight", "kind", "choice", "about")
            }
        self._graph = open_graph(folder / "reader.onnx")
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(bundled_model_folder() / "tokenizer.json"))
        self._tokenizer.no_padding()
        # Of a longer text the end is read: there a post asks, and there the last turn of a conversation stands.
        self._tokenizer.enable_truncation(MAX_TOKENS, direction="left")

    def is_about(self, options: Sequence[Option]) -> bool:
        """Whether it was trained for the choice between these options, so that its topics and choices are theirs."""
        return set(self.options) == {option.id for option in options}

    def read(self, text: str, options: OptionFinder, *, since: int = 0) -> Reading:
        """What the text says; `options` are the decision's, with the ids that the reader was trained for.

        `since`: where the last turn of a conversation begins in the text.
        """
        hidden = masked(text, options, since=since)
        encoding = self._tokenizer.encode(hidden.text)
        ids = np.array([encoding.ids], dtype=np.int64)
        words: Matrix = self._graph.run(["words"], {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0]
        whole = words.mean(axis=0)
        offsets = enumerate(encoding.offsets)
        now = next((i for i, (start, end) in offsets if end > start >= hidden.now), 0) if hidden.now else 0
        turn: Matrix = words[now:].mean(axis=0)
        kinds = _chances(self._head("kind", turn[None]))[0]
        about = 1 / (1 + np.exp(-self._head("about", turn[None])[0]))
        choices = _chances(self._head("choice", whole[None]))[0]
        names = (*sorted(self.options), *SHARED)
        found, seen = self._stretches(hidden, encoding.offsets, words, whole)
        return Reading(
            kinds={kind: round(float(p), 4) for kind, p in zip(KINDS, kinds, strict=True)},
            choices={name: round(float(p), 4) for name, p in zip(names, choices, strict=True)},
            about={name: round(float(p), 4) for name, p in zip(sorted(self.options), about, strict=True)},
            stretches=found,
            seen=seen,
            turn=turn,
        )

    def _stretches(
        self, hidden: Masked, offsets: list[tuple[int, int]], words: Matrix, whole: Matrix
    ) -> tuple[tuple[StretchRead, ...], Matrix]:
        spans, rows = [], []
        for stretch in stretches(hidden.text):
            inside = [i for i, (a, b) in enumerate(offsets) if b > a and a < stretch.end and b > stretch.start]
            if inside:
                spans.append(stretch)
                rows.append(np.concatenate([words[inside[0] : inside[-1] + 1].mean(axis=0), whole]))
        if not rows:
            return (), np.zeros((0, 2 * len(whole)), np.float32)
        matrix = np.stack(rows)
        topics = _chances(self._head("topic", matrix))
        polarities = _chances(self._head("polarity", matrix))
        weights = _chances(self._head("weight", matrix)) @ np.array(WEIGHTS, np.float32)
        found = []
        for row, stretch in enumerate(spans):
            start, end = hidden.span(stretch.start, stretch.end)
            order = np.argsort(-topics[row, :-1], kind="stable")[:5]
            found.append(
                StretchRead(
                    start,
                    end,
                    stretch.sentence,
                    tuple((self.topics[i], round(float(topics[row, i]), 4)) for i in order),
                    round(float(topics[row, -1]), 4),
                    {name: round(float(p), 4) for name, p in zip(POLARITIES, polarities[row], strict=True)},
                    round(float(weights[row]), 2),
                )
            )
        return tuple(found), matrix

    def _head(self, name: str, rows: Matrix) -> Matrix:
        """Logits, shape (m, classes); the last row of a head's matrix is its constant."""
        head = self._heads[name]
        logits: Matrix = rows @ head[:-1] + head[-1]
        return logits


def shipped_reader() -> QuestionReader:
    """The trained reader that is shipped, loaded once."""
    with _loading:
        return _shipped_reader()


@lru_cache(maxsize=1)
def _shipped_reader() -> QuestionReader:
    return QuestionReader(Path(str(files("bot") / "data" / "reader")))


def _chances(logits: Matrix) -> Matrix:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    chances: Matrix = np.round(powers / powers.sum(axis=-1, keepdims=True), 4)
    return chances
