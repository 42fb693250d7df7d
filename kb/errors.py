"""The errors that a user can meet: one line each, naming the thing and the next command.

The command line catches `WhichwayError` alone; any other exception is a bug and shows its traceback.
"""


class WhichwayError(Exception):
    """The work failed; the message is one line for the user. Exit code 1."""

    exit_code = 1


class UsageError(WhichwayError):
    """Wrong usage or configuration. Exit code 2."""

    exit_code = 2


class SourceError(WhichwayError):
    """A source could not be read; the others still can."""


class IndexMissingError(WhichwayError):
    """There is no index yet."""


class IndexDamagedError(WhichwayError):
    """A plain file of the snapshot does not match its manifest."""


class IndexMismatchError(UsageError):
    """The index was made by another model or for another decision."""


class LockedError(WhichwayError):
    """Another process is writing to this home."""
