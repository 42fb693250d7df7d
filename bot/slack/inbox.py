"""What the bot must not forget: requests taken and done, open threads and what was said in them. One SQLite file."""

import json
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from bot.answer import Turn
from bot.slack.intake import Request

REMEMBER_EVENTS = 7 * 86400.0
REMEMBER_TURNS = 30 * 86400.0
TOO_LATE = 86400.0
"""Seconds after which an unfinished request is no longer answered."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, seen REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS requests (
    key TEXT PRIMARY KEY, body TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('waiting', 'claimed', 'done')),
    attempts INTEGER NOT NULL DEFAULT 0, posted TEXT NOT NULL DEFAULT '[]', received REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS unfinished ON requests (state) WHERE state <> 'done';
CREATE TABLE IF NOT EXISTS threads (
    lane TEXT PRIMARY KEY, open INTEGER NOT NULL, since REAL NOT NULL, changed REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS turns (
    lane TEXT NOT NULL, ts REAL NOT NULL, part INTEGER NOT NULL, role TEXT NOT NULL, content TEXT NOT NULL,
    said REAL NOT NULL, PRIMARY KEY (lane, ts, part)
) WITHOUT ROWID;
"""


class Inbox:
    """The store behind "at most once": a request is taken before it is acknowledged, and done when its reply stands.

    Safe to use from several threads; one process at a time.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._lock = threading.RLock()
        self._db.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing; waiting for the disk as well would cost 10 ms an acknowledgement.
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._db.close()

    def known(self, request: Request, event_id: str | None) -> bool:
        """Whether it was taken before, under this event id or for this message."""
        with self._lock:
            found = self._db.execute(
                "SELECT 1 FROM events WHERE id = ? UNION ALL SELECT 1 FROM requests WHERE key = ?",
                (event_id, request.key),
            ).fetchone()
        return found is not None

    def take(self, request: Request, event_id: str | None) -> bool:
        """Writes it down; False where it was known already. Opens or closes its thread to follow-ups."""
        now = time.time()
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            if event_id is not None:
                new = self._db.execute("INSERT OR IGNORE INTO events VALUES (?, ?)", (event_id, now))
                if not new.rowcount:
                    return False
            new = self._db.execute(
                "INSERT OR IGNORE INTO requests (key, body, state, received) VALUES (?, ?, 'waiting', ?)",
                (request.key, request.dumps(), now),
            )
            if not new.rowcount:
                return False
            if request.kind == "stop" or (request.kind == "question" and request.addressed):
                self._db.execute(
                    "INSERT INTO threads VALUES (?, ?, ?, ?) ON CONFLICT (lane) DO UPDATE SET open = excluded.open,"
                    " since = iif(open, min(since, excluded.since), excluded.since), changed = excluded.changed",
                    (request.lane, request.kind == "question", float(request.ts), now),
                )
        return True

    def claim(self, key: str) -> int:
        """Marks the beginning of an attempt and counts it; 1 for the first."""
        with self._lock, self._db:
            row = self._db.execute(
                "UPDATE requests SET state = 'claimed', attempts = attempts + 1 WHERE key = ? RETURNING attempts",
                (key,),
            ).fetchone()
        return int(row[0]) if row else 1

    def posted(self, key: str) -> list[str]:
        """Timestamps of the messages that its reply already consists of."""
        with self._lock:
            row = self._db.execute("SELECT posted FROM requests WHERE key = ?", (key,)).fetchone()
        return list(json.loads(row[0])) if row else []

    def record_posted(self, key: str, posted: Sequence[str]) -> None:
        """Remembers them, so that another attempt edits them."""
        with self._lock, self._db:
            self._db.execute("UPDATE requests SET posted = ? WHERE key = ?", (json.dumps(list(posted)), key))

    def is_reply(self, ts: str) -> bool:
        """Whether a message is known to belong to a reply."""
        with self._lock:
            row = self._db.execute(
                "SELECT 1 FROM requests, json_each(requests.posted) WHERE json_each.value = ? LIMIT 1", (ts,)
            ).fetchone()
        return row is not None

    def finish(self, key: str) -> None:
        """Done; what was asked is no longer kept with it."""
        with self._lock, self._db:
            self._db.execute("UPDATE requests SET state = 'done', body = '' WHERE key = ?", (key,))

    def unfinished(self) -> list[Request]:
        """What a stopped process left undone, oldest first; what is too old to answer is dropped."""
        with self._lock, self._db:
            self._db.execute(
                "UPDATE requests SET state = 'done', body = '' WHERE state <> 'done' AND received < ?",
                (time.time() - TOO_LATE,),
            )
            rows = self._db.execute("SELECT body FROM requests WHERE state <> 'done' ORDER BY received").fetchall()
        return [Request.loads(body) for (body,) in rows]

    def amend(self, request: Request) -> None:
        """Puts a changed request in place of the one with its key."""
        with self._lock, self._db:
            self._db.execute("UPDATE requests SET body = ? WHERE key = ?", (request.dumps(), request.key))

    def is_open(self, request: Request) -> bool:
        """Whether its thread was open to follow-ups when it was said."""
        with self._lock:
            row = self._db.execute(
                "SELECT 1 FROM threads WHERE lane = ? AND open AND since < ?", (request.lane, float(request.ts))
            ).fetchone()
        return row is not None

    def add_turns(self, lane: str, ts: str, turns: Sequence[Turn]) -> None:
        """Remembers what was said at `ts`: the question and its answer, or what stood there before us."""
        now = time.time()
        with self._lock, self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO turns VALUES (?, ?, ?, ?, ?, ?)",
                [(lane, float(ts), part, turn.role, turn.content, now) for part, turn in enumerate(turns)],
            )
            self._db.execute("UPDATE threads SET changed = ? WHERE lane = ?", (now, lane))

    def history(self, lane: str, before: str, *, limit: int = 20) -> tuple[Turn, ...]:
        """The last turns of the conversation that were said before `before`, oldest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT role, content FROM turns WHERE lane = ? AND ts < ? ORDER BY ts DESC, part DESC LIMIT ?",
                (lane, float(before), limit),
            ).fetchall()
        return tuple(Turn(role=role, content=content) for role, content in reversed(rows))

    def forget_old(self) -> None:
        """Drops what is past its time."""
        now = time.time()
        with self._lock, self._db:
            self._db.execute("DELETE FROM events WHERE seen < ?", (now - REMEMBER_EVENTS,))
            self._db.execute("DELETE FROM requests WHERE state = 'done' AND received < ?", (now - REMEMBER_EVENTS,))
            self._db.execute("DELETE FROM turns WHERE said < ?", (now - REMEMBER_TURNS,))
            self._db.execute("DELETE FROM threads WHERE changed < ?", (now - REMEMBER_TURNS,))
