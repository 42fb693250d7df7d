"""Keeps answers with the text of each cited section, feedback, and the turns of conversations.

One SQLite file in write-ahead mode: a kill at any moment loses at most what was being written, and several
processes may use it at once. Where the home cannot be written, answers live in memory until the process ends and
`notice` says so.
"""

import hashlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from bot.answer import Answer, Turn
from kb.errors import WhichwayError

log = logging.getLogger(__name__)

FILE = "answers.sqlite3"

Opinion = Literal["up", "down"]
Channel = Literal["browser", "slack", "api", "cli", "mcp"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
  id TEXT PRIMARY KEY, at TEXT NOT NULL, channel TEXT NOT NULL, question TEXT NOT NULL, kind TEXT NOT NULL,
  choice TEXT, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS answers_at ON answers (at);
CREATE TABLE IF NOT EXISTS texts (hash TEXT PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS cited (
  answer TEXT NOT NULL REFERENCES answers (id), section TEXT NOT NULL, hash TEXT NOT NULL REFERENCES texts (hash),
  PRIMARY KEY (answer, section)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS feedback (
  answer TEXT NOT NULL REFERENCES answers (id), channel TEXT NOT NULL, who TEXT NOT NULL,
  opinion TEXT NOT NULL CHECK (opinion IN ('up', 'down')), comment TEXT NOT NULL, at TEXT NOT NULL,
  PRIMARY KEY (answer, channel, who)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS turns (
  conversation TEXT NOT NULL, n INTEGER NOT NULL, role TEXT NOT NULL, content TEXT NOT NULL, answer TEXT, at TEXT,
  PRIMARY KEY (conversation, n)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one person thinks of one answer. `who` is a hash or a random id, never a name; `at` is ISO, UTC."""

    answer_id: str
    opinion: Opinion
    comment: str
    channel: str
    who: str
    at: str


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer with the time it was kept (ISO, UTC), the channel it went to, and what people thought of it."""

    answer: Answer
    at: str
    channel: str
    feedback: tuple[Feedback, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """One message of a conversation; `answer_id` is the answer it showed, None for a question."""

    turn: Turn
    answer_id: str | None


class AnswerStore:
    """The file `answers.sqlite3` of a home folder. Safe to share between threads; nothing is written on opening."""

    def __init__(self, home: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.path = home / FILE
        self.notice: str | None = None
        """Why answers are not kept, in one sentence; None: they are."""
        self._now = now
        self._lock = threading.RLock()
        self._file: sqlite3.Connection | None = None
        self._spare: sqlite3.Connection | None = None

    def save_answer(self, answer: Answer, section_texts: Mapping[str, str], *, channel: Channel = "api") -> bool:
        """Keeps an answer and the text of its cited sections (section id to text). False: only until the end."""
        wanted = {citation.section_id for citation in answer.citations}
        texts = {section: section_texts[section] for section in sorted(wanted) if section in section_texts}
        at, body = self._stamp(), answer.model_dump_json()

        def write(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)",
                (answer.id, at, channel, answer.question, answer.kind, answer.verdict.choice, body),
            )
            for section, text in texts.items():
                digest = hashlib.sha256(text.encode()).hexdigest()[:32]
                db.execute("INSERT OR IGNORE INTO texts VALUES (?, ?)", (digest, text))
                db.execute("INSERT OR REPLACE INTO cited VALUES (?, ?, ?)", (answer.id, section, digest))

        return self._write(write)

    def answer(self, answer_id: str) -> Answer | None:
        """The answer with this id, None where there is none."""
        stored = self.stored(answer_id)
        return stored.answer if stored else None

    def stored(self, answer_id: str) -> Stored | None:
        """The answer with its time, channel and feedback; None where there is none."""
        for row in self._read("SELECT id, at, channel, body FROM answers WHERE id = ?", (answer_id,)):
            return self._stored(row)
        return None

    def section_text(self, answer_id: str, n: int) -> str | None:
        """The text of the section that citation `n` of an answer quotes, as it was then; None: not kept."""
        answer = self.answer(answer_id)
        sections = [citation.section_id for citation in answer.citations if citation.n == n] if answer else []
        for section in sections:
            query = "SELECT text FROM cited JOIN texts USING (hash) WHERE answer = ? AND section = ?"
            for (text,) in self._read(query, (answer_id, section)):
                return str(text)
        return None

    def resting_on(self, wanted: Callable[[str], bool]) -> tuple[str, ...]:
        """The ids of answers that cite a section whose id is `wanted`, oldest first."""
        rows = self._read(
            "SELECT answer, section FROM cited JOIN answers ON answers.id = answer ORDER BY at, answer", ()
        )
        return tuple(dict.fromkeys(answer for answer, section in rows if wanted(section)))

    def recent(
        self, limit: int = 50, *, opinion: Opinion | None = None, channel: Channel | None = None
    ) -> tuple[Stored, ...]:
        """The newest answers first; with `opinion`, those that somebody judged so."""
        query = "SELECT id, at, channel, body FROM answers a WHERE (? IS NULL OR channel = ?)"
        query += " AND (? IS NULL OR EXISTS (SELECT 1 FROM feedback f WHERE f.answer = a.id AND f.opinion = ?))"
        rows = self._read(f"{query} ORDER BY at DESC, id LIMIT ?", (channel, channel, opinion, opinion, limit))
        found = {row[0]: self._stored(row) for row in rows}
        return tuple(sorted(found.values(), key=lambda stored: stored.at, reverse=True)[:limit])

    def add_feedback(
        self, answer_id: str, opinion: Opinion, *, comment: str = "", channel: Channel = "browser", who: str = ""
    ) -> Feedback:
        """Keeps what `who` thinks, in place of what they thought before. WhichwayError: no such answer."""
        if self.stored(answer_id) is None:
            raise WhichwayError(f"no answer {answer_id!r} is kept here; ask again and judge the new answer")
        feedback = Feedback(answer_id, opinion, comment.strip(), channel, who, self._stamp())
        self._write(
            lambda db: db.execute(
                "INSERT OR REPLACE INTO feedback VALUES (?, ?, ?, ?, ?, ?)",
                (answer_id, channel, who, opinion, feedback.comment, feedback.at),
            )
        )
        return feedback

    def feedback(self, answer_id: str | None = None) -> tuple[Feedback, ...]:
        """All feedback, or that on one answer, oldest first."""
        query = "SELECT answer, opinion, comment, channel, who, at FROM feedback WHERE (? IS NULL OR answer = ?)"
        rows = self._read(f"{query} ORDER BY at, answer, who", (answer_id, answer_id))
        return tuple(Feedback(*row) for row in rows)

    def add_turns(self, conversation: str, turns: tuple[StoredTurn, ...]) -> bool:
        """Appends messages to a conversation. False: they are kept in memory alone."""

        def write(db: sqlite3.Connection) -> None:
            (last,) = db.execute("SELECT max(n) FROM turns WHERE conversation = ?", (conversation,)).fetchone()
            start = -1 if last is None else last
            for offset, stored in enumerate(turns, start=1):
                row = (conversation, start + offset, stored.turn.role, stored.turn.content, stored.answer_id)
                db.execute("INSERT INTO turns VALUES (?, ?, ?, ?, ?, ?)", (*row, self._stamp()))

        return self._write(write)

    def turns(self, conversation: str) -> tuple[StoredTurn, ...]:
        """A conversation's messages, oldest first; empty where there is none."""
        query = "SELECT role, content, answer FROM turns WHERE conversation = ? ORDER BY at, n"
        rows = self._read(query, (conversation,))
        return tuple(StoredTurn(Turn(role=role, content=content), answer) for role, content, answer in rows)

    def close(self) -> None:
        """Closes the file; the store opens it again when it is next used."""
        with self._lock:
            for db in (self._file, self._spare):
                if db is not None:
                    db.close()
            self._file = self._spare = None

    def _stored(self, row: tuple[Any, ...]) -> Stored:
        answer_id, at, channel, body = row
        return Stored(Answer.model_validate_json(body), at, channel, self.feedback(answer_id))

    def _stamp(self) -> str:
        return self._now().astimezone(UTC).isoformat(timespec="microseconds")

    def _write(self, work: Callable[[sqlite3.Connection], object]) -> bool:
        with self._lock:
            try:
                with _transaction(self._open_file()) as db:
                    work(db)
            except sqlite3.IntegrityError:
                raise
            except (sqlite3.DatabaseError, OSError) as error:
                self._give_up(error)
            else:
                self.notice = None
                return True
            with _transaction(self._open_spare()) as db:
                work(db)
            return False

    def _read(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._lock:
            found: list[tuple[Any, ...]] = []
            if self._file is not None or self.path.exists():
                try:
                    found += self._from_file(query, values)
                except sqlite3.DatabaseError as error:
                    self._give_up(error)
            if self._spare is not None:
                found += self._spare.execute(query, values).fetchall()
            return found

    def _from_file(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._open_file().execute(query, values).fetchall()
        except sqlite3.OperationalError:
            # A read-only folder has no place for the shared-memory file: read what was checkpointed.
            address = f"{self.path.resolve().as_uri()}?mode=ro&immutable=1"
            with closing(sqlite3.connect(address, uri=True)) as db:
                return db.execute(query, values).fetchall()

    def _open_file(self) -> sqlite3.Connection:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self.path, timeout=5.0, check_same_thread=False, isolation_level=None)
            try:
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = NORMAL")
                db.executescript(_SCHEMA)
            except sqlite3.DatabaseError:
                db.close()
                raise
            self._file = db
        return self._file

    def _open_spare(self) -> sqlite3.Connection:
        if self._spare is None:
            self._spare = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
            self._spare.executescript(_SCHEMA)
        return self._spare

    def _give_up(self, error: Exception) -> None:
        if self.notice is None:
            log.warning("answers are not kept", extra={"path": str(self.path), "reason": str(error)})
        self.notice = f"Answers are not kept: {self.path} cannot be written ({error})."


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
