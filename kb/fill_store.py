"""Fills a snapshot's vector store in a process of its own, beside the rest of its writing.

That process is `python -m kb.fill_store`: a line with the snapshot's folder on standard input, a line with how its
chunks are to be found on standard output. It does not outlive a run that is killed.
"""

import contextlib
import ctypes
import logging
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from kb import plain, store
from kb.embedders import child_environment
from kb.errors import WhichwayError

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1

Filling = Callable[[], str]
"""Waits for the store that is being filled. WhichwayError where it cannot be."""


def fill(folder: Path) -> str:
    """Makes `chroma/` from the snapshot's plain files; how chunks are to be found.

    By the `store`, or `exact`, by comparing all, where the store loses some.
    """
    ids = [each.chunk.id for each in plain.decode_chunks((folder / "chunks.jsonl").read_bytes())]
    vectors = plain.array_from((folder / "vectors.npy").read_bytes())
    store.fill_local(folder / "chroma", ids, vectors)
    with contextlib.closing(store.open_local(folder / "chroma")) as opened:
        return "store" if opened.finds(vectors, ids) else "exact"


@contextlib.contextmanager
def filler() -> Iterator[Callable[[Path], Filling]]:
    """Fills the store of a folder in a fresh process, which starts at once: Chroma takes it a second to load."""
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            [sys.executable, "-m", "kb.fill_store"],
            env=child_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        ) as child,
    ):
        told, heard = child.stdin, child.stdout
        assert told is not None and heard is not None

        def fill_beside(folder: Path) -> Filling:
            with contextlib.suppress(BrokenPipeError):  # it ended already: what it said is read below
                told.write(f"{folder.resolve()}\n")
                told.flush()
            return filled

        def filled() -> str:
            found = heard.read()
            if child.wait() != 0 or not found:
                complaints.seek(0)
                last = (complaints.read().strip() or f"exit code {child.returncode}").splitlines()[-1]
                raise WhichwayError(f"filling the vector store failed, the index in use is unchanged: {last}")
            if found.strip() == "exact":
                log.warning("very many passages are nearly the same; every question is compared with all of them")
            return found.strip()

        try:
            yield fill_beside
        finally:
            if child.poll() is None:
                child.kill()
            with contextlib.suppress(BrokenPipeError):  # what it never read is still to be written
                told.close()


def main() -> int:
    """0 where the store was filled, or no folder is named; 1 with a line on standard error where it was not."""
    _end_with_the_writer()
    store.load()
    folder = sys.stdin.readline().rstrip("\n")
    if not folder:
        return 0
    try:
        sys.stdout.write(f"{fill(Path(folder))}\n")
    except (WhichwayError, OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _end_with_the_writer() -> None:
    """Linux ends this process with the thread that started it; elsewhere it ends by itself, once it is done."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
