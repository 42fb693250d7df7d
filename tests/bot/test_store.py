"""The store keeps what it said it kept, whatever happens to the process or the folder."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.answer import Answer, Turn
from bot.store import AnswerStore, StoredTurn
from kb.errors import WhichwayError

Sample = Callable[..., Answer]
TEXTS = {"s-stream": "stream text", "s-serve": "serve text", "s-uncited": "never kept"}


def test_an_answer_comes_back_whole_from_a_new_process_view(home: Path, sample: Sample) -> None:
    answer = sample("Which for 数据 streams?")
    assert AnswerStore(home).save_answer(answer, TEXTS, channel="slack")

    again = AnswerStore(home)
    assert again.answer(answer.id) == answer
    assert again.section_text(answer.id, 1) == "stream text"
    assert again.section_text(answer.id, 3) == "serve text"
    stored = again.stored(answer.id)
    assert stored is not None
    assert stored.channel == "slack"


def test_what_is_not_there_is_none(store: AnswerStore, sample: Sample) -> None:
    assert store.answer("nobody") is None
    assert store.section_text("nobody", 1) is None
    store.save_answer(sample(), {})
    assert store.section_text(sample().id, 1) is None
    assert store.section_text(sample().id, 99) is None


def test_reading_an_empty_home_writes_nothing(home: Path) -> None:
    store = AnswerStore(home)
    assert store.recent() == ()
    assert store.turns("c") == ()
    assert list(home.iterdir()) == []


def test_a_text_is_kept_once_and_uncited_texts_not_at_all(home: Path, sample: Sample) -> None:
    store = AnswerStore(home)
    for n in range(5):
        store.save_answer(sample(id=f"answer-{n}"), TEXTS)
    store.close()
    body = (home / "answers.sqlite3").read_bytes()
    assert body.count(b"stream text") == 1
    assert b"never kept" not in body


def test_a_later_opinion_replaces_the_same_readers_earlier_one(store: AnswerStore, sample: Sample) -> None:
    store.save_answer(sample(), TEXTS)
    store.add_feedback(sample().id, "up", who="reader-1")
    store.add_feedback(sample().id, "down", comment=" wrong section ", who="reader-1")
    store.add_feedback(sample().id, "up", who="hash-2", channel="slack")
    assert sorted((f.opinion, f.comment, f.channel) for f in store.feedback(sample().id)) == [
        ("down", "wrong section", "browser"),
        ("up", "", "slack"),
    ]


def test_feedback_on_an_unknown_answer_is_refused_in_one_line(store: AnswerStore) -> None:
    with pytest.raises(WhichwayError, match="no answer 'gone' is kept here"):
        store.add_feedback("gone", "up")


def test_recent_is_newest_first_and_filters_by_opinion(home: Path, sample: Sample) -> None:
    store = AnswerStore(home)
    for n in range(4):
        store.save_answer(sample(id=f"answer-{n}"), TEXTS, channel="browser" if n % 2 else "api")
    store.add_feedback("answer-1", "down", who="r")
    assert [s.answer.id for s in store.recent()] == ["answer-3", "answer-2", "answer-1", "answer-0"]
    assert [s.answer.id for s in store.recent(2)] == ["answer-3", "answer-2"]
    assert [s.answer.id for s in store.recent(opinion="down")] == ["answer-1"]
    assert [s.answer.id for s in store.recent(channel="api")] == ["answer-2", "answer-0"]


def test_a_conversation_keeps_its_order(store: AnswerStore) -> None:
    for n in range(3):
        asked = StoredTurn(Turn(role="user", content=f"q{n}"), None)
        store.add_turns("talk", (asked, StoredTurn(Turn(role="assistant", content=f"a{n}"), f"id{n}")))
    store.add_turns("other", (StoredTurn(Turn(role="user", content="elsewhere"), None),))
    assert [stored.turn.content for stored in store.turns("talk")] == ["q0", "a0", "q1", "a1", "q2", "a2"]
    assert [stored.answer_id for stored in store.turns("talk")] == [None, "id0", None, "id1", None, "id2"]


@pytest.fixture
def unwritable(home: Path) -> Path:
    """A home that cannot be written by anybody, root included: its parent is a file."""
    blocker = home / "file"
    blocker.write_text("in the way")
    return blocker / "home"


def test_where_nothing_can_be_written_answers_live_until_the_end_and_a_notice_says_so(
    unwritable: Path, sample: Sample
) -> None:
    store = AnswerStore(unwritable)
    assert store.notice is None
    assert store.save_answer(sample(), TEXTS) is False
    assert store.notice is not None
    assert str(unwritable) in store.notice
    assert store.answer(sample().id) == sample()
    assert store.section_text(sample().id, 1) == "stream text"
    store.add_feedback(sample().id, "up", who="r")
    assert len(store.feedback()) == 1
    assert [s.answer.id for s in store.recent()] == [sample().id]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes to a read-only folder")
def test_a_read_only_home_still_opens_earlier_answers(home: Path, sample: Sample) -> None:
    first = AnswerStore(home)
    first.save_answer(sample(), TEXTS)
    first.close()
    for path in home.iterdir():
        path.chmod(0o444)
    home.chmod(0o555)
    try:
        store = AnswerStore(home)
        assert store.section_text(sample().id, 3) == "serve text"
        assert store.save_answer(sample(id="answer-new"), TEXTS) is False
        assert store.answer("answer-new") is not None
    finally:
        home.chmod(0o755)


def test_a_file_that_is_no_database_does_not_stop_answers(home: Path, sample: Sample) -> None:
    (home / "answers.sqlite3").write_bytes(b"not a database at all, but long enough to look like one" * 40)
    store = AnswerStore(home)
    assert store.answer("x") is None
    assert store.save_answer(sample(), TEXTS) is False
    assert store.answer(sample().id) == sample()
    assert store.notice is not None
    assert "not a database" in store.notice


_WRITER = """
import sys
from pathlib import Path
from bot.answer import Answer
from bot.store import AnswerStore
body = sys.stdin.read()
store = AnswerStore(Path(sys.argv[1]))
answer = Answer.model_validate_json(body)
for n in range(100_000):
    store.save_answer(answer.model_copy(update={"id": f"kill-{n}"}), {"s-stream": f"text {n}", "s-serve": "x" * 2000})
    print(n, flush=True)
"""


@pytest.mark.parametrize("after", [1, 7, 40])
def test_killed_while_writing_every_acknowledged_answer_is_there(home: Path, sample: Sample, after: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        writer.stdin.write(sample().model_dump_json())
        writer.stdin.close()
        done = -1
        while done < after:
            done = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        done = max([done, *(int(line) for line in writer.stdout.read().split() if line.isdigit())])
    store = AnswerStore(home)
    for n in range(done + 1):
        assert store.section_text(f"kill-{n}", 1) == f"text {n}"
    assert store.save_answer(sample(), TEXTS)
