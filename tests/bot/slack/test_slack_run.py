"""The process: tokens, locks, manifest, what is logged and what stays on disk."""

import ast
import json
import logging
import os
import re
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from command_line import whichway
from fake_slack import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, FakeSlack
from filelock import FileLock
from slack_office import Sample, Script, Texts, make_desk

from bot.answer import Turn
from bot.slack.inbox import Inbox
from bot.slack.intake import Parking, Request, clean, read_event
from bot.slack.limits import Limits
from bot.slack.manifest import manifest
from bot.slack.run import run_slack
from kb.errors import LockedError, UsageError
from kb.settings import Settings

SOURCE = Path(__file__).resolve().parents[3] / "bot" / "slack"
TOKENS = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_SIGNING_SECRET": SIGNING_SECRET}


@pytest.mark.parametrize(
    ("http", "missing"),
    [(False, "SLACK_BOT_TOKEN"), (False, "SLACK_APP_TOKEN"), (True, "SLACK_BOT_TOKEN"), (True, "SLACK_SIGNING_SECRET")],
)
def test_a_missing_token_is_named(home: Path, sample: Sample, section_texts: Texts, http: bool, missing: str) -> None:
    environ = {name: value for name, value in TOKENS.items() if name != missing} | {missing: " "}
    with pytest.raises(UsageError, match=rf"^{missing} is not set; it is .* \(see docs/slack\.md\)$"):
        run_slack(make_desk(home, Script(sample), section_texts), http=http, environ=environ)


