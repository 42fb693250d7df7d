"""The index changes under load: no question fails, and nothing of the old ones stays."""

import gc
import logging
import threading
import time
from pathlib import Path

import pytest
from corpora import CorpusBuilder

from kb.embedders import HashedBagEmbedder
from kb.errors import IndexMissingError
from kb.index import LiveIndex
from kb.settings import Settings
from kb.snapshots import _write_current, write_snapshot

EMBEDDER = HashedBagEmbedder()


def write(settings: Settings, make_corpus: CorpusBuilder, edition: str) -> str:
    pages = {"Guide": {f"Part {n}": [f"Databricks part {n} of edition {edition}."] for n in range(40)}}
    return write_snapshot(make_corpus(pages), settings=settings, embedder=EMBEDDER, made={}).id


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def running_threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts descriptors in /proc")
def test_twenty_switches_under_eight_querying_threads(hashed_settings: Settings, make_corpus: CorpusBuilder) -> None:
    ids = [write(hashed_settings, make_corpus, edition) for edition in ("one", "two")]
    with LiveIndexUnderTest(hashed_settings) as warm, warm.reading() as index:  # what stays for good is loaded once
        index.warm()
    gc.collect()
    files, threads = open_files(), running_threads()

    live = LiveIndex(hashed_settings)
    failures: list[BaseException] = []
    seen: set[str] = set()
    answered = 0
    stop = threading.Event()
    vector = EMBEDDER.embed_query("part 7 of an edition")

    def ask() -> None:
        nonlocal answered
        while not stop.is_set():
            try:
                with live.reading() as index:
                    assert len(index.dense(vector, 5)) == 5
                    assert len(index.lexical("part edition", 5)) == 5
                    assert not index.closed
                    seen.add(index.snapshot_id)
                    answered += 1
            except BaseException as error:  # noqa: BLE001 - any failure is a finding
                failures.append(error)
                return

    readers = [threading.Thread(target=ask) for _ in range(8)]
    for reader in readers:
        reader.start()
    for switch in range(20):
        before = live.current().snapshot_id
        after = next(id_ for id_ in ids if id_ != before)
        _write_current(hashed_settings.home, after, before)
        deadline = time.monotonic() + 60
        while live.current().snapshot_id != after and not failures and time.monotonic() < deadline:
            time.sleep(0.01)
        assert live.current().snapshot_id == after, switch
    stop.set()
    for reader in readers:
        reader.join()
    live.close()
    assert failures == []
    assert seen == set(ids)
    assert answered > 20
    gc.collect()
    deadline = time.monotonic() + 10
    while running_threads() > threads and time.monotonic() < deadline:
        time.sleep(0.05)
    assert open_files() <= files
    assert running_threads() <= threads


class LiveIndexUnderTest(LiveIndex):
    def __enter__(self) -> "LiveIndexUnderTest":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def test_follows_a_new_snapshot_and_closes_the_old_one_after_its_reader(
    hashed_settings: Settings, make_corpus: CorpusBuilder
) -> None:
    first = write(hashed_settings, make_corpus, "one")
    live = LiveIndex(hashed_settings)
    with live.reading() as old:
        assert old.snapshot_id == first
        second = write(hashed_settings, make_corpus, "two")
        with live.reading() as new:
            assert new.snapshot_id == second
        assert not old.closed
    assert old.closed
    assert live.current() is live.current()
    live.close()


def test_a_damaged_new_snapshot_leaves_the_old_one_serving(
    hashed_settings: Settings, make_corpus: CorpusBuilder, caplog: pytest.LogCaptureFixture
) -> None:
    first = write(hashed_settings, make_corpus, "one")
    live = LiveIndex(hashed_settings)
    assert live.current().snapshot_id == first
    second = write(hashed_settings, make_corpus, "two")
    with (hashed_settings.home / "snapshots" / second / "chunks.jsonl").open("ab") as stream:
        stream.write(b"\n")
    with caplog.at_level(logging.ERROR):
        assert live.current().snapshot_id == first
        assert live.current().snapshot_id == first
    assert caplog.text.count("still serving snapshot") == 1
    live.close()


def test_without_an_index_it_says_so_and_finds_it_once_it_is_there(
    hashed_settings: Settings, make_corpus: CorpusBuilder
) -> None:
    live = LiveIndex(hashed_settings)
    with pytest.raises(IndexMissingError, match="run: whichway ingest"):
        live.current()
    id_ = write(hashed_settings, make_corpus, "one")
    assert live.current().snapshot_id == id_
    live.close()
