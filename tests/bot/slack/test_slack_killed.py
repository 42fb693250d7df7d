"""A process that is killed at the worst moment: its work is made good by the next one, once."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_slack import BOT, FakeSlack, Fault

ROOT = Path(__file__).resolve().parents[3]

Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def child(slack: FakeSlack, tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
    environ = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}

    def start() -> "subprocess.Popen[bytes]":
        command = [sys.executable, str(ROOT / "tests" / "support" / "slack_child.py"), str(tmp_path), slack.api_url]
        slack.wait(lambda: not slack.connections)
        started.append(subprocess.Popen(command, env=environ))
        slack.wait(lambda: slack.connections, timeout=30)
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_kill_between_claim_and_reply_is_made_good_once(
    slack: FakeSlack, tmp_path: Path, channel: str, child: Start
) -> None:
    process = child()
    event = slack.message(f"<@{BOT}> a slow one", channel=channel)
    slack.acked(slack.event(event, event_id="EvKill1"))
    ts = event["ts"]
    slack.wait(lambda: slack.status(ts) and (tmp_path / "asked").exists())
    _kill(process)
    assert slack.replies(ts) == []
    (tmp_path / "quick").touch()
    process = child()
    assert slack.reply(ts).markdown == "Said to: a slow one"
    slack.acked(slack.event(event, event_id="EvKill1", retry=1))
    again = slack.mention("another", channel=channel, thread_ts=ts)
    slack.reply(ts, 2)
    assert again and [p.markdown for p in slack.replies(ts)] == ["Said to: a slow one", "Said to: another"]
    assert (tmp_path / "asked").read_text().splitlines() == ["a slow one", "a slow one", "another"]


@pytest.mark.parametrize("method", ["chat.startStream", "chat.stopStream"])
def test_a_kill_before_slack_has_answered_edits_the_reply_and_posts_no_second(
    slack: FakeSlack, channel: str, child: Start, method: str
) -> None:
    process = child()
    gate = threading.Event()
    slack.fail(method, Fault(gate=gate, done=True))
    ts = slack.say(f"<@{BOT}> a quick one", channel=channel)
    slack.wait(lambda: slack.called(method, channel=channel))
    slack.wait(lambda: [p for p in slack.posted if p.thread_ts == ts])
    _kill(process)
    gate.set()
    child()
    slack.wait(lambda: slack.called("chat.update", channel=channel) and not slack.status(ts))
    (reply,) = [p for p in slack.posted if p.thread_ts == ts]
    assert (reply.markdown, reply.edits, reply.streaming) == ("Said to: a quick one", 1, False)