def test_the_command_asks_for_its_tokens_before_it_builds_an_index(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in TOKENS:
        monkeypatch.delenv(name, raising=False)
    done = whichway("--home", home, "slack")
    assert (done.code, done.complaint.partition(";")[0]) == (2, "SLACK_BOT_TOKEN is not set")
    assert list(home.iterdir()) == []


def test_the_command_prints_the_manifest(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    address = "https://bot.example.org/slack/events"
    assert whichway("--home", home, "slack", "--manifest").out == manifest(Settings())
    over_http = whichway("--home", home, "slack", "--manifest", "--http", "--address", address)
    assert over_http.out == manifest(Settings(), http=True, address=address)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (TOKENS | {"SLACK_BOT_TOKEN": "xoxb-wrong"}, r"does not take SLACK_BOT_TOKEN \(invalid_auth\)"),
        (TOKENS | {"SLACK_APP_TOKEN": "xapp-wrong"}, r"does not start \(invalid_auth\); check SLACK_APP_TOKEN"),
        (TOKENS | {"SLACK_CLIENT_ID": "1", "SLACK_CLIENT_SECRET": "2"}, r"^unset SLACK_CLIENT_ID"),
    ],
    ids=["bot token", "app token", "oauth"],
)
def test_a_wrong_token_is_one_line_without_the_token(
    slack: FakeSlack, home: Path, sample: Sample, section_texts: Texts, environ: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        run_slack(make_desk(home, Script(sample), section_texts), environ=environ, api_url=slack.api_url)
    assert "wrong" not in str(caught.value)


def test_a_slack_that_cannot_be_reached_is_one_line(home: Path, sample: Sample, section_texts: Texts) -> None:
    with pytest.raises(UsageError, match="Slack cannot be reached"):
        run_slack(make_desk(home, Script(sample), section_texts), environ=TOKENS, api_url="http://127.0.0.1:9/api/")


def test_a_second_process_on_the_same_home_is_refused(home: Path, sample: Sample, section_texts: Texts) -> None:
    with FileLock(home / "slack.lock"), pytest.raises(LockedError, match="another process runs the Slack bot of"):
        run_slack(make_desk(home, Script(sample), section_texts), environ=TOKENS)


def test_it_runs_until_stopped_and_no_secret_is_logged_or_left_to_children(
    slack: FakeSlack,
    home: Path,
    sample: Sample,
    section_texts: Texts,
    channel: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in TOKENS.items():
        monkeypatch.setenv(name, value)
    caplog.set_level(logging.DEBUG)
    stop = threading.Event()
    desk = make_desk(home, Script(sample), section_texts)
    running = threading.Thread(target=run_slack, args=(desk,), kwargs={"api_url": slack.api_url, "stop": stop})
    running.start()
    try:
        slack.wait(lambda: slack.connections)
        slack.reply(slack.mention("which one for streaming?", channel=channel))
        slack.mention("crash now", channel=channel)
        slack.wait(lambda: [p for p in slack.posted if "went wrong" in p.markdown])
        assert not set(TOKENS) & set(os.environ)
    finally:
        stopped = time.monotonic()
        stop.set()
        running.join(20)
    assert not running.is_alive()
    assert time.monotonic() - stopped < 2.5  # else it waited for a read from Slack to time out
    logged = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    for secret in (BOT_TOKEN, APP_TOKEN, SIGNING_SECRET):
        assert secret not in logged
        assert not any(secret.encode() in file.read_bytes() for file in home.iterdir() if file.is_file())


def test_http_runs_on_the_configured_port(slack: FakeSlack, home: Path, sample: Sample, section_texts: Texts) -> None:
    stop = threading.Event()
    stop.set()
    desk = make_desk(home, Script(sample), section_texts, slack={"mode": "http", "port": 0})
    run_slack(desk, environ=TOKENS, api_url=slack.api_url, stop=stop)


def test_what_is_answered_is_kept_no_longer_than_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = Inbox(tmp_path / "slack.sqlite3")
    request = _request("a secret plan")
    assert inbox.take(request, "Ev1")
    inbox.claim(request.key)
    inbox.add_turns(request.lane, request.ts, [Turn(role="user", content="a secret plan")])
    inbox.finish(request.key)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 31 * 86400)
    inbox.forget_old()
    inbox.close()
    with sqlite3.connect(tmp_path / "slack.sqlite3") as db:
        counts = [
            db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("events", "requests", "threads", "turns")
        ]
    db.close()
    assert counts == [0, 0, 0, 0]


def test_an_unfinished_request_survives_and_a_stale_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = Inbox(tmp_path / "slack.sqlite3")
    request = _request("which one?")
    assert inbox.take(request, "Ev1")
    assert not inbox.take(request, "Ev2")
    assert not inbox.take(_request("another", ts="9.9"), "Ev1")
    assert (inbox.claim(request.key), inbox.claim(request.key)) == (1, 2)
    inbox.record_posted(request.key, ["5.5"])
    inbox.close()
    inbox = Inbox(tmp_path / "slack.sqlite3")
    assert inbox.unfinished() == [request]
    assert inbox.posted(request.key) == ["5.5"]
    assert inbox.is_reply("5.5") and not inbox.is_reply("6.6")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 90_000)
    assert inbox.unfinished() == []
    inbox.close()


def test_the_limits_slide() -> None:
    now = [0.0]
    limits = Limits(per_user=2, per_minute=3, clock=lambda: now[0])
    assert limits.admit("a") is None
    now[0] = 20.0
    assert limits.admit("a") is None
    refused = limits.admit("a")
    assert refused is not None and (refused.seconds, refused.whose, refused.tell) == (40, "you", True)
    again = limits.admit("a")
    assert again is not None and not again.tell
    assert limits.admit("b") is None
    everybody = limits.admit("c")
    assert everybody is not None and (everybody.whose, everybody.tell) == ("all", True)
    now[0] = 60.0
    assert limits.admit("a") is None


