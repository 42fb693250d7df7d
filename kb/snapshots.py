"""Writes an index as a snapshot: built aside, verified in a fresh process, renamed, then made live in one step.

    <home>/CURRENT                    two lines: the live snapshot, the one before it
    <home>/snapshots/<id>/            plain files, `chroma/` (a disposable view), `manifest.json`
    <home>/snapshots/<id>.building/   a run that is under way, or that died

A process killed at any step leaves the old snapshot live and whole.
"""

import contextlib
import errno
import logging
import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from kb import lexical, plain, store
from kb.embedders import Embedder, Vector
from kb.encoder_process import embed_all
from kb.errors import IndexDamagedError, IndexMissingError, WhichwayError
from kb.files import sync_folder, sync_tree, write_atomically, write_durably
from kb.fill_store import Filling, filler
from kb.lock import writing
from kb.matching import Matcher
from kb.records import Corpus, Statement
from kb.settings import Settings
from kb.vector_cache import indexed_text
from kb.verify_snapshot import verifier

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""Called with the stage, how much of it is done, and of how much."""

STEPS = (
    "locked",
    "embedded",
    "folder",
    "plain",
    "vectors",
    "lexical",
    "chroma",
    "manifest",
    "verified",
    "renamed",
    "pointed",
    "current",
    "collected",
)
"""The steps of a run. WHICHWAY_FAILPOINT=<step> makes the process kill itself there: how the tests break it."""

EMBEDDED_STATEMENTS = 20_000
"""At most so many statements have vectors of their own: those that weigh the options, guides first."""

_ID = re.compile(r"[0-9a-f]{16}")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class SnapshotInfo:
    """A snapshot that is live now. `created` is False where its content was there already."""

    id: str
    created: bool
    path: Path


@dataclass(frozen=True, slots=True)
class Helpers:
    """The processes that fill the vector store of a snapshot's folder and verify it: each does it once."""

    fill_beside: Callable[[Path], Filling]
    verify_apart: Callable[[Path], None]


@contextlib.contextmanager
def started() -> Iterator[Helpers]:
    """Helpers that start at once, as Chroma takes each a second to load; they end with the block."""
    with filler() as fill_beside, verifier() as verify_apart:
        yield Helpers(fill_beside, verify_apart)


def write_snapshot(
    corpus: Corpus,
    *,
    settings: Settings,
    embedder: Embedder,
    made: Mapping[str, str],
    progress: Progress | None = None,
    held: bool = False,
    helpers: Helpers | None = None,
) -> SnapshotInfo:
    """Makes the corpus the live index. `made` names the versions of what made it (chunker, readers).

    `held`: the caller holds the home's lock. `helpers`: those that the caller has started already.

    The id is a hash of the content: the same content makes no new snapshot. LockedError where another process
    writes; WhichwayError for a full disk, a home that cannot be written, or a snapshot that fails its verification:
    the index in use stays as it was.
    """
    home = settings.home
    with nullcontext() if held else writing(home), _one_line(home):
        _reach("locked")
        _collect(home, keep=read_current(home), leftovers=True)
        corpus = plain.in_stored_order(corpus)
        files = plain.encode(corpus)
        chosen = _weighing(corpus)
        matcher = Matcher(settings.decision.options)
        weighing = [matcher.text(corpus.statements[row]) for row in chosen]
        id_ = plain.content_id(
            files,
            embedded=weighing,
            embedder=embedder.name,
            made=dict(made),
            decision=settings.decision_fingerprint(),
            lexical=lexical.VERSION,
        )
        folder = home / "snapshots" / id_
        whole = _whole(folder)
        if not whole:
            with nullcontext(helpers) if helpers else started() as ready:
                vectors, statement_vectors = _embed(corpus, weighing, settings, embedder, progress)
                _reach("embedded")
                files |= {
                    "vectors.npy": plain.array_bytes(vectors),
                    "statement_vectors.npy": plain.array_bytes(statement_vectors),
                    "statement_rows.npy": plain.array_bytes(np.asarray(chosen, dtype=np.int32)),
                }
                manifest = {
                    "format": plain.FORMAT,
                    "id": id_,
                    "sequence": 1 + max((m["sequence"] for m in _manifests(home)), default=0),
                    "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
                    "counts": {
                        "documents": len(corpus.documents),
                        "sections": len(corpus.sections),
                        "chunks": len(corpus.chunks),
                        "statements": len(corpus.statements),
                        "left_out": len(corpus.left_out),
                    },
                    "embedder": {
                        "name": embedder.name,
                        "dimension": embedder.dimension,
                        "max_tokens": embedder.max_tokens,
                    },
                    "made": dict(made),
                    "decision": settings.decision_fingerprint(),
                    "lexical": lexical.VERSION,
                }
                with _building(folder) as building:
                    _write(building, corpus, files, manifest, ready.fill_beside, progress)
                    ready.verify_apart(building)
        if settings.store.url != "local":
            _send(settings.store.url, folder, keep=_before(home, id_))
        _reach("pointed")
        _make_live(home, id_)
        _reach("current")
        _collect(home, keep=read_current(home), leftovers=False)
        _reach("collected")
        return SnapshotInfo(id_, not whole, folder)


