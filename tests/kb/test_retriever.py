"""Fused retrieval: better than its legs, few chunks a section, and guides that nothing crowds out."""

import json
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from corpora import CorpusBuilder
from hypothesis import given
from hypothesis import strategies as st

from kb.embedders import Embedder, HashedBagEmbedder
from kb.index import Index, LiveIndex, open_index
from kb.retriever import HybridRetriever
from kb.search import HybridSearch, fuse
from kb.settings import EmbeddingSettings, Settings
from kb.snapshots import write_snapshot
from kb.vector_cache import VectorCache


@pytest.fixture(scope="module")
def written(make_corpus: CorpusBuilder, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    pages = {
        "Which platform": {
            "Streaming": ["Databricks reads streams of sensor events."],
            "Endpoints": ["Azure Machine Learning moves traffic blue-green."],
        },
        "Stream reference": {f"Stream setting {n}": [f"streams of sensor events, setting {n}"] for n in range(60)},
    }
    settings = Settings(home=tmp_path_factory.mktemp("home"), embedding=EmbeddingSettings(model="hashed"))
    corpus = make_corpus(pages, standings={"Which platform": "guide", "Stream reference": "reference"})
    write_snapshot(corpus, settings=settings, embedder=HashedBagEmbedder(), made={})
    return settings


@pytest.fixture
def index(written: Settings) -> Iterator[Index]:
    with open_index(written) as index:
        yield index


def headings(index: Index, retriever: HybridSearch, query: str, **how: object) -> list[str]:
    return [index.section(each.chunk.section_id).path[0] for each in retriever.search(query, **how)]  # type: ignore[arg-type]


def test_reference_pages_do_not_crowd_out_the_guide(index: Index) -> None:
    retriever = HybridSearch(index, k=6)
    query = "streams of sensor events, setting 12"
    found = headings(index, retriever, query)
    assert len(found) == 6
    assert found[0] == "Stream setting 12"
    assert "Streaming" in found
    assert "Streaming" not in headings(index, retriever, query, reserved=0.0)


def test_keeps_to_a_standing_or_an_option(index: Index) -> None:
    retriever = HybridSearch(index)
    assert set(headings(index, retriever, "streams", standing=("guide",))) == {"Streaming", "Endpoints"}
    assert headings(index, retriever, "streams", options=("azure_ml",)) == ["Endpoints"]
    assert headings(index, retriever, "streams", options=("other",)) == []


def test_the_same_question_gives_the_same_evidence(index: Index, written: Settings) -> None:
    first = HybridSearch(index).search("sensor streams")
    assert [each.rank for each in first] == list(range(1, len(first) + 1))
    assert [each.score for each in first] == sorted((each.score for each in first), reverse=True)
    with open_index(written) as again:
        assert HybridSearch(again).search("sensor streams") == first
    live = LiveIndex(written)
    assert HybridSearch(live).search("sensor streams") == first
    live.close()


def test_nothing_asked_nothing_found(index: Index) -> None:
    retriever = HybridSearch(index)
    assert retriever.search("  ") == ()
    assert retriever.search("streams", 0) == ()


def test_speaks_langchain(index: Index) -> None:
    best, *_ = HybridRetriever(index=index, k=3).invoke("blue-green traffic")
    assert best.page_content == "Azure Machine Learning moves traffic blue-green."
    assert best.metadata["section"] == ["Endpoints"]
    assert best.metadata["url"].startswith("https://example.org/")


Leg = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(Leg, Leg)
def test_fusion_keeps_everything_and_agreement_wins(dense: list[str], words: list[str]) -> None:
    fused = fuse([(id_, 1.0) for id_ in dense], [(id_, 2.0) for id_ in words])
    assert set(fused) == {*dense, *words}
    scores = [score for score, _, _ in fused.values()]
    assert scores == sorted(scores, reverse=True)
    if dense and words and dense[0] == words[0]:
        assert next(iter(fused)) == dense[0]


@pytest.mark.slow
@pytest.mark.data
def test_on_cranfield_fused_is_above_both_legs(
    test_data: Path, tmp_path: Path, encoder_home: Path, bundled_embedder: Embedder, make_corpus: CorpusBuilder
) -> None:
    folder = test_data / "ir" / "cranfield" / "beir"
    pages = [json.loads(line) for line in (folder / "corpus.jsonl").read_text().splitlines()]
    queries = [json.loads(line) for line in (folder / "queries.jsonl").read_text().splitlines()]
    relevant: dict[str, dict[str, int]] = {}
    for line in next((folder / "qrels").iterdir()).read_text().splitlines()[1:]:
        query, page, grade = line.split("\t")
        if int(grade) > 0:
            relevant.setdefault(query, {})[page] = int(grade)
    for name in ("vectors.sqlite3",):  # kept from run to run
        if (encoder_home / name).is_file():
            shutil.copy(encoder_home / name, tmp_path / name)
    (tmp_path / "encoders").symlink_to(encoder_home / "encoders")
    settings = Settings(home=tmp_path)
    bodies = {page["_id"]: page["text"].removeprefix(page["title"]).strip() for page in pages}
    corpus = make_corpus({page["_id"]: {page["title"]: [bodies[page["_id"]]]} for page in pages if bodies[page["_id"]]})
    items = [(chunk.context, chunk.text) for chunk in corpus.chunks]
    VectorCache(encoder_home).vectors(bundled_embedder, items)
    shutil.copy(encoder_home / "vectors.sqlite3", tmp_path / "vectors.sqlite3")
    write_snapshot(corpus, settings=settings, embedder=bundled_embedder, made={})
    with open_index(settings, embedder=bundled_embedder) as index:
        retriever = HybridSearch(index, k=10)
        name = {chunk.id: index.document(chunk.document_id).title for chunk in index.chunks}
        asked = [query for query in queries if query["_id"] in relevant]
        vectors = {query["_id"]: bundled_embedder.embed_query(query["text"]) for query in asked}
        legs = {
            "dense": lambda q: [id_ for id_, _ in index.dense(vectors[q["_id"]], 10)],
            "lexical": lambda q: [id_ for id_, _ in index.lexical(q["text"], 10)],
            "fused": lambda q: [each.chunk.id for each in retriever.search(q["text"])],
        }
        ndcg = {
            leg: sum(_ndcg([name[id_] for id_ in find(q)], relevant[q["_id"]]) for q in asked) / len(asked)
            for leg, find in legs.items()
        }
        recall = sum(
            len({i for i, _ in index.dense(v, 20)} & {i for i, _ in index.exact(v, 20)}) for v in vectors.values()
        ) / (20 * len(vectors))
    assert ndcg["dense"] > 0.35
    assert ndcg["lexical"] > 0.34
    assert ndcg["fused"] > max(ndcg["dense"], ndcg["lexical"]) + 0.02, ndcg
    assert recall >= 0.99


def _ndcg(found: Sequence[str], grades: Mapping[str, int]) -> float:
    gain = sum(grades.get(page, 0) / math.log2(rank + 1) for rank, page in enumerate(found, 1))
    best = sum(g / math.log2(rank + 1) for rank, g in enumerate(sorted(grades.values(), reverse=True)[:10], 1))
    return gain / best
