"""How many questions are taken in a minute, from one person and from all."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

WINDOW = 60.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Not now: in how many seconds, whose limit it was, and whether the person has still to be told."""

    seconds: int
    whose: str
    tell: bool


class Limits:
    """A sliding minute a person and one for everybody. A refused question does not count."""

    def __init__(self, *, per_user: int, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_user, self._per_minute, self._clock = per_user, per_minute, clock
        self._all: deque[float] = deque()
        self._users: dict[str, deque[float]] = {}
        self._told: dict[str, float] = {}
        self._lock = threading.Lock()

    def admit(self, user: str) -> Refusal | None:
        """None: taken. A person is told once a minute that they have to wait."""
        with self._lock:
            now = self._clock()
            self._forget(now - WINDOW)
            mine = self._users.get(user, deque())
            if len(mine) >= self._per_user:
                return self._refuse(user, mine[0], now, "you")
            if len(self._all) >= self._per_minute:
                return self._refuse(user, self._all[0], now, "all")
            self._users.setdefault(user, mine).append(now)
            self._all.append(now)
            return None

    def _refuse(self, user: str, oldest: float, now: float, whose: str) -> Refusal:
        tell = user not in self._told
        if tell:
            self._told[user] = now
        return Refusal(max(1, math.ceil(oldest + WINDOW - now)), whose, tell)

    def _forget(self, before: float) -> None:
        for times in (self._all, *self._users.values()):
            while times and times[0] <= before:
                times.popleft()
        self._users = {user: times for user, times in self._users.items() if times}
        self._told = {user: when for user, when in self._told.items() if when > before}