def rollback(home: Path, *, store_url: str = "local") -> str:
    """Makes the previous snapshot live again, on its Chroma server too; a second time undoes the first. Its id.

    IndexMissingError where there is no previous one, IndexDamagedError where it is damaged.
    """
    with writing(home), _one_line(home):
        current, previous = read_current(home)
        if previous is None:
            raise IndexMissingError("there is no snapshot before this one to go back to; run: whichway ingest")
        folder = home / "snapshots" / previous
        plain.read_checked(folder, plain.read_manifest(folder))
        if store_url != "local":
            _send(store_url, folder, keep=current)
        _write_current(home, previous, current)
        return previous


def read_current(home: Path) -> tuple[str | None, str | None]:
    """The live snapshot and the one before it; None where there is none.

    A CURRENT that is torn or points nowhere gives the newest snapshot that is there.
    """
    try:
        lines = (home / "CURRENT").read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return None, None
    except OSError as error:
        raise WhichwayError(f"cannot read {home / 'CURRENT'}: {error.strerror}; check its permissions") from None
    snapshots = home / "snapshots"
    ids = [line for line in lines if _ID.fullmatch(line) and (snapshots / line / plain.MANIFEST).is_file()]
    whole = len(lines) == 3 and bool(_ID.fullmatch(lines[0]))
    if whole and ids and ids[0] == lines[0]:
        return ids[0], (ids[1] if len(ids) > 1 and ids[1] != ids[0] else None)
    newest = sorted(_manifests(home), key=lambda manifest: -int(manifest["sequence"]))
    if newest:
        log.warning("%s is damaged; using the newest snapshot, %s", home / "CURRENT", newest[0]["id"])
    found = [str(manifest["id"]) for manifest in newest[:2]] + [None, None]
    return found[0], found[1]


def _embed(
    corpus: Corpus, weighing: Sequence[str], settings: Settings, embedder: Embedder, progress: Progress | None
) -> tuple[Vector, Vector]:
    items = [*((chunk.context, chunk.text) for chunk in corpus.chunks), *(("", text) for text in weighing)]

    def stage(done: int, total: int) -> None:
        if progress:
            progress("embedding", done, total)

    vectors = embed_all(items, settings=settings, embedder=embedder, progress=stage)
    return vectors[: len(corpus.chunks)], vectors[len(corpus.chunks) :]


def _weighing(corpus: Corpus) -> list[int]:
    """Rows of the statements that have vectors: of guides, then of comparisons, that speak of an option.

    Where no document compares the options, all count as if they did.
    """
    standing = {document.id: document.standing for document in corpus.documents}

    def speaks(statement: Statement) -> bool:
        return statement.stance is not None or bool(statement.options)

    found: list[int] = []
    comparing = tuple(each for each in ("guide", "comparison") if each in standing.values())
    for wanted in comparing or ("reference",):
        found += [
            row for row, each in enumerate(corpus.statements) if standing[each.document_id] == wanted and speaks(each)
        ]
    return sorted(found[:EMBEDDED_STATEMENTS])


