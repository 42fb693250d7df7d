"""Runs `whichway` in this process as the console script would, and says how it ended."""

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass

from kb.cli import main


@dataclass(frozen=True, slots=True)
class Done:
    """A finished command: exit code, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line that the command ended with, after `whichway: `."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("whichway: "), self.err
        return lines[0].removeprefix("whichway: ")


def whichway(*args: object, stdin: str | bytes = "") -> Done:
    """Run one command with this standard input."""
    out, err = io.StringIO(), io.StringIO()
    with _command_line(args, stdin), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 0
    return Done(code, out.getvalue(), err.getvalue())


@contextmanager
def _command_line(args: tuple[object, ...], stdin: str | bytes) -> Iterator[None]:
    argv, given, handlers = sys.argv, sys.stdin, logging.getLogger().handlers[:]
    data = stdin.encode() if isinstance(stdin, str) else stdin
    sys.argv, sys.stdin = ["whichway", *map(str, args)], io.TextIOWrapper(io.BytesIO(data), encoding="utf-8")
    try:
        yield
    finally:
        sys.argv, sys.stdin = argv, given
        logging.getLogger().handlers[:] = handlers
