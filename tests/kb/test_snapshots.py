"""What a snapshot keeps, when a new one is made, and what happens to a damaged one."""

import dataclasses
import json
import logging
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Self

import pytest
from corpora import CorpusBuilder

from kb.embedders import HashedBagEmbedder
from kb.errors import IndexDamagedError, IndexMismatchError, IndexMissingError, LockedError, WhichwayError
from kb.index import open_index
from kb.lock import writing
from kb.records import Basis, Corpus, LeftOut
from kb.settings import DecisionSettings, EmbeddingSettings, OptionSettings, Settings
from kb.snapshots import SnapshotInfo, read_current, rollback, write_snapshot

MADE = {"chunker": "1", "readers": "1"}


@pytest.fixture
def corpus(make_corpus: CorpusBuilder) -> Corpus:
    return make_corpus(
        {
            "Which platform": {
                "Streaming": ["Databricks reads streams.", "Zürich’s 東京 🙂 naïve line."],
                "Endpoints": ["Azure Machine Learning moves traffic blue-green."],
                "Empty": [],
            }
        },
        standing="guide",
    )


def write(corpus: Corpus, settings: Settings, **made: str) -> SnapshotInfo:
    return write_snapshot(corpus, settings=settings, embedder=HashedBagEmbedder(), made=MADE | made)


def test_gives_back_every_record(corpus: Corpus, hashed_settings: Settings) -> None:
    basis = Basis("A page", "Its heading", "https://example.org/a", None, "2026-11-23")
    first, *rest = corpus.statements
    corpus = dataclasses.replace(
        corpus,
        statements=(dataclasses.replace(first, basis=(basis,)), *rest),
        left_out=(LeftOut("https://example.org/b", "it is empty"),),
    )
    stages: list[str] = []
    write_snapshot(
        corpus,
        settings=hashed_settings,
        embedder=HashedBagEmbedder(),
        made=MADE,
        progress=lambda stage, _done, _total: stages.append(stage),
    )
    with open_index(hashed_settings) as index:
        assert index.corpus == corpus
        assert index.manifest["counts"] == {
            "documents": 1,
            "sections": 3,
            "chunks": 2,
            "statements": 3,
            "left_out": 1,
        }
        assert index.manifest["made"] == MADE
    assert stages[0] == "embedding"
    assert stages[-1] == "storing"


def test_the_same_content_makes_no_new_snapshot(corpus: Corpus, hashed_settings: Settings) -> None:
    first = write(corpus, hashed_settings)
    fetched_again = dataclasses.replace(
        corpus, documents=tuple(dataclasses.replace(each, fetched="2027-01-01") for each in corpus.documents)
    )
    second = write(fetched_again, hashed_settings)
    assert (first.created, second.created) == (True, False)
    assert first.id == second.id
    assert write(corpus, hashed_settings, chunker="2").id != first.id


def test_rollback_goes_back_and_forth(corpus: Corpus, hashed_settings: Settings) -> None:
    home = hashed_settings.home
    ids = [write(corpus, hashed_settings, chunker=str(version)).id for version in (1, 2, 3)]
    kept = sorted(path.name for path in (home / "snapshots").iterdir())
    assert kept == sorted(ids[1:])
    assert rollback(home) == ids[1]
    with open_index(hashed_settings) as index:
        assert index.snapshot_id == ids[1]
    assert rollback(home) == ids[2]
    with pytest.raises(IndexMissingError, match=r"no snapshot before"):
        rollback(home / "elsewhere")


def test_a_second_writer_in_the_same_process_is_refused(corpus: Corpus, hashed_settings: Settings) -> None:
    with writing(hashed_settings.home), pytest.raises(LockedError, match=r"another whichway is writing"):
        write(corpus, hashed_settings)
    assert write(corpus, hashed_settings).created


def test_no_index_yet(hashed_settings: Settings) -> None:
    with pytest.raises(IndexMissingError, match=r"no index yet.*run: whichway ingest"):
        open_index(hashed_settings)


