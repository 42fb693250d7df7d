"""What a day of the chat model has cost in tokens, and the replies it has given: one SQLite file in the home."""

import hashlib
import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

log = logging.getLogger(__name__)

FILE = "model.sqlite3"
KEPT = 2000
"""Replies kept; the oldest go first."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS usage (day TEXT PRIMARY KEY, tokens INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, at TEXT NOT NULL, body TEXT NOT NULL);
"""


class Ledger:
    """Shared by the threads and processes of one home. Where the home cannot be written it lives in memory."""

    def __init__(self, home: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._path: Path | None = home / FILE
        self._lock = threading.Lock()
        self._spent: dict[str, int] = {}
        self._replies: dict[str, str] = {}
        try:
            home.mkdir(parents=True, exist_ok=True)
            with self._lock, closing(self._connect()) as base, base:
                base.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            self._leave(error)

    def spent_today(self) -> int:
        """Tokens of this day (UTC), questions and answers together."""
        day = self._day()
        with self._lock:
            if self._path is not None:
                try:
                    with closing(self._connect()) as base:
                        row = base.execute("SELECT tokens FROM usage WHERE day = ?", (day,)).fetchone()
                    return int(row[0]) if row else 0
                except sqlite3.Error as error:
                    self._leave(error)
            return self._spent.get(day, 0)

    def take(self, tokens: int, limit: int) -> bool:
        """Adds to this day before they are spent. False, and nothing added, where the day would go over `limit`."""
        day = self._day()
        with self._lock:
            if self._path is not None:
                try:
                    with closing(self._connect()) as base, base:
                        base.execute("INSERT OR IGNORE INTO usage VALUES (?, 0)", (day,))
                        taken = base.execute(
                            "UPDATE usage SET tokens = tokens + ? WHERE day = ? AND tokens + ? <= ?",
                            (tokens, day, tokens, limit),
                        )
                        return taken.rowcount == 1
                except sqlite3.Error as error:
                    self._leave(error)
            if self._spent.get(day, 0) + tokens > limit:
                return False
            self._spent[day] = self._spent.get(day, 0) + tokens
            return True

    def give_back(self, tokens: int) -> None:
        """Takes from this day what was not spent after all; adds what was spent on top, where it is negative."""
        day = self._day()
        with self._lock:
            if self._path is not None:
                try:
                    with closing(self._connect()) as base, base:
                        base.execute("UPDATE usage SET tokens = max(tokens - ?, 0) WHERE day = ?", (tokens, day))
                    return
                except sqlite3.Error as error:
                    self._leave(error)
            self._spent[day] = max(self._spent.get(day, 0) - tokens, 0)

    def reply(self, key: str) -> str | None:
        """The reply kept under a key; None: there is none."""
        with self._lock:
            if self._path is not None:
                try:
                    with closing(self._connect()) as base:
                        row = base.execute("SELECT body FROM replies WHERE key = ?", (key,)).fetchone()
                    return str(row[0]) if row else None
                except sqlite3.Error as error:
                    self._leave(error)
            return self._replies.get(key)

    def keep(self, key: str, body: str) -> None:
        """Keeps a reply, and lets the oldest go."""
        with self._lock:
            if self._path is not None:
                try:
                    with closing(self._connect()) as base, base:
                        base.execute(
                            "INSERT OR REPLACE INTO replies VALUES (?, ?, ?)", (key, self._now().isoformat(), body)
                        )
                        base.execute(
                            "DELETE FROM replies WHERE key NOT IN (SELECT key FROM replies ORDER BY at DESC LIMIT ?)",
                            (KEPT,),
                        )
                    return
                except sqlite3.Error as error:
                    self._leave(error)
            self._replies[key] = body
            while len(self._replies) > KEPT:
                self._replies.pop(next(iter(self._replies)))

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(str(self._path), timeout=5)

    def _leave(self, error: Exception) -> None:
        log.warning("the model's ledger cannot be kept in the home (%s): in memory from now on", error)
        self._path = None

    def _day(self) -> str:
        return self._now().date().isoformat()


def key_of(*parts: str) -> str:
    """The key of a reply: a hash of all that it depends on."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def spent_today(home: Path) -> int:
    """The tokens of this day in a home's ledger, which is not made where there is none."""
    return Ledger(home).spent_today() if (home / FILE).exists() else 0
