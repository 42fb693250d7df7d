"""The vectors on a Chroma server: a collection a snapshot, a pointer that names the live one."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from corpora import CorpusBuilder

from kb import store
from kb.embedders import HashedBagEmbedder
from kb.index import open_index
from kb.settings import EmbeddingSettings, Settings, StoreSettings
from kb.snapshots import rollback, write_snapshot


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = shutil.which("chroma", path=str(Path(sys.executable).parent)) or "chroma"
    with subprocess.Popen(
        [command, "run", "--path", str(tmp_path / "server"), "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield f"chroma://127.0.0.1:{port}"
        finally:
            running.terminate()


@pytest.mark.slow
def test_replicas_follow_the_pointer(home: Path, server: str, make_corpus: CorpusBuilder) -> None:
    settings = Settings(home=home, embedding=EmbeddingSettings(model="hashed"), store=StoreSettings(url=server))
    embedder = HashedBagEmbedder()
    vector = embedder.embed_query("part 7")
    ids = []
    for edition in ("one", "two", "three"):
        corpus = make_corpus({"Guide": {f"Part {n}": [f"part {n} of edition {edition}"] for n in range(40)}})
        ids.append(write_snapshot(corpus, settings=settings, embedder=embedder, made={}).id)
        assert store.pointed_on_server(server) == ids[-1]
        with open_index(settings) as index:
            assert index.snapshot_id == ids[-1]
            assert isinstance(index._open_store(), store.VectorStore)
            assert [s for _, s in index.dense(vector, 3)] == [s for _, s in index.exact(vector, 3)]
    with pytest.raises(store.StoreError, match="no snapshot"):
        store.open_server(server, ids[0])
    store.open_server(server, ids[1]).close()
    store.point_server(server, ids[1], keep=ids)
    with open_index(settings) as index:
        assert index.snapshot_id == ids[1]
    store.point_server(server, ids[2], keep=ids)
    for live in (ids[1], ids[2]):
        assert rollback(home, store_url=server) == live
        with open_index(settings) as index:
            assert index.snapshot_id == live
            assert index._open_store() is not None


def test_a_server_that_is_not_there_is_one_clear_line() -> None:
    with pytest.raises(store.StoreError, match=r"the Chroma server chroma://127.0.0.1:9 cannot be reached"):
        store.pointed_on_server("chroma://127.0.0.1:9")