def test_parked_follow_ups_go_stale_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    parking = Parking(seconds=10, room=2)
    for n in range(3):
        parking.hold(_request(f"q{n}", ts=f"{n}.5"), None)
    assert [held.text for held, _ in parking.release("C1:1.0")] == ["q1", "q2"]
    parking.hold(_request("late"), None)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 11)
    assert parking.release("C1:1.0") == []


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("<@UBOT> which one?", "which one?"),
        ("<@UBOT|whichway>, which one?", "which one?"),
        ("ask <@U2> in <#C9|data> or <#C8> at <!here>", "ask @someone in data or C8 at here"),
        ("see <https://e.example/?a=1&amp;b=2|the page> &lt;b&gt; &amp;c", "see the page <b> &c"),
        ("<mailto:a@e.example|a@e.example> or <https://e.example>", "a@e.example or https://e.example"),
    ],
)
def test_slack_s_syntax_is_read_as_words(text: str, cleaned: str) -> None:
    assert clean(text, bot_user="UBOT") == cleaned


@pytest.mark.parametrize("text", ["stop", "Stop!", "please stop here", "OK, be quiet please", "that's all, thanks"])
def test_what_means_stop(text: str) -> None:
    assert _event(text) == "stop"


@pytest.mark.parametrize(
    "text", ["stop the cluster when idle?", "how do I stop an endpoint", "enough memory?", "mute alerts in Databricks?"]
)
def test_what_only_sounds_like_stop(text: str) -> None:
    assert _event(text) == "question"


def test_the_manifest_asks_for_what_is_used_and_no_more() -> None:
    shipped = json.loads(manifest(Settings()))
    scopes = set(shipped["oauth_config"]["scopes"]["bot"])
    code = "\n".join(path.read_text() for path in SOURCE.glob("*.py"))
    needs = {
        "app_mentions:read": 'app.event("app_mention")',
        "channels:history": "conversations_replies",
        "groups:history": "conversations_replies",
        "im:history": "conversations_replies",
        "chat:write": "chat_postMessage",
        "commands": "app.command(",
        "files:write": "files_upload_v2",
        "im:write": "conversations_open",
    }
    assert scopes == set(needs)
    assert all(use in code for use in needs.values())
    assert set(shipped["settings"]["event_subscriptions"]["bot_events"]) == {
        "app_mention",
        "message.channels",
        "message.groups",
        "message.im",
    }
    assert shipped["settings"]["socket_mode_enabled"] is True
    agent = shipped["features"]["agent_view"]
    assert "assistant_view" not in shipped["features"]
    assert 0 < len(agent["agent_description"]) <= 300 and len(agent["suggested_prompts"]) <= 4
    assert agent["suggested_prompts"][0]["message"] == "When is Azure Machine Learning the better choice?"


def test_the_manifest_for_http_names_its_address() -> None:
    address = "https://bot.example.org/slack/events"
    made = json.loads(manifest(Settings(), http=True, address=address))
    assert made["settings"]["socket_mode_enabled"] is False
    assert made["settings"]["event_subscriptions"]["request_url"] == address
    assert made["settings"]["interactivity"]["request_url"] == address
    assert made["features"]["slash_commands"][0]["url"] == address
    with pytest.raises(UsageError, match="https address"):
        manifest(Settings(), http=True, address="http://bot.example.org")


def test_rendering_knows_no_vendor() -> None:
    for name in (
        "blocks",
        "claims",
        "inbox",
        "intake",
        "lanes",
        "limits",
        "sources",
        "style",
        "table",
        "text",
        "views",
    ):
        tree = ast.parse((SOURCE / f"{name}.py").read_text())
        modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert not [module for module in modules if re.match(r"slack_(bolt|sdk)", module)], name


def _request(text: str, *, ts: str = "1.5") -> Request:
    return Request(key=f"C1:{ts}", channel="C1", thread="1.0", ts=ts, user="U1", team="T1", text=text, place="channel")


def _event(text: str) -> str:
    event = {"type": "message", "channel": "D1", "channel_type": "im", "user": "U1", "text": text, "ts": "1.0"}
    request = read_event(event, bot_user="UBOT", team="T1")
    assert request is not None
    return request.kind
