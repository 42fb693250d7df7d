"""Retrieval on any collection in the BEIR layout, with the product's own chunks, encoder, words and fusion.

The layout is `corpus.jsonl`, `queries.jsonl` (`_id`, `title`, `text`) and `qrels/<split>.tsv`.
"""

import csv
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.asking import Progress
from evals.cache import code_version, key_of
from evals.metrics import ndcg, recall, reciprocal_rank
from evals.results import CaseResult, Figure
from evals.stats import Difference, bootstrap_interval, paired_difference, weighted_mean
from kb.errors import UsageError
from kb.records import Chunk, Corpus, Document, Section, Statement
from kb.settings import Settings

DEPTH = 100
MEASURES = ("ndcg@10", "mrr@10", "recall@100")


@dataclass(frozen=True, slots=True)
class BeirDocument:
    """One document of a collection."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class BeirCollection:
    """Documents, queries by id, and the gain of documents by query; only judged queries are kept."""

    name: str
    documents: tuple[BeirDocument, ...]
    queries: Mapping[str, str]
    gains: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class BeirReport:
    """Figures by `<leg>.<measure>`, the queries' own values, and fused less its better leg in nDCG@10."""

    collection: str
    figures: Mapping[str, Figure]
    cases: tuple[CaseResult, ...]
    better_leg: str
    fused_less_better: Difference


def load_beir(folder: Path, *, split: str = "test") -> BeirCollection:
    """The collection in `folder`. UsageError names the file, and the line, at fault."""
    qrels = folder / "qrels" / f"{split}.tsv"
    for path in (folder / "corpus.jsonl", folder / "queries.jsonl", qrels):
        if not path.is_file():
            raise UsageError(f"no {path}; a BEIR folder has corpus.jsonl, queries.jsonl and qrels/{split}.tsv")
    documents = tuple(
        BeirDocument(_text(row, "_id"), row.get("title") or "", row.get("text") or "")
        for row in _lines(folder / "corpus.jsonl")
    )
    texts = {_text(row, "_id"): row["text"] for row in _lines(folder / "queries.jsonl")}
    gains: dict[str, dict[str, int]] = {}
    with qrels.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.reader(file, delimiter="\t"), 1):
            if number == 1 and row[-1:] == ["score"]:
                continue
            try:
                query, document, gain = row
                if int(gain) > 0 and query in texts:
                    gains.setdefault(query, {})[document] = int(gain)
            except ValueError:
                raise UsageError(f"{qrels}, line {number}: a line is query, document and gain, tab-separated") from None
    queries = {query: text for query, text in texts.items() if query in gains}
    return BeirCollection(folder.parent.name if folder.name == "beir" else folder.name, documents, queries, gains)


def to_corpus(collection: BeirCollection, embedder: Any) -> Corpus:
    """The collection as ingest would make it: a section a document, chunks that the encoder reads whole.

    Empty documents have no chunk, and so are never found.
    """
    from ingest.blocks import Paragraph
    from ingest.chunk import pack
    from ingest.sections import lay_out

    documents, sections, chunks = [], [], []
    statements: list[Statement] = []
    for source in collection.documents:
        text = source.text.strip() or source.title.strip()
        if not text:
            continue
        layout = lay_out((Paragraph(text),))
        address = f"beir://{collection.name}/{source.id}"
        documents.append(
            Document(source.id, address, collection.name, source.title, address, layout.text, "reference", None, "")
        )
        sections.append(Section(source.id, source.id, (), "", address, 0, len(layout.text), 0))
        packed = pack(layout, source.title, count_tokens=embedder.count_tokens, max_tokens=embedder.max_tokens)
        for number, part in enumerate(packed):
            identity = hashlib.sha256(f"{source.id}\0{number}".encode()).hexdigest()[:16]
            words = layout.text[part.start : part.end]
            chunks.append(Chunk(identity, source.id, source.id, part.start, part.end, part.context, words))
    return Corpus(tuple(documents), tuple(sections), tuple(chunks), tuple(statements))


def open_collection(collection: BeirCollection, settings: Settings, progress: Progress | None = None) -> Any:
    """An index of the collection in `<home>/evals/kb/beir-<name>`, built or reused."""
    from evals.bases import eval_settings
    from kb import lexical
    from kb.embedders import load_embedder
    from kb.index import open_index
    from kb.snapshots import write_snapshot

    ours = eval_settings(settings, f"beir-{collection.name}", ())
    embedder = load_embedder(ours.embedding, ours.home)
    key = key_of(repr(collection.documents), embedder.name, lexical.VERSION, code_version("ingest"))
    stamp = ours.home / "made"
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != key:
        made = {"chunker": code_version("ingest"), "readers": "beir"}
        write_snapshot(to_corpus(collection, embedder), settings=ours, embedder=embedder, made=made, progress=progress)
        stamp.write_text(key, encoding="utf-8")
    return open_index(ours, embedder=embedder)


def legs_of(index: Any) -> dict[str, Callable[[str], list[str]]]:
    """Dense, lexical and fused search, each from a query to document ids, best first, each once."""
    from kb.search import HybridSearch

    retriever = HybridSearch(index)

    def documents(chunk_ids: Sequence[str]) -> list[str]:
        return list(dict.fromkeys(index.chunk(chunk).document_id for chunk in chunk_ids))[:DEPTH]

    wide = 3 * DEPTH
    return {
        "dense": lambda q: documents([c for c, _ in index.dense(index.embedder.embed_query(q), wide)]),
        "lexical": lambda q: documents([c for c, _ in index.lexical(q, wide)]),
        "fused": lambda q: documents([e.chunk.id for e in retriever.search(q, wide)]),
    }


def measure(
    collection: BeirCollection, legs: Mapping[str, Callable[[str], list[str]]], progress: Progress | None = None
) -> BeirReport:
    """nDCG@10, MRR@10 and recall@100 of every leg, and fused against the better of the others, paired."""
    results = []
    for number, (query, text) in enumerate(collection.queries.items(), 1):
        gains = collection.gains[query]
        scores = {leg: _score(rank(text), gains) for leg, rank in legs.items()}
        results.append(CaseResult(case=query, family=query, kind="retrieval", state="scored", retrieval=scores))
        if progress:
            progress("queries", number, len(collection.queries))
    families = [result.family for result in results]
    figures = {}
    for leg in legs:
        for name in MEASURES:
            values = [result.retrieval[leg][name] for result in results]
            interval = bootstrap_interval(weighted_mean(values), families)
            figures[f"{leg}.{name}"] = Figure(
                value=sum(values) / len(values), low=interval.low, high=interval.high, n=len(values)
            )
    better = max((leg for leg in legs if leg != "fused"), key=lambda leg: figures[f"{leg}.ndcg@10"].value)
    gap = paired_difference(
        [r.retrieval[better]["ndcg@10"] for r in results], [r.retrieval["fused"]["ndcg@10"] for r in results], families
    )
    return BeirReport(collection.name, figures, tuple(results), better, gap)


def _score(ranked: Sequence[str], gains: Mapping[str, int]) -> dict[str, float]:
    got = [gains.get(document, 0) for document in ranked]
    hits = [gain > 0 for gain in got]
    return {
        "ndcg@10": ndcg(got, list(gains.values()), k=10),
        "mrr@10": reciprocal_rank(hits, k=10),
        "recall@100": recall(hits, len(gains), k=DEPTH),
    }


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise UsageError(f"{path}, line {number}: {error}") from None


def _text(row: Mapping[str, Any], key: str) -> str:
    return str(row[key])
