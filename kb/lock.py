"""One writer a home: an exclusive lock that says who holds it."""

import contextlib
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from kb.errors import LockedError, WhichwayError
from kb.files import write_atomically

_LOCK = "writing.lock"
_OWNER = "writing.json"


@contextlib.contextmanager
def writing(home: Path) -> Iterator[None]:
    """Holds the home's lock; the system frees it when the process dies, however it dies.

    LockedError, naming the process and since when, where another one holds it; WhichwayError where the home cannot
    be written.
    """
    from filelock import FileLock, Timeout

    try:
        home.mkdir(parents=True, exist_ok=True)
        # The system's own lock only: filelock's soft one would outlive a killed process.
        lock = FileLock(home / _LOCK, timeout=0, fallback_to_soft=False, preserve_lock_file=True)
        lock.acquire()
    except Timeout:
        raise LockedError(
            f"another whichway is writing to {home}{_owner(home)}; wait for it, then run it again"
        ) from None
    except (OSError, NotImplementedError) as error:
        raise WhichwayError(f"cannot write to the home {home}: {error}; name another one with --home") from None
    try:
        with contextlib.suppress(OSError):  # who holds it is for the reader's comfort
            owner = {"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
            write_atomically(home / _OWNER, json.dumps(owner).encode())
        yield
    finally:
        with contextlib.suppress(OSError):
            (home / _OWNER).unlink(missing_ok=True)
        lock.release()


def _owner(home: Path) -> str:
    try:
        owner = json.loads((home / _OWNER).read_text(encoding="utf-8"))
        return f" (process {owner['pid']}, since {owner['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
