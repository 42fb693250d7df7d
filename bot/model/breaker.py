"""Leaves a failing model alone for a while, so that readers do not wait for it again and again."""

import threading
import time
from collections.abc import Callable

from bot.model.failures import Kind, ModelFailedError

FAILURES = 3
PAUSE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 600.0

_NOT_THE_SERVICE: frozenset[Kind] = frozenset(("refused", "unsupported", "garbled", "empty"))
_AT_ONCE: frozenset[Kind] = frozenset(("unauthorised",))


class Breaker:
    """Opens after `FAILURES` faults of the service in a row, or one refusal of credentials; each time for longer.

    Once the pause is over one request is let through: it closes the breaker or opens it again.
    """

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._failures = 0
        self._pause = PAUSE_SECONDS
        self._until: float | None = None

    def check(self) -> None:
        """ModelFailedError `paused` while it is open; the first caller after the pause goes through."""
        with self._lock:
            if self._until is None:
                return
            if self._now() < self._until:
                raise ModelFailedError("paused")
            # The others wait for what this one finds out.
            self._until = self._now() + self._pause

    def succeeded(self) -> None:
        """The model answered."""
        with self._lock:
            self._failures, self._pause, self._until = 0, PAUSE_SECONDS, None

    def failed(self, kind: Kind) -> None:
        """The model did not answer."""
        with self._lock:
            if kind == "paused":
                return
            if kind in _NOT_THE_SERVICE:
                # The service works: what it said was of no use.
                self._failures, self._pause, self._until = 0, PAUSE_SECONDS, None
                return
            self._failures += 1
            if self._failures >= FAILURES or kind in _AT_ONCE or self._until is not None:
                self._until = self._now() + self._pause
                self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
