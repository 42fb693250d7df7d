"""Verifies a snapshot as a reader would find it, in a process of its own.

That process is `python -m kb.verify_snapshot`, with the snapshot's folder on standard input.
"""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from kb import lexical, plain, store
from kb.embedders import child_environment
from kb.errors import IndexDamagedError, WhichwayError

_VERIFY_SECONDS = 600


def verify(folder: Path) -> None:
    """Reads a snapshot as a reader would and asks it for what it holds. IndexDamagedError where an answer is wrong."""
    manifest = plain.read_manifest(folder)
    files = plain.read_checked(folder, manifest)
    chunks = plain.decode_chunks(files["chunks.jsonl"])
    statements = plain.decode_statements(files["statements.jsonl"].splitlines())
    documents, sections = (
        plain.decode_documents(files["documents.jsonl"]),
        plain.decode_sections(files["sections.jsonl"]),
    )
    records = {"documents": documents, "sections": sections, "chunks": chunks, "statements": statements}
    for name, found in records.items():
        if len(found) != manifest["counts"][name]:
            raise IndexDamagedError(f"the new snapshot holds {len(found)} {name}, not {manifest['counts'][name]}")
    vectors = plain.array_from(files["vectors.npy"])
    words = lexical.LexicalIndex.load(folder / "lexical" / "chunks")
    if len(vectors) != len(chunks) or words.rows != len(chunks):
        raise IndexDamagedError("the new snapshot's vectors and words do not match its chunks")
    if not chunks:
        return
    opened = store.open_local(folder / "chroma")
    try:
        if opened.count() != len(chunks):
            raise IndexDamagedError(f"the new snapshot's store holds {opened.count()} of {len(chunks)} chunks")
        rows = range(0, len(chunks), max(1, len(chunks) // 20))
        for row, held in zip(rows, opened.vectors([chunks[row].chunk.id for row in rows]), strict=True):
            if not store.same(held, vectors[row]):
                raise IndexDamagedError(f"the new snapshot's store holds chunk {chunks[row].chunk.id} wrongly")
        if not opened.nearest(vectors[0], 1):
            raise IndexDamagedError("the new snapshot's store finds nothing")
    finally:
        opened.close()


@contextlib.contextmanager
def verifier() -> Iterator[Callable[[Path], None]]:
    """Verifies a folder in a fresh process, which starts at once: Chroma takes it a second to load."""
    command = [sys.executable, "-m", "kb.verify_snapshot"]
    with subprocess.Popen(
        command,
        env=child_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:

        def verify_apart(folder: Path) -> None:
            try:
                _, said = child.communicate(str(folder), timeout=_VERIFY_SECONDS)
            except subprocess.TimeoutExpired:
                raise WhichwayError("verifying the new snapshot took too long; the index in use is unchanged") from None
            if child.returncode != 0:
                last = (said.strip() or f"exit code {child.returncode}").splitlines()[-1]
                raise WhichwayError(f"the new snapshot failed its verification, the index in use is unchanged: {last}")

        try:
            yield verify_apart
        finally:
            if child.poll() is None:
                child.kill()


def main() -> int:
    """0 where the snapshot is whole, or none is named; 1 with a line on standard error where it is not."""
    store.load()
    folder = sys.stdin.read()
    try:
        if folder:
            verify(Path(folder))
    except (WhichwayError, OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
