"""What the index finds, that it is whole without Chroma, and that asking stays light."""

import dataclasses
import logging
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from corpora import CorpusBuilder

from kb import store
from kb.embedders import HashedBagEmbedder, child_environment
from kb.errors import WhichwayError
from kb.fill_store import filler
from kb.index import Index, open_index
from kb.matching import Matcher
from kb.records import Corpus
from kb.settings import EmbeddingSettings, Settings
from kb.snapshots import write_snapshot

EMBEDDER = HashedBagEmbedder()


@pytest.fixture(scope="module")
def corpus(make_corpus: CorpusBuilder) -> Corpus:
    pages = {
        "Which platform": {
            "Streaming": ["Databricks reads streams of sensor events.", "Azure Machine Learning scores in batches."],
            "Endpoints": ["Azure Machine Learning moves traffic blue-green.", "CI/CD pipelines deploy there."],
        },
        "Cluster reference": {
            f"Setting {n}": [f"Setting s{n} of a cluster takes values near v{n * 7 % 41}."] for n in range(120)
        },
    }
    return make_corpus(pages, standings={"Which platform": "guide", "Cluster reference": "reference"})


@pytest.fixture(scope="module")
def written(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("written")
    settings = Settings(home=home, embedding=EmbeddingSettings(model="hashed"))
    write_snapshot(corpus, settings=settings, embedder=EMBEDDER, made={})
    return home


@pytest.fixture
def index(written: Path, hashed_settings: Settings) -> Index:
    shutil.copytree(written, hashed_settings.home, dirs_exist_ok=True)
    return open_index(hashed_settings)


def test_finds_by_words_and_compounds(index: Index) -> None:
    with index:
        for query in ("blue-green", "ci/cd", "moving traffic", "endpoint deployments"):
            (best, score), *_ = index.lexical(query, 5)
            assert index.section(index.chunk(best).section_id).path == ("Endpoints",), query
            assert score > 0
        assert index.lexical("zebra", 5) == []
        assert index.lexical("the of and", 5) == []
        (statement, _score), *_ = index.lexical_statements("sensor events", 5)
        assert index.statement(statement).text == "Databricks reads streams of sensor events."


def test_finds_by_vector_what_exact_search_finds(index: Index) -> None:
    with index:
        assert index._open_store() is not None
        for chunk in index.chunks[::5]:
            vector = EMBEDDER.embed_query(chunk.text)
            # Cosines, not ids: many of these chunks are equally near.
            cosines = [cosine for _, cosine in index.dense(vector, 20)]
            assert cosines == [cosine for _, cosine in index.exact(vector, 20)]
        vector = EMBEDDER.embed_query(index.chunks[7].indexed_text)
        assert index.dense(vector, 3)[0] == (index.chunks[7].id, 1.0)
        assert len(index.dense(vector, 1000)) == len(index.chunks)
        assert index.dense(vector, 0) == []


def test_rows_keep_to_a_standing_or_an_option(index: Index) -> None:
    with index:
        guide = index.rows(standing=("guide",))
        assert [index.chunks[row].context for row in guide] == [
            "Which platform > Streaming",
            "Which platform > Endpoints",
        ]
        vector = EMBEDDER.embed_query("a cluster setting takes values")
        assert {id_ for id_, _ in index.dense(vector, 5, rows=guide)} == {index.chunks[row].id for row in guide}
        assert index.lexical("cluster setting", 5, rows=guide) == []
        about = index.rows(options=("databricks",))
        assert [index.chunks[row].context for row in about] == ["Which platform > Streaming"]
        assert len(index.rows()) == len(index.chunks)


def test_offsets_and_neighbours(index: Index) -> None:
    with index:
        for section in index.sections:
            text = index.section_text(section.id)
            statements = [each for each in index.statements if each.section_id == section.id]
            assert statements
            for each in statements:
                assert text[each.start - section.start : each.end - section.start] == each.text
                assert each in index.statements_of_chunk(each.chunk_id)
                assert index.statement(each.id) is each
        with pytest.raises(KeyError):
            index.chunk("unknown")


def test_statements_that_weigh_have_vectors(index: Index, hashed_settings: Settings) -> None:
    with index:
        texts = [index.statement(id_).text for id_ in index.statement_ids]
        assert texts == [
            "Databricks reads streams of sensor events.",
            "Azure Machine Learning scores in batches.",
            "Azure Machine Learning moves traffic blue-green.",
        ]
        for id_, vector in zip(index.statement_ids, index.statement_vectors, strict=True):
            words = Matcher(hashed_settings.decision.options).text(index.statement(id_))
            np.testing.assert_allclose(vector, EMBEDDER.embed_query(words), atol=1e-6)


@pytest.mark.parametrize("how", ["lost", "emptied", "garbage", "older"])
def test_a_damaged_store_is_made_again(
    index: Index, hashed_settings: Settings, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    vector = EMBEDDER.embed_query(index.chunks[3].indexed_text)
    expected = index.dense(vector, 10)
    index.close()
    folder = index.folder / "chroma"
    if how == "lost":
        shutil.rmtree(folder)
    elif how == "emptied":
        (folder / "chroma.sqlite3").write_bytes(b"")
    elif how == "garbage":
        (folder / "chroma.sqlite3").write_bytes(b"not a database" * 1000)
    else:
        shutil.rmtree(folder)
        store.fill_local(folder, ["x"], EMBEDDER.embed_documents(["x"]))
    with caplog.at_level(logging.WARNING), open_index(hashed_settings) as again:
        assert again.dense(vector, 10) == expected
    assert "making it again" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING), open_index(hashed_settings) as mended:
        assert mended.dense(vector, 10) == expected
    assert caplog.text == ""


def test_a_closed_index_still_answers(index: Index) -> None:
    vector = EMBEDDER.embed_query("streams of events")
    before = index.dense(vector, 5)
    index.close()
    index.close()
    assert index.dense(vector, 5) == before


def test_reads_where_nothing_can_be_written(
    index: Index, hashed_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    vector = EMBEDDER.embed_query("streams of events")
    expected = index.dense(vector, 5)
    index.close()
    before = {path: path.read_bytes() for path in index.folder.rglob("*") if path.is_file()}
    monkeypatch.setattr(store.os, "access", lambda *_args, **_kwargs: False)
    with open_index(hashed_settings) as again:
        assert again.dense(vector, 5) == expected
        copy = again._store._temporary if again._store else None
        assert copy is not None and copy.is_dir()
    assert not copy.exists()
    assert {path: path.read_bytes() for path in index.folder.rglob("*") if path.is_file()} == before


def test_reads_from_a_read_only_mount(index: Index, hashed_settings: Settings) -> None:
    index.close()
    home = hashed_settings.home
    script = (
        "import sys; from pathlib import Path; from kb.index import open_index; from kb.embedders import *\n"
        "from kb.settings import *\n"
        f"home = Path({str(home)!r})\n"
        "try: (home / 'probe').write_text('x'); sys.exit('writable')\n"
        "except OSError: pass\n"
        "store = StoreSettings(exact_up_to=0)\n"
        "settings = Settings(home=home, embedding=EmbeddingSettings(model='hashed'), store=store)\n"
        "index = open_index(settings); vector = index.embedder.embed_query('sensor events')\n"
        "assert index.dense(vector, 3) and index._store._temporary.is_dir(); index.close()\n"
        "from kb.lock import writing\n"
        "try:\n"
        "    with writing(home): pass\n"
        "except Exception as error: print(error)\n"
    )
    mount = f'mount --bind {home} {home} && mount -o remount,ro,bind {home} && exec {sys.executable} -c "$SCRIPT"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mount],
        env=child_environment() | {"SCRIPT": script},
        capture_output=True,
        text=True,
        timeout=120,
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip("this machine lets no test mount a folder")
    assert done.returncode == 0, done.stderr
    assert f"cannot write to the home {home}" in done.stdout
    assert "--home" in done.stdout


def test_opening_and_asking_loads_no_torch(index: Index, bundled_embedder: object, encoder_home: Path) -> None:
    """With the real encoder: torch and transformers stay out, and nothing is loaded before it is needed."""
    index.close()
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from kb.embedders import load_embedder\n"
        "from kb.settings import EmbeddingSettings, Settings\n"
        "from kb.index import open_index\n"
        f"settings = Settings(home=Path({str(index.settings.home)!r}), embedding=EmbeddingSettings(model='hashed'))\n"
        "index = open_index(settings)\n"
        "assert 'chromadb' not in sys.modules and 'bm25s' not in sys.modules, 'loaded too early'\n"
        f"embedder = load_embedder(EmbeddingSettings(), Path({str(encoder_home)!r}))\n"
        "assert embedder.embed_query('streams').shape == (384,)\n"
        "from kb.search import HybridSearch\n"
        "assert HybridSearch(index).search('streams of events')\n"
        "index.close()\n"
        "print([name for name in ('torch', 'transformers', 'sentence_transformers') if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=child_environment(), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_the_store_finds_what_exact_search_finds(tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    topics = random.normal(size=(40, 64))
    vectors = topics[random.integers(40, size=1500)] + 0.6 * random.normal(size=(1500, 64))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    ids = [f"chunk-{row}" for row in range(len(vectors))]
    store.fill_local(tmp_path / "chroma", ids, vectors)
    opened = store.open_local(tmp_path / "chroma")
    found = 0
    for query in vectors[::50] + 0.05:
        expected = {ids[row] for row in np.argsort(-(vectors @ query))[:20]}
        found += len(expected & set(opened.nearest(query, 20)))
    opened.close()
    assert found / (20 * 30) >= 0.99


def test_a_collection_that_does_not_measure_cosine_is_refused(tmp_path: Path) -> None:
    import chromadb
    from chromadb.config import Settings as ChromaSettings

    client = chromadb.PersistentClient(str(tmp_path), settings=ChromaSettings(anonymized_telemetry=False))
    client.create_collection("chunks", embedding_function=None)
    client.close()
    with pytest.raises(store.StoreError, match="measures l2, not cosine"):
        store.open_local(tmp_path)


@pytest.mark.usefixtures("verified_apart")
def test_where_the_store_loses_some_of_very_many_equal_passages_all_are_compared(
    hashed_settings: Settings, make_corpus: CorpusBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = {"Log": {f"Line {n}": ["The job of the night is done."] for n in range(300)}}
    made = make_corpus(pages)
    corpus = dataclasses.replace(made, chunks=tuple(dataclasses.replace(chunk, context="") for chunk in made.chunks))
    # What it does to the store's graph differs from run to run, so that one loss is made here.
    asked = store.VectorStore.nearest
    monkeypatch.setattr(store.VectorStore, "nearest", lambda self, vector, k: [])
    write_snapshot(corpus, settings=hashed_settings, embedder=EMBEDDER, made={})
    monkeypatch.setattr(store.VectorStore, "nearest", lambda *_: pytest.fail("the store was asked"))
    vector = EMBEDDER.embed_query("The job of the night")
    with open_index(hashed_settings) as index:
        assert index.manifest["search"] == "exact"
        assert index.dense(vector, 20) == index.exact(vector, 20)
    monkeypatch.setattr(store.VectorStore, "nearest", asked)
    write_snapshot(make_corpus({"A": {"B": ["One."]}}), settings=hashed_settings, embedder=EMBEDDER, made={})
    with open_index(hashed_settings) as index:
        assert index.manifest["search"] == "store"


@pytest.mark.usefixtures("verified_apart")
def test_a_store_with_a_wrong_vector_fails_its_verification(
    corpus: Corpus, hashed_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = store.fill_local
    monkeypatch.setattr(store, "fill_local", lambda folder, ids, rows: fill(folder, ids, rows[::-1]))
    with pytest.raises(WhichwayError, match=r"failed its verification.*holds chunk \w+ wrongly"):
        write_snapshot(corpus, settings=hashed_settings, embedder=EMBEDDER, made={})


@pytest.mark.usefixtures("filled_apart")
def test_a_store_filled_by_another_process_answers_here(corpus: Corpus, hashed_settings: Settings) -> None:
    write_snapshot(corpus, settings=hashed_settings, embedder=EMBEDDER, made={})
    with open_index(hashed_settings) as index:
        assert index.manifest["search"] == "store"
        vector = EMBEDDER.embed_query("blue-green rollouts")
        assert index.dense(vector, 2) == index.exact(vector, 2)


def test_a_store_that_cannot_be_filled_is_one_line(tmp_path: Path) -> None:
    with (
        filler() as fill_beside,
        pytest.raises(WhichwayError, match=r"^filling the vector store failed.*chunks\.jsonl"),
    ):
        fill_beside(tmp_path)()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with the one that started it")
def test_what_fills_a_store_does_not_outlive_its_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "chunks.jsonl")  # it waits there for content that never comes
    script = (
        "import pathlib, subprocess, sys\n"
        "from kb import fill_store\n"
        "begin = subprocess.Popen.__init__\n"
        "def told(self, *given, **named):\n"
        "    begin(self, *given, **named)\n"
        "    sys.stdout.write(f'{self.pid}\\n')\n"
        "    sys.stdout.flush()\n"
        "subprocess.Popen.__init__ = told\n"
        "with fill_store.filler() as fill_beside:\n"
        "    fill_beside(pathlib.Path(sys.argv[1]))()\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, env=child_environment(), stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        child = Path("/proc", writer.stdout.readline().strip())
        time.sleep(3)
        assert child.is_dir()
        writer.kill()
    ended = time.monotonic() + 10
    while child.is_dir() and "State:\tZ" not in (child / "status").read_text() and time.monotonic() < ended:
        time.sleep(0.05)
    assert not child.is_dir() or "State:\tZ" in (child / "status").read_text()
