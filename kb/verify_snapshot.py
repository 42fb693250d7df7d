"""Verifies a snapshot in a process of its own: run as `python -m kb.verify_snapshot FOLDER`."""

import sys
from pathlib import Path

from kb.errors import WhichwayError
from kb.snapshots import verify


def main(folder: str) -> int:
    """0 where the snapshot is whole; 1 with a line on standard error where it is not."""
    try:
        verify(Path(folder))
    except (WhichwayError, OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
