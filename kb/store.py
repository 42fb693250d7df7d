"""The vector store: Chroma on a client that we own, asserted to be cosine, closed for good.

A store holds one collection of chunks. The folder of a local one is a disposable view of the snapshot's plain files.
"""

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kb.embedders import Vector
from kb.errors import WhichwayError

log = logging.getLogger(__name__)

COLLECTION = "chunks"
_POINTER = "whichway-pointer"
_BATCH = 5000
"""Chroma takes 5,461 records at a time."""
_TRIED = 200
_SAME = 0.999

# Wider than Chroma's defaults (100, 100, 16). On 10,000 chunks recall@20 against exact search goes from 0.95 with 200
# candidates to 0.99 with 800; looking at more costs little beside the call itself.
_HNSW: dict[str, object] = {"space": "cosine", "ef_construction": 200, "ef_search": 1000, "max_neighbors": 32}


class StoreError(WhichwayError):
    """The vector store cannot be opened, written or asked."""


class VectorStore:
    """Nearest chunks by cosine. Open one with `open_local` or `open_server`; close it."""

    def __init__(self, client: Any, collection: str, temporary: Path | None = None) -> None:
        self._client = client
        self._temporary = temporary
        try:
            self._collection: Any = client.get_collection(collection, embedding_function=None)
            space = self._collection.configuration_json["hnsw"]["space"]
            if space != "cosine":
                raise StoreError(f"the collection {collection!r} measures {space}, not cosine")
        except Exception:
            self.close()
            raise

    def count(self) -> int:
        """How many chunks it holds."""
        return int(self._collection.count())

    def nearest(self, vector: Vector, k: int) -> list[str]:
        """Ids of the `k` nearest chunks, best first. StoreError where the store fails."""
        try:
            found = self._collection.query(query_embeddings=[vector.tolist()], n_results=k, include=[])
        except Exception as error:  # noqa: BLE001 - the Rust binding raises bare exceptions
            raise StoreError(f"the vector store failed: {error}") from None
        return [str(id_) for id_ in found["ids"][0]]

    def vectors(self, ids: Sequence[str]) -> list[Vector]:
        """The vectors that it holds of these chunks, in their order. StoreError where it lacks one of them."""
        with _failing("the vector store failed"):
            held = self._collection.get(ids=list(ids), include=["embeddings"])
            of_id = dict(zip(held["ids"], held["embeddings"], strict=True))
            return [np.asarray(of_id[id_], dtype=np.float32) for id_ in ids]

    def finds(self, vectors: Vector, ids: Sequence[str]) -> bool:
        """Whether each of a sample of its chunks, whose vectors these are, is what it finds nearest to itself.

        Not so where very many texts are nearly the same: they fill one another's lists of neighbours, and the way
        past them is lost.
        """
        row_of = {id_: row for row, id_ in enumerate(ids)}
        for row in range(0, len(ids), max(1, len(ids) // _TRIED)):
            # By cosine, not by id: chunks of the same words have the same vector.
            best = [row_of[id_] for id_ in self.nearest(vectors[row], 1)]
            if not best or float(vectors[best[0]] @ vectors[row]) < _SAME:
                return False
        return True

    def close(self) -> None:
        """Frees threads, file descriptors and temporary files. Twice is fine."""
        client, self._client = self._client, None
        if client is not None:
            _close(client)
        temporary, self._temporary = self._temporary, None
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def load() -> None:
    """Loads Chroma, which takes a second, before it is needed."""
    import chromadb  # noqa: F401


def fill_local(folder: Path, ids: Sequence[str], vectors: Vector) -> None:
    """Makes the store in a new folder. StoreError where it cannot."""
    folder.mkdir(parents=True)
    with _failing(f"the vector store in {folder} cannot be written"):
        client = _local_client(folder)
        try:
            _fill(client, COLLECTION, ids, vectors)
        finally:
            _close(client)


def open_local(folder: Path, *, temporary: Path | None = None) -> VectorStore:
    """The store in `folder`; where that cannot be written, a copy of it that goes when it is closed.

    Chroma writes to its folder when it only reads. `temporary` is a folder to remove when the store is closed.
    StoreError where it cannot be opened.
    """
    place = folder
    if folder.is_dir() and not _writable(folder):
        temporary = Path(tempfile.mkdtemp(prefix="whichway-chroma-"))
        place = temporary / "chroma"
        shutil.copytree(folder, place)
        for path in [place, *place.rglob("*")]:
            path.chmod(0o700 if path.is_dir() else 0o600)
    try:
        with _failing(f"the vector store in {folder} cannot be opened"):
            if not (place / "chroma.sqlite3").is_file():
                raise StoreError(f"there is no vector store in {folder}")
            return VectorStore(_local_client(place), COLLECTION, temporary)
    except StoreError:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        raise


def fill_server(url: str, snapshot: str, ids: Sequence[str], vectors: Vector) -> None:
    """Makes the collection `chunks-<snapshot>` on the server, unless it is there and whole. StoreError otherwise."""
    with _failing(f"the Chroma server {url} cannot be written"):
        client = _server_client(url)
        try:
            name = f"{COLLECTION}-{snapshot}"
            if name in _collections(client):
                if client.get_collection(name, embedding_function=None).count() == len(ids):
                    return
                client.delete_collection(name)
            _fill(client, name, ids, vectors)
            if client.get_collection(name, embedding_function=None).count() != len(ids):
                raise StoreError(f"the Chroma server {url} lost chunks of {name}; run: whichway ingest")
        finally:
            _close(client)


def open_server(url: str, snapshot: str) -> VectorStore:
    """The collection of a snapshot on the server. StoreError where it is not there."""
    with _failing(f"the Chroma server {url} has no snapshot {snapshot} or cannot be reached"):
        return VectorStore(_server_client(url), f"{COLLECTION}-{snapshot}")


def point_server(url: str, snapshot: str, keep: Sequence[str]) -> None:
    """Names the live snapshot on the server, then drops the collections of those that are not kept."""
    with _failing(f"the Chroma server {url} cannot be written"):
        client = _server_client(url)
        try:
            pointer = client.get_or_create_collection(_POINTER, embedding_function=None)
            pointer.upsert(ids=["live"], embeddings=[[1.0]], metadatas=[{"snapshot": snapshot}])
            kept = {f"{COLLECTION}-{each}" for each in (*keep, snapshot)}
            for name in _collections(client):
                if name.startswith(f"{COLLECTION}-") and name not in kept:
                    client.delete_collection(name)
        finally:
            _close(client)


def pointed_on_server(url: str) -> str | None:
    """The snapshot that the server names as live; None where it names none. StoreError where it cannot be reached."""
    with _failing(f"the Chroma server {url} cannot be reached"):
        client = _server_client(url)
        try:
            if _POINTER not in _collections(client):
                return None
            found = client.get_collection(_POINTER, embedding_function=None).get(ids=["live"])
            metadatas = found["metadatas"] or []
            return str(metadatas[0]["snapshot"]) if metadatas else None
        finally:
            _close(client)


def _collections(client: Any) -> list[str]:
    return [found.name for found in client.list_collections()]


def _fill(client: Any, name: str, ids: Sequence[str], vectors: Vector) -> None:
    """Ids and vectors alone: the texts are in the plain files, and Chroma would index them a second time."""
    collection = client.create_collection(name, configuration={"hnsw": _HNSW}, embedding_function=None)
    for start in range(0, len(ids), _BATCH):
        collection.add(ids=list(ids[start : start + _BATCH]), embeddings=vectors[start : start + _BATCH])


def _local_client(folder: Path) -> Any:
    import chromadb
    from chromadb.api.shared_system_client import SharedSystemClient

    try:
        return chromadb.PersistentClient(path=str(folder), settings=_settings())
    except BaseException:
        # Chroma keeps a client that failed to start and would hand it out for this folder ever after.
        if not SharedSystemClient._identifier_to_refcount.get(str(folder)):
            SharedSystemClient._identifier_to_system.pop(str(folder), None)
        raise


def _server_client(url: str) -> Any:
    import chromadb

    host, _, port = url.removeprefix("chroma://").partition(":")
    return chromadb.HttpClient(host=host, port=int(port or 8000), settings=_settings())


def _close(client: Any) -> None:
    """Closes a client, and what Chroma leaves of an HTTP one: its connections, and its place in a table of systems."""
    from chromadb.api.shared_system_client import SharedSystemClient

    servers = [client._server, client._admin_client._server]
    client.close()
    for server in servers:
        session = getattr(server, "_session", None)
        if session is not None:
            session.close()
            systems = SharedSystemClient._identifier_to_system
            for identifier in [key for key, system in list(systems.items()) if system is server._system]:
                systems.pop(identifier, None)


def _settings() -> Any:
    from chromadb.config import Settings

    # `_env_file`: Chroma would read the .env of the working folder.
    return Settings(anonymized_telemetry=False, _env_file=None)


def _writable(folder: Path) -> bool:
    if hasattr(os, "statvfs") and os.statvfs(folder).f_flag & os.ST_RDONLY:
        return False
    return all(os.access(path, os.W_OK) for path in [folder, *folder.rglob("*")])


@contextlib.contextmanager
def _failing(what: str) -> Any:
    try:
        yield
    except (StoreError, KeyboardInterrupt):
        raise
    except Exception as error:  # noqa: BLE001 - chromadb and its Rust binding raise unrelated types
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise StoreError(f"{what}: {reason}") from None


def same(one: Vector, other: Vector) -> bool:
    """Whether two vectors point the same way."""
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return one.shape == other.shape and float(one @ other) >= _SAME * lengths
