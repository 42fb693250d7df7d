"""Vectors kept by what was embedded: nothing is embedded twice, across snapshots and branches of a corpus."""

import contextlib
import hashlib
import logging
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from kb.embedders import Embedder, Vector

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with how many are done, of how many."""

_BATCH = 256
_LOOKUP = 500


def indexed_text(context: str, text: str) -> str:
    """What is embedded for a text and what it borrows; as `Chunk.indexed_text`."""
    return f"{context}\n{text}" if context else text


class VectorCache:
    """Vectors in `<home>/vectors.sqlite3`, each with a checksum.

    Every batch is committed as it is made, so an interrupted run loses at most one. A cache that is damaged or cannot
    be written costs time, never the run.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / "vectors.sqlite3"

    def vectors(self, embedder: Embedder, items: Sequence[tuple[str, str]], progress: Progress | None = None) -> Vector:
        """Vectors `(n, d)` of `(context, text)` pairs, in order; what is not in the cache is embedded now."""
        out = np.zeros((len(items), embedder.dimension), dtype=np.float32)
        keys = [_key(embedder.name, context, text) for context, text in items]
        rows: dict[bytes, list[int]] = {}
        for row, key in enumerate(keys):
            rows.setdefault(key, []).append(row)
        with self._open() as connection:
            found = self._read(connection, list(rows), embedder.dimension)
            for key, vector in found.items():
                out[rows[key]] = vector
            missing = [key for key in rows if key not in found]
            # Short and long apart: a batch is as slow as its longest text.
            missing.sort(key=lambda key: len(items[rows[key][0]][0]) + len(items[rows[key][0]][1]))
            done = len(rows) - len(missing)
            if progress:
                progress(done, len(rows))
            for start in range(0, len(missing), _BATCH):
                batch = missing[start : start + _BATCH]
                fresh = embedder.embed_documents([indexed_text(*items[rows[key][0]]) for key in batch])
                for key, vector in zip(batch, fresh, strict=True):
                    out[rows[key]] = vector
                self._write(connection, dict(zip(batch, fresh, strict=True)))
                done += len(batch)
                if progress:
                    progress(done, len(rows))
        return out

    def known(self, name: str, items: Sequence[tuple[str, str]], dimension: int) -> tuple[Vector, list[int]]:
        """Vectors `(n, d)` that the embedder called `name` has made, and the positions of items that it has not."""
        out = np.zeros((len(items), dimension), dtype=np.float32)
        keys = [_key(name, context, text) for context, text in items]
        with self._open() as connection:
            found = self._read(connection, list(dict.fromkeys(keys)), dimension)
        missing = []
        for row, key in enumerate(keys):
            if key in found:
                out[row] = found[key]
            else:
                missing.append(row)
        return out, missing

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection | None]:
        connection = None
        try:
            connection = self._connect()
        except (OSError, sqlite3.OperationalError) as error:  # locked, a full disk, too many files: it will pass
            log.warning("no vector cache: %s", error)
        except sqlite3.DatabaseError as error:
            log.warning("the vector cache %s is damaged (%s); starting a new one", self.path, error)
            connection = self._start_anew()
        try:
            yield connection
        finally:
            if connection is not None:
                connection.close()

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _start_anew(self) -> sqlite3.Connection | None:
        try:
            for suffix in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            return self._connect()
        except (OSError, sqlite3.Error) as error:
            log.warning("no vector cache: %s", error)
            return None

    def _read(
        self, connection: sqlite3.Connection | None, keys: Sequence[bytes], dimension: int
    ) -> dict[bytes, Vector]:
        found: dict[bytes, Vector] = {}
        if connection is None:
            return found
        try:
            for start in range(0, len(keys), _LOOKUP):
                part = keys[start : start + _LOOKUP]
                marks = ",".join("?" * len(part))
                for key, blob in connection.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", part):
                    vector = _unpack(blob, dimension)
                    if vector is not None:
                        found[key] = vector
        except sqlite3.DatabaseError as error:
            log.warning("the vector cache %s cannot be read (%s); embedding again", self.path, error)
        return found

    def _write(self, connection: sqlite3.Connection | None, vectors: dict[bytes, Vector]) -> None:
        if connection is None:
            return
        rows = [(key, _pack(vector)) for key, vector in vectors.items()]
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            connection.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            log.warning("the vector cache %s cannot be written: %s", self.path, error)
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")


def _key(name: str, context: str, text: str) -> bytes:
    digest = hashlib.sha256()
    for part in (name, context, text):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()


def _pack(vector: Vector) -> bytes:
    data = np.ascontiguousarray(vector, dtype="<f4").tobytes()
    return zlib.crc32(data).to_bytes(4, "big") + data


def _unpack(blob: bytes, dimension: int) -> Vector | None:
    data = blob[4:]
    if len(data) != 4 * dimension or zlib.crc32(data).to_bytes(4, "big") != blob[:4]:
        return None
    return np.frombuffer(data, dtype="<f4").astype(np.float32)
