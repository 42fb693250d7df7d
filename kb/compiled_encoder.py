"""Runs a compiled encoder: a tokenizer and an ONNX graph, no torch. The folder is what `kb.compile_encoder` writes."""

import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.embedders import QueryCache, Vector
from kb.errors import WhichwayError

_BATCH_ROWS, _BATCH_TOKENS = 8, 1024
"""Larger batches are slower: what is between two layers no longer fits into a core's cache."""

_PROBE_TOLERANCE = 1e-3


class EncoderDamagedError(WhichwayError):
    """The compiled encoder does not load, or does not give the vector it gave when it was compiled."""


def open_graph(file: Path, *, optimized: bool = False, write_to: Path | None = None, arena: bool = False) -> Any:
    """An ONNX graph, ready to run on every core that this process may use; onnxruntime's own errors.

    It is optimized first, and kept so in the file `write_to`; one that was kept is `optimized`, and opens sooner.
    `arena`: it keeps the most memory that it ever took, and so asks the system for none between two batches.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    if optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    if write_to is not None:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED  # on any machine
        options.optimized_model_filepath = str(write_to)
    options.intra_op_num_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    options.log_severity_level = 3
    # Of a graph that answers, the arena would keep that once for each thread that asks at the same time.
    options.enable_cpu_mem_arena = arena
    # Threads that wait by spinning take the cores from everything else that runs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Weights that are stored in eight bits are unpacked once, at the start.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    # A layer norm fused with the addition before it takes five times as long as the two.
    return onnxruntime.InferenceSession(
        str(file), options, providers=["CPUExecutionProvider"], disabled_optimizers=["SkipLayerNormFusion"]
    )


DOCUMENTS = "documents.onnx"
"""The graph that embeds documents, where it is another than that of questions."""


class CompiledEmbedder:
    """An `Embedder` on onnxruntime. Safe to share between threads.

    The graph of documents is opened when the first are embedded: a process that only answers does without it.
    EncoderDamagedError where the folder is not whole: unless it is `trusted`, a probe is encoded and compared.
    """

    def __init__(self, folder: Path, *, trusted: bool = False) -> None:
        from tokenizers import Tokenizer

        try:
            about = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
            self.name: str = about["name"]
            self.dimension: int = about["dimension"]
            self.max_tokens: int = about["max_tokens"]
            self._inputs: list[str] = about["inputs"]
            self._pad: int = about["pad_id"]
            self._query_prompt: str = about["query_prompt"]
            self._document_prompt: str = about["document_prompt"]
            self._optimized: bool = about.get("optimized", False)
            self._one_length: bool = about.get("one_length", False)
            sizes: dict[str, int] = about.get("bytes", {})
            # Two tokenizers: a shared one would have to switch its truncation under other threads.
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._counter = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # noqa: BLE001 - tokenizers raises bare Exception for a file it cannot read
            raise EncoderDamagedError(f"the compiled encoder in {folder} cannot be read: {error}") from None
        for name, size in sizes.items():
            if not (folder / name).is_file() or (folder / name).stat().st_size != size:
                raise EncoderDamagedError(f"the compiled encoder in {folder} does not load: {name} is not whole")
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self.max_tokens)
        self._counter.no_padding()
        self._counter.no_truncation()
        self._session = _opened(folder / "model.onnx", optimized=self._optimized)
        self._folder = folder
        self._documents: Any = None if (folder / DOCUMENTS).is_file() else self._session
        self._opening = threading.Lock()
        self.embed_query = QueryCache(self._embed_query)
        if trusted:
            return
        probe = self._embed_query(about["probe"]["text"])
        if float(probe @ np.asarray(about["probe"]["vector"], dtype=np.float32)) < 1 - _PROBE_TOLERANCE:
            raise EncoderDamagedError(f"the compiled encoder in {folder} gives other vectors than when it was made")

    def _embed_query(self, text: str) -> Vector:
        row: Vector = self.embed_queries([text])[0]
        return row

    def embed_queries(self, texts: Sequence[str]) -> Vector:
        """See `kb.embedders.Embedder`."""
        return self._encode([self._query_prompt + text for text in texts], self._session)

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """See `kb.embedders.Embedder`. EncoderDamagedError where the graph of documents does not load."""
        with self._opening:
            if self._documents is None:
                self._documents = _opened(self._folder / DOCUMENTS, optimized=self._optimized, arena=True)
        return self._encode([self._document_prompt + text for text in texts], self._documents)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `kb.embedders.Embedder`."""
        found = self._counter.encode_batch_fast([self._document_prompt + text for text in texts])
        return [len(encoding.ids) for encoding in found]

    def _encode(self, texts: Sequence[str], graph: Any) -> Vector:
        out = np.zeros((len(texts), self.dimension), dtype=np.float32)
        if not texts:
            return out
        alike = self._one_length and graph is self._documents
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        start = 0
        while start < len(order):
            # Sorted by length: padding is rare, and the longest of a batch is its last.
            shortest, end = len(ids[order[start]]), start + 1
            while end < len(order) and end - start < _BATCH_ROWS:
                longest = len(ids[order[end]])
                if (end - start + 1) * longest > _BATCH_TOKENS or (alike and longest > shortest):
                    break
                end += 1
            rows = order[start:end]
            out[rows] = self._run([ids[row] for row in rows], graph)
            start = end
        return out

    def _run(self, ids: list[list[int]], graph: Any) -> Vector:
        width = max(map(len, ids))
        tokens: NDArray[np.int64] = np.full((len(ids), width), self._pad, dtype=np.int64)
        mask = np.zeros((len(ids), width), dtype=np.int64)
        for row, found in enumerate(ids):
            tokens[row, : len(found)] = found
            mask[row, : len(found)] = 1
        every = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        vectors: Vector = graph.run(["vector"], {name: every[name] for name in self._inputs})[0]
        return vectors


def _opened(file: Path, *, optimized: bool, arena: bool = False) -> Any:
    try:
        return open_graph(file, optimized=optimized, arena=arena)
    except Exception as error:  # noqa: BLE001 - onnxruntime's own errors share no base class
        raise EncoderDamagedError(f"the compiled encoder in {file.parent} does not load: {error}") from None
