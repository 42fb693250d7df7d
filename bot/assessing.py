"""Assesses whether a statement answers a question: the two read together, word by word (a cross-encoder).

A vector of each alone tells what they are about, and a question that the sources nearly answer is about the same as one
that they do. The assessor is the bundled encoder, trained further on judged pairs
(`evals/data/assessments`) by `whichway eval train --assessor`; cross-encoders for ranking: Nogueira and Cho, 2019,
arXiv:1901.04085. The options are masked in both, so that it holds for other decisions too.
"""

import threading
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.masking import masked
from kb.compiled_encoder import open_graph
from kb.embedders import bundled_model_folder
from kb.options import OptionFinder

MAX_TOKENS = 128
"""Of question and statement together; the longer one of the two is cut."""

_loading = threading.Lock()


class Assessor:
    """The assessor in a file. Safe to share between threads. onnxruntime's own errors where it is not whole."""

    def __init__(self, file: Path) -> None:
        self._graph = open_graph(file)
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(bundled_model_folder() / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS, strategy="longest_first")

    def answers(self, question: str, statements: Sequence[str]) -> NDArray[np.float32]:
        """The probability that each statement answers the question, shape (n,). Both masked, as `shown` gives them."""
        if not statements:
            return np.zeros(0, np.float32)
        pairs = self._tokenizer.encode_batch_fast([(question, statement) for statement in statements])
        width = max(len(pair.ids) for pair in pairs)
        ids, mask, kinds = (np.zeros((len(pairs), width), np.int64) for _ in range(3))
        for row, pair in enumerate(pairs):
            size = len(pair.ids)
            ids[row, :size], mask[row, :size], kinds[row, :size] = pair.ids, 1, pair.type_ids
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": kinds}
        logits: NDArray[np.float32] = self._graph.run(["logit"], inputs)[0]
        chances: NDArray[np.float32] = np.round(1 / (1 + np.exp(-logits)), 4).astype(np.float32)
        return chances


def shown(text: str, path: Sequence[str], title: str, options: OptionFinder) -> str:
    """A statement under its headings with the options masked: what the assessor reads of it."""
    where = " > ".join(path[-2:]) or title
    return masked(f"{where}. {' '.join(text.split())}", options).text


def shipped_assessor() -> Assessor:
    """The trained assessor that is shipped, loaded once."""
    with _loading:
        return _shipped_assessor()


@lru_cache(maxsize=1)
def _shipped_assessor() -> Assessor:
    return Assessor(Path(str(files("bot") / "data" / "assessor.onnx")))
