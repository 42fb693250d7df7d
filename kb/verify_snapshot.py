"""Verifies a snapshot in a process of its own: `python -m kb.verify_snapshot`, with its folder on standard input."""

import sys
from pathlib import Path

from kb import store
from kb.errors import WhichwayError
from kb.snapshots import verify


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