def test_every_flipped_or_lost_byte_is_noticed(corpus: Corpus, hashed_settings: Settings) -> None:
    folder = write(corpus, hashed_settings).path
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and "chroma" not in path.parts]
    assert {"manifest.json", "chunks.jsonl", "vectors.npy", "vocab.index.json"} <= {path.name for path in files}
    for path in files:
        good = path.read_bytes()
        flipped = bytearray(good)
        if good:
            flipped[len(good) // 2] ^= 0x04
        for bad in (bytes(flipped), good[:-1], good + b"x"):
            if bad == good:
                continue
            path.write_bytes(bad)
            with pytest.raises(IndexDamagedError) as caught:
                open_index(hashed_settings)
            assert str(path) in str(caught.value)
            assert "run: whichway ingest" in str(caught.value)
        path.unlink()
        with pytest.raises(WhichwayError):
            open_index(hashed_settings)
        path.write_bytes(good)
    open_index(hashed_settings).close()


def test_ingesting_again_mends_a_damaged_index(corpus: Corpus, hashed_settings: Settings) -> None:
    first = write(corpus, hashed_settings)
    (first.path / "vectors.npy").write_bytes(b"")
    again = write(corpus, hashed_settings)
    assert (again.id, again.created) == (first.id, True)
    with open_index(hashed_settings) as index:
        assert index.corpus == corpus


@pytest.mark.parametrize("torn", ["", "\n", "0123", "f" * 16 + "\n-\n", "\x00" * 17, "{}"])
def test_a_torn_current_gives_the_newest_snapshot(
    corpus: Corpus, hashed_settings: Settings, torn: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(corpus, hashed_settings)
    newest = write(corpus, hashed_settings, chunker="2").id
    (hashed_settings.home / "CURRENT").write_text(torn)
    with caplog.at_level(logging.WARNING), open_index(hashed_settings) as index:
        assert index.snapshot_id == newest
    assert "CURRENT is damaged" in caplog.text
    write(corpus, hashed_settings, chunker="2")
    assert read_current(hashed_settings.home)[0] == newest
    assert (hashed_settings.home / "CURRENT").read_text().startswith(newest)


def test_a_clock_that_jumps_back_does_not_make_an_older_snapshot_newest(
    corpus: Corpus, hashed_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class LongAgo(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls(2001, 1, 1, tzinfo=tz)

    older = write(corpus, hashed_settings)
    monkeypatch.setattr("kb.snapshots.datetime", LongAgo)
    newest = write(corpus, hashed_settings, chunker="2")
    made = [json.loads((each.path / "manifest.json").read_text())["made_at"] for each in (older, newest)]
    assert made[1] < made[0]
    (hashed_settings.home / "CURRENT").write_text("")
    assert read_current(hashed_settings.home) == (newest.id, older.id)


def test_an_index_of_another_model_or_decision_is_refused(corpus: Corpus, hashed_settings: Settings) -> None:
    write(corpus, hashed_settings)
    bundled = hashed_settings.model_copy(update={"embedding": EmbeddingSettings()})
    with pytest.raises(IndexMismatchError, match=r"made with the encoder hashed-bag-v1.*run: whichway ingest"):
        open_index(bundled)
    options = (OptionSettings(id="left", name="Left"), OptionSettings(id="right", name="Right"))
    other = hashed_settings.model_copy(update={"decision": DecisionSettings(question="?", option=options)})
    with pytest.raises(IndexMismatchError, match=r"another decision.*run: whichway ingest"):
        open_index(other)


def test_a_text_that_is_not_its_span_is_a_bug_not_an_index(corpus: Corpus, hashed_settings: Settings) -> None:
    first, *rest = corpus.chunks
    wrong = dataclasses.replace(corpus, chunks=(dataclasses.replace(first, start=first.start + 1), *rest))
    with pytest.raises(ValueError, match=r"Chunk .* is not the span"):
        write(wrong, hashed_settings)
    with pytest.raises(IndexMissingError):
        open_index(hashed_settings)


def test_a_home_that_is_a_file_is_one_clear_line(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    settings = Settings(home=tmp_path / "home", embedding=EmbeddingSettings(model="hashed"))
    with pytest.raises(WhichwayError, match=r"cannot write to the home.*--home"):
        write(corpus, settings)


def test_an_empty_corpus_is_an_index_that_finds_nothing(hashed_settings: Settings) -> None:
    write(Corpus((), (), (), ()), hashed_settings)
    with open_index(hashed_settings) as index:
        vector = HashedBagEmbedder().embed_query("anything")
        assert (index.dense(vector, 5), index.lexical("anything", 5), index.statement_ids) == ([], [], ())