@contextlib.contextmanager
def _building(folder: Path) -> Iterator[Path]:
    """A folder to write a snapshot to, aside; it is renamed to `folder` once the block ends well, else removed."""
    building = folder.with_name(folder.name + ".building")
    if building.exists():  # renamed first: the verifying process of a run that was killed may still write to it
        building.rename(building.with_suffix(f".dead-{os.getpid()}"))
    building.mkdir(parents=True)
    try:
        yield building
        sync_tree(building)
        _reach("verified")
        _replace_folder(building, folder)
        _reach("renamed")
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _write(
    building: Path,
    corpus: Corpus,
    files: dict[str, bytes],
    manifest: dict[str, Any],
    fill_beside: Callable[[Path], Filling],
    progress: Progress | None,
) -> None:
    """The plain files, the word lists, the vector store, and the manifest last."""
    _reach("folder")
    for name, data in files.items():
        write_durably(building / name, data)
        _reach("vectors" if name == "statement_rows.npy" else "plain")
    if progress:
        progress("storing", 0, len(corpus.chunks))
    filled = fill_beside(building) if corpus.chunks else None
    texts = {
        "chunks": [chunk.indexed_text for chunk in corpus.chunks],
        "statements": [indexed_text(each.context, each.text) for each in corpus.statements],
    }
    for name, found in texts.items():
        lexical.LexicalIndex.build(found).save(building / "lexical" / name)
    _reach("lexical")
    if filled is not None:
        manifest["search"] = filled()
    if progress:
        progress("storing", len(corpus.chunks), len(corpus.chunks))
    _reach("chroma")
    words = {f"lexical/{p.parent.name}/{p.name}": p.read_bytes() for p in sorted(building.glob("lexical/*/*"))}
    manifest["files"] = {name: plain.describe(data) for name, data in (files | words).items()}
    write_durably(building / plain.MANIFEST, plain.seal(manifest))
    _reach("manifest")


def _send(url: str, folder: Path, *, keep: str | None) -> None:
    files = plain.read_checked(folder, plain.read_manifest(folder))
    chunks = [each.chunk for each in plain.decode_chunks(files["chunks.jsonl"])]
    store.fill_server(url, folder.name, [chunk.id for chunk in chunks], plain.array_from(files["vectors.npy"]))
    store.point_server(url, folder.name, keep=[keep] if keep else [])


def _make_live(home: Path, id_: str) -> None:
    _write_current(home, id_, _before(home, id_))


def _before(home: Path, id_: str) -> str | None:
    """The snapshot that a rollback goes back to once `id_` is live."""
    current, previous = read_current(home)
    return previous if current == id_ else current


def _write_current(home: Path, current: str, previous: str | None) -> None:
    data = f"{current}\n{previous or '-'}\n".encode()
    path = home / "CURRENT"
    if not path.is_file() or path.read_bytes() != data:
        write_atomically(path, data)


def _whole(folder: Path) -> bool:
    try:
        plain.read_checked(folder, plain.read_manifest(folder))
    except IndexDamagedError:
        return False
    return True


def _replace_folder(building: Path, folder: Path) -> None:
    aside = folder.with_name(f"{folder.name}.damaged")
    if folder.exists():  # only where it was found damaged
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
    building.rename(folder)
    sync_folder(folder.parent)


def _manifests(home: Path) -> Iterator[dict[str, Any]]:
    for path in sorted((home / "snapshots").glob(f"*/{plain.MANIFEST}")):
        if _ID.fullmatch(path.parent.name):
            with contextlib.suppress(IndexDamagedError):
                yield plain.read_manifest(path.parent)


def _collect(home: Path, *, keep: tuple[str | None, str | None], leftovers: bool) -> None:
    """Removes what dead runs left, or snapshots before the previous one. The lock is held: no run is under way."""
    for path in sorted((home / "snapshots").glob("*")):
        finished = _ID.fullmatch(path.name) is not None
        if (leftovers and not finished) or (not leftovers and finished and path.name not in keep):
            shutil.rmtree(path, ignore_errors=True)


def _reach(step: str) -> None:
    if os.environ.get("WHICHWAY_FAILPOINT") == step:
        os.kill(os.getpid(), signal.SIGKILL)


@contextlib.contextmanager
def _one_line(home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise WhichwayError(
                f"the disk with {home} is full; the index in use is unchanged: free some space, then run it again"
            ) from None
        raise WhichwayError(
            f"cannot write to the home {home}: {error.strerror or error}; the index in use is unchanged"
        ) from None
