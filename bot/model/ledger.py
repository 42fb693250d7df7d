"""What a day of the chat model has cost in tokens, and the replies it has given: one SQLite file in the home."""

import hashlib
import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

log = logging.getLogger(__name__)

FILE = "model.sqlite3"
KEPT = 2000
"""Replies kept; the oldest go first."""
WAIT_SECONDS, AGAIN_SECONDS = 5.0, 0.2
"""How long a call waits for a file that another holds, and where the last call waited in vain."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS usage (day TEXT PRIMARY KEY, tokens INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, at TEXT NOT NULL, body TEXT NOT NULL);
"""

_Result = TypeVar("_Result")


class Ledger:
    """Shared by the threads and processes of one home. While its file cannot be had it goes on in memory.

    Every call tries the file again; what it was not told is added to it then, so that a day's count never starts anew.
    """

    def __init__(self, home: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._path = home / FILE
        self._lock = threading.Lock()
        self._away = False
        self._seen: dict[str, int] = {}
        self._owed: dict[str, int] = {}
        self._replies: dict[str, str] = {}
        self.spent_today()

    def spent_today(self) -> int:
        """Tokens of this day (UTC), questions and answers together."""
        day = self._day()
        with self._lock:
            seen = self._in_file(lambda base: _tokens(base, day))
            if seen is not None:
                self._seen[day] = seen
            return self._spent(day)

    def take(self, tokens: int, limit: int) -> bool:
        """Adds to this day before they are spent. False, and nothing added, where the day would go over `limit`."""
        day = self._day()
        with self._lock:
            taken = self._booked(day, tokens, limit)
            if taken is None:
                taken = self._spent(day) + tokens <= limit
                if taken:
                    self._owed[day] = self._owed.get(day, 0) + tokens
            return taken

    def give_back(self, tokens: int) -> None:
        """Takes from this day what was not spent after all; adds what was spent on top, where it is negative."""
        day = self._day()
        with self._lock:
            if self._booked(day, -tokens) is None:
                self._owed[day] = max(self._owed.get(day, 0) - tokens, -self._seen.get(day, 0))

    def reply(self, key: str) -> str | None:
        """The reply kept under a key; None: there is none."""
        with self._lock:
            return self._in_file(lambda base: _reply(base, key)) or self._replies.get(key)

    def keep(self, key: str, body: str) -> None:
        """Keeps a reply, and lets the oldest go."""
        at = self._now().isoformat()
        with self._lock:
            if self._in_file(lambda base: _keep(base, key, at, body)):
                return
            self._replies[key] = body
            while len(self._replies) > KEPT:
                self._replies.pop(next(iter(self._replies)))

    def _booked(self, day: str, tokens: int, limit: int | None = None) -> bool | None:
        """Adds to a day in the file, after all that the file was not told. False: over the limit; None: no file."""

        def book(base: sqlite3.Connection) -> tuple[bool, int]:
            base.execute("BEGIN IMMEDIATE")
            for owing, owed in self._owed.items():
                _add(base, owing, owed)
            fits = limit is None or _tokens(base, day) + tokens <= limit
            if fits:
                _add(base, day, tokens)
            return fits, _tokens(base, day)

        booked = self._in_file(book)
        if booked is None:
            return None
        fits, seen = booked
        self._seen, self._owed = {day: seen}, {}
        if self._away:
            log.info("the model's ledger is kept in the home again")
            self._away = False
        return fits

    def _spent(self, day: str) -> int:
        return max(self._seen.get(day, 0) + self._owed.get(day, 0), 0)

    def _in_file(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result | None:
        """What `work` gives over the file, which is changed by all of it or by nothing; None where it cannot be had."""
        wait = AGAIN_SECONDS if self._away else WAIT_SECONDS
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=wait)) as base, base:
                base.executescript(_SCHEMA)
                return work(base)
        except (OSError, sqlite3.Error) as error:
            if not self._away:
                log.warning("the model's ledger cannot be kept in the home (%s): in memory until it can", error)
            self._away = True
            return None

    def _day(self) -> str:
        return self._now().date().isoformat()


def _tokens(base: sqlite3.Connection, day: str) -> int:
    row = base.execute("SELECT tokens FROM usage WHERE day = ?", (day,)).fetchone()
    return int(row[0]) if row else 0


def _reply(base: sqlite3.Connection, key: str) -> str | None:
    row = base.execute("SELECT body FROM replies WHERE key = ?", (key,)).fetchone()
    return str(row[0]) if row else None


def _keep(base: sqlite3.Connection, key: str, at: str, body: str) -> bool:
    base.execute("INSERT OR REPLACE INTO replies VALUES (?, ?, ?)", (key, at, body))
    base.execute(
        "DELETE FROM replies WHERE key NOT IN (SELECT key FROM replies ORDER BY at DESC LIMIT ?)",
        (KEPT,),
    )
    return True


def _add(base: sqlite3.Connection, day: str, tokens: int) -> None:
    base.execute("INSERT OR IGNORE INTO usage VALUES (?, 0)", (day,))
    base.execute("UPDATE usage SET tokens = max(tokens + ?, 0) WHERE day = ?", (tokens, day))


def key_of(*parts: str) -> str:
    """The key of a reply: a hash of all that it depends on."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def spent_today(home: Path) -> int:
    """The tokens of this day in a home's ledger, which is not made where there is none."""
    return Ledger(home).spent_today() if (home / FILE).exists() else 0
