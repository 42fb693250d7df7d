"""How one host is treated: how many requests at once, how far apart, and when to leave it alone."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT = 120.0
"""Seconds: a host that asks to be left alone for longer is left alone for this run."""

LONGEST_DELAY = 30.0
_GIVE_UP_AFTER = 3


@dataclass(frozen=True, slots=True)
class Clock:
    """Time that never jumps, in seconds, and a way to let it pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep


class Host:
    """Turns at one host. Safe to share between threads."""

    def __init__(self, *, delay: float, at_once: int, clock: Clock) -> None:
        self._delay = delay
        self._turns = threading.BoundedSemaphore(at_once)
        self._clock = clock
        self._lock = threading.Lock()
        self._next = clock.now()
        self._failed = 0
        self.left_alone: str | None = None
        """Why nothing more is asked of this host in this run; None: it may be asked."""

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Waits for a turn and holds it."""
        with self._turns:
            with self._lock:
                now = self._clock.now()
                start = max(now, self._next)
                self._next = start + self._delay
            if start > now:
                self._clock.sleep(start - now)
            yield

    def slow_down(self, delay: float) -> None:
        """Keep at least `delay` seconds between requests, as its robots.txt asks; at most LONGEST_DELAY."""
        with self._lock:
            self._delay = max(self._delay, min(delay, LONGEST_DELAY))

    def back_off(self, seconds: float) -> None:
        """Ask nothing for so long."""
        with self._lock:
            self._next = max(self._next, self._clock.now() + seconds)

    def answered(self) -> None:
        """It works."""
        with self._lock:
            self._failed = 0

    def gave_up(self, reason: str) -> None:
        """A page failed for good; after three in a row the host is left alone."""
        with self._lock:
            self._failed += 1
            if self._failed >= _GIVE_UP_AFTER:
                self.left_alone = reason


def wait_of(retry_after: str, date: str = "") -> float | None:
    """The seconds that a Retry-After header asks for; None where it asks for nothing that can be read.

    A date is measured against the server's own `date`, so that a wrong clock here does not matter.
    """
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
        now = parsedate_to_datetime(date) if date else datetime.now(UTC)
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return None
