"""Opens the live snapshot for searching, and follows it when it changes."""

import contextlib
import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np

from kb import plain, store
from kb.embedders import Embedder, Vector, embedder_name, load_embedder, open_compiled
from kb.errors import IndexDamagedError, IndexMismatchError, IndexMissingError
from kb.lexical import VERSION, LexicalIndex
from kb.reader import Rows, SnapshotReader
from kb.records import Option
from kb.settings import Settings
from kb.snapshots import read_current

log = logging.getLogger(__name__)

_SPARE = 8
"""How many more chunks the store is asked for: equal vectors at the border are settled by id."""

_SERVER_SECONDS = 5
"""How often a Chroma server is asked which snapshot is live."""


class Index(SnapshotReader):
    """A snapshot and its two searches. Safe to share between threads.

    Made by `open_index`. Closing frees the vector store; what is in memory still answers, dense search exactly.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        embedder: Embedder | None,
        *,
        exactly: bool = False,
        preload: bool = False,
    ) -> None:
        self._loading = _loading(settings) if preload and embedder is None else None
        super().__init__(folder)
        self.settings = settings
        self.options: tuple[Option, Option] = settings.decision.options
        self._refuse_another(embedder)
        self._embedder = embedder
        self._lock = threading.RLock()
        self._store: store.VectorStore | None = None
        small = settings.store.url == "local" and len(self.chunks) <= settings.store.exact_up_to
        self._exactly = exactly or small or self.manifest.get("search") == "exact"
        self.closed = False

    @property
    def embedder(self) -> Embedder:
        """The encoder that the index was made with; loaded on first use."""
        with self._lock:
            if self._embedder is None and self._loading is not None:
                self._embedder = self._loading.result()
            if self._embedder is None:
                self._embedder = load_embedder(self.settings.embedding, self.settings.home)
            return self._embedder

    def dense(self, vector: Vector, k: int, *, rows: Rows | None = None) -> list[tuple[str, float]]:
        """The `k` nearest chunks as `(chunk id, cosine)`, best first, equal ones by id; of `rows` only, if given.

        In a large index Chroma finds them; the cosines are computed from the vectors of record. Among some rows and in
        a small index every vector is compared, as where Chroma fails, or lost some of these chunks when it was filled.
        """
        if k <= 0 or not self.chunks:
            return []
        candidates = rows
        if rows is None and len(self.chunks) > k and not self._exactly:
            opened = self._open_store()
            try:
                found = opened.nearest(vector, min(k + _SPARE, len(self.chunks))) if opened else None
            except store.StoreError as error:
                if not self.closed:
                    log.warning("%s; searching exactly", error)
                found = None
            if found is not None:
                candidates = np.array(sorted(self._row_of[id_] for id_ in found if id_ in self._row_of), dtype=np.intp)
        if candidates is None:
            cosines = self.vectors @ vector
            return self._best(cosines, np.arange(len(self.chunks)), k)
        return self._best(self.vectors[candidates] @ vector, candidates, k)

    def exact(self, vector: Vector, k: int) -> list[tuple[str, float]]:
        """As `dense`, over every vector: the oracle for Chroma."""
        return self._best(self.vectors @ vector, np.arange(len(self.chunks)), k)

    def lexical(self, text: str, k: int, *, rows: Rows | None = None) -> list[tuple[str, float]]:
        """The `k` best chunks by BM25 as `(chunk id, score)`, best first; only those that share a word."""
        scores = self._words.scores(text)
        kept = np.flatnonzero(scores > 0) if rows is None else rows[scores[rows] > 0]
        return self._best(scores[kept], kept, k)

    def lexical_statements(self, text: str, k: int) -> list[tuple[str, float]]:
        """The `k` best statements by BM25 as `(statement id, score)`, best first; only those that share a word."""
        scores = self._statement_words.scores(text)
        kept = np.flatnonzero(scores > 0)
        if len(kept) > 4 * k > 0:
            # What ties with the k-th stays in, so that the order below is that of a full sort.
            border = np.partition(scores[kept], len(kept) - k)[len(kept) - k]
            kept = kept[scores[kept] >= border]
        order = np.lexsort((kept, -scores[kept]))[:k]
        return [(self._statement_in_line(int(kept[i])).id, float(scores[kept[i]])) for i in order]

    def rarity(self, word: str) -> float:
        """How rare an indexed word is among the chunks: 0 (in all) to 1 (in one); 1.2 where none has it."""
        return self._words.rarity(word)

    def warm(self) -> None:
        """Loads what the first question would: encoder, store and word lists."""
        with ThreadPoolExecutor(1) as beside:
            words = beside.submit(lambda: (self.lexical("warm", 1), self.lexical_statements("warm", 1)))
            self.dense(self.embedder.embed_query("warm"), 1)
            words.result()

    def close(self) -> None:
        """Frees the vector store: file descriptors, threads, temporary files. Twice is fine."""
        with self._lock:
            self.closed = True
            opened, self._store = self._store, None
        if opened is not None:
            opened.close()

    def __enter__(self) -> "Index":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _refuse_another(self, embedder: Embedder | None) -> None:
        name = embedder.name if embedder else embedder_name(self.settings.embedding, self.settings.home)
        if self.manifest["embedder"]["name"] != name:
            raise IndexMismatchError(
                f"the index was made with the encoder {self.manifest['embedder']['name']}, the configuration names "
                f"{name}; run: whichway ingest"
            )
        if self.manifest["decision"] != self.settings.decision_fingerprint():
            raise IndexMismatchError(
                "the index was made for another decision than the configuration's; run: whichway ingest"
            )
        if self.manifest["lexical"] != VERSION:
            raise IndexMismatchError("the index was made by another version of whichway; run: whichway ingest")

    def _best(self, scores: Vector, rows: Rows, k: int) -> list[tuple[str, float]]:
        # Rounded: the last bits of a product depend on how many rows were multiplied.
        scores = np.round(scores, 6)
        if len(scores) > 4 * k:
            # Everything that ties with the k-th stays in: which of them is kept is decided by id, not by position.
            border = np.partition(scores, len(scores) - k)[len(scores) - k]
            inside = np.flatnonzero(scores >= border)
            scores, rows = scores[inside], rows[inside]
        found = [(self.chunks[int(row)].id, float(score)) for row, score in zip(rows, scores, strict=True)]
        found.sort(key=lambda each: (-each[1], each[0]))
        return found[:k]

    def _open_store(self) -> store.VectorStore | None:
        with self._lock:
            if self._store is None and not self.closed and not self._exactly:
                try:
                    self._store = self._opened_store()
                except (store.StoreError, OSError) as error:
                    log.warning("%s; searching exactly", error)
                    self._exactly = True
            return self._store

    def _opened_store(self) -> store.VectorStore:
        if self.settings.store.url != "local":
            return store.open_server(self.settings.store.url, self.snapshot_id)
        folder = self.folder / "chroma"
        try:
            opened = store.open_local(folder)
            if opened.count() == len(self.chunks):
                return opened
            opened.close()
        except store.StoreError as error:
            log.warning("%s", error)
        log.warning("the vector store of %s is damaged; making it again from the plain files", self.folder)
        temporary = Path(tempfile.mkdtemp(prefix="whichway-chroma-"))
        try:
            store.fill_local(temporary / "chroma", [chunk.id for chunk in self.chunks], self.vectors)
            with contextlib.suppress(OSError):  # a home that cannot be written is served from the temporary folder
                self._mend(temporary / "chroma", folder)
            return store.open_local(temporary / "chroma", temporary=temporary)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise

    def _mend(self, made: Path, folder: Path) -> None:
        fresh = folder.with_name(f"chroma.{time.time_ns()}")
        try:
            shutil.copytree(made, fresh)
            shutil.rmtree(folder, ignore_errors=True)
            fresh.rename(folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    @cached_property
    def _words(self) -> LexicalIndex:
        return self._load_words("chunks")

    @cached_property
    def _statement_words(self) -> LexicalIndex:
        return self._load_words("statements")

    def _load_words(self, name: str) -> LexicalIndex:
        try:
            return LexicalIndex.load(self.folder / "lexical" / name)
        except (OSError, ValueError):
            raise plain.damaged(self.folder, f"lexical/{name}") from None


def _loading(settings: Settings) -> Future[Embedder | None]:
    """The encoder, opened beside. Compiling it waits until the index is known to be whole."""
    beside = ThreadPoolExecutor(1, thread_name_prefix="encoder")
    try:
        return beside.submit(open_compiled, settings.embedding, settings.home)
    finally:
        beside.shutdown(wait=False)


def open_index(
    settings: Settings, *, embedder: Embedder | None = None, exactly: bool = False, preload: bool = False
) -> Index:
    """The live index. Every plain file is compared with the manifest; encoder and store are opened on first use.

    `exactly`: search every vector and leave the store closed; for a single question that is faster than opening it.
    `preload`: load the encoder meanwhile.

    IndexMissingError where there is none, IndexDamagedError for a file that is not what was written, and
    IndexMismatchError for an index of another encoder or decision; each says what to run.
    """
    current = live_snapshot(settings)
    if current is None:
        raise IndexMissingError(f"there is no index yet in {settings.home}; run: whichway ingest")
    return Index(settings.home / "snapshots" / current, settings, embedder, exactly=exactly, preload=preload)


def live_snapshot(settings: Settings) -> str | None:
    """The id of the snapshot to read; None where there is none.

    With a Chroma server, its pointer names the snapshot, once that one's plain files are here.
    """
    current, _previous = read_current(settings.home)
    if settings.store.url == "local":
        return current
    pointed = store.pointed_on_server(settings.store.url)
    if pointed and (settings.home / "snapshots" / pointed / plain.MANIFEST).is_file():
        return pointed
    return current


class _Lease:
    def __init__(self, index: Index) -> None:
        self.index = index
        self.readers = 0
        self.left = False


class LiveIndex:
    """The live index for a process that serves: reopened when it changes, the one that is left closed when idle.

        with live.reading() as index: ...

    A new snapshot that cannot be opened is logged, and the one in use serves on. Safe to share between threads.
    """

    def __init__(self, settings: Settings, *, embedder: Embedder | None = None, exactly: bool = False) -> None:
        """`exactly`: as `open_index`."""
        self._settings = settings
        self._exactly = exactly
        self._embedder = embedder
        self._lock = threading.Lock()
        self._reopening = threading.Lock()
        self._lease: _Lease | None = None
        self._refused: tuple[str, ...] | None = None
        self._seen: object = None

    def current(self) -> Index:
        """The live index. It may be closed while it is held: then it still answers, searching exactly.

        Use `reading` to keep it open. Errors as `open_index`, where no index is open yet.
        """
        return self._fresh().index

    @contextlib.contextmanager
    def reading(self) -> Iterator[Index]:
        """The live index, kept open until the block ends."""
        while True:
            lease = self._fresh()
            with self._lock:
                if not lease.left:
                    lease.readers += 1
                    break
        try:
            yield lease.index
        finally:
            with self._lock:
                lease.readers -= 1
                close = lease.left and lease.readers == 0
            if close:
                lease.index.close()

    def close(self) -> None:
        """Closes the index once its readers are done. A later use opens it again."""
        with self._lock:
            lease, self._lease, self._seen = self._lease, None, None
        self._leave(lease)

    def _fresh(self) -> _Lease:
        lease = self._lease
        mark = self._mark()
        if lease is not None and mark == self._seen:
            return lease
        # One thread reopens; the others go on with the one there is, and wait only for the first.
        if not self._reopening.acquire(blocking=lease is None):
            assert lease is not None
            return lease
        try:
            lease = self._lease
            if lease is None or mark != self._seen:
                lease = self._reopen(lease, mark)
            return lease
        finally:
            self._reopening.release()

    def _reopen(self, lease: _Lease | None, mark: object) -> _Lease:
        try:
            id_ = live_snapshot(self._settings)
            if lease is not None and id_ == lease.index.snapshot_id:
                self._seen = mark
                return lease
            index = open_index(self._settings, embedder=self._embedder, exactly=self._exactly, preload=True)
            index.warm()
            self._embedder = index.embedder
        except (IndexMissingError, IndexDamagedError, IndexMismatchError, store.StoreError) as error:
            if lease is None:
                raise
            log.error("%s; still serving snapshot %s", error, lease.index.snapshot_id)
            self._seen = mark
            return lease
        fresh = _Lease(index)
        with self._lock:
            self._lease, self._seen = fresh, mark
        log.info("serving snapshot %s", index.snapshot_id)
        self._leave(lease)
        return fresh

    def _leave(self, lease: _Lease | None) -> None:
        if lease is None:
            return
        with self._lock:
            lease.left = True
            close = lease.readers == 0
        if close:
            lease.index.close()

    def _mark(self) -> object:
        """Changes when the live snapshot may have: a stat call, and every few seconds where a server is asked."""
        try:
            found = (self._settings.home / "CURRENT").stat()
            mark: tuple[object, ...] = (found.st_ino, found.st_mtime_ns, found.st_size)
        except OSError:
            mark = ()
        return mark if self._settings.store.url == "local" else (*mark, int(time.monotonic() / _SERVER_SECONDS))
