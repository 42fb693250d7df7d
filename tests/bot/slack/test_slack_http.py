"""The HTTP endpoint: only what Slack signed, lately, and nothing ever breaks it."""

import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from fake_slack import BOT, SIGNING_SECRET, TEAM, FakeSlack
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_office import Office, Sample, Script, Texts, office
from starlette.testclient import TestClient

from bot.slack.transport import http_app, serve_http
from kb.errors import UsageError


@pytest.fixture(scope="module")
def at_desk(
    slack: FakeSlack, tmp_path_factory: pytest.TempPathFactory, sample: Sample, section_texts: Texts
) -> Iterator[Office]:
    home = tmp_path_factory.mktemp("http")
    with office(slack, home, Script(sample), section_texts, connect=False) as running:
        yield running


@pytest.fixture(scope="module")
def web(at_desk: Office) -> Iterator[TestClient]:
    with TestClient(http_app(at_desk.bot.app, SIGNING_SECRET), raise_server_exceptions=True) as client:
        yield client


def signed(body: bytes, *, at: float | None = None, secret: str = SIGNING_SECRET) -> dict[str, str]:
    """The headers that Slack sends with a body."""
    stamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest}",
        "Content-Type": "application/json",
    }


def mention(slack: FakeSlack, channel: str, event_id: str) -> tuple[str, bytes]:
    event = slack.message(f"<@{BOT}> which one over HTTP?", channel=channel) | {"type": "app_mention"}
    body = {"type": "event_callback", "team_id": TEAM, "event_id": event_id, "event": event}
    return event["ts"], json.dumps(body).encode()


def test_a_signed_event_is_answered_and_its_retry_is_not(
    web: TestClient, at_desk: Office, slack: FakeSlack, channel: str
) -> None:
    ts, body = mention(slack, channel, "EvHttp1")
    assert web.post("/slack/events", content=body, headers=signed(body)).status_code == 200
    assert slack.reply(ts).markdown.startswith("**Use Azure Databricks**")
    retry = signed(body) | {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}
    assert web.post("/slack/events", content=body, headers=retry).status_code == 200
    assert at_desk.bot.lanes.wait(5)
    assert (at_desk.script.times("which one over HTTP?"), len(slack.replies(ts))) == (1, 1)


def test_slack_can_verify_the_address(web: TestClient) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1a"}).encode()
    response = web.post("/slack/events", content=body, headers=signed(body))
    assert (response.status_code, response.json()) == (200, {"challenge": "3eZbrw1a"})


def test_a_command_comes_as_a_form(web: TestClient, slack: FakeSlack) -> None:
    before = len(slack.responses)
    fields = {
        "command": "/whichway",
        "text": "which one for streaming?",
        "channel_id": "C1",
        "user_id": "UASKER001",
        "team_id": TEAM,
        "trigger_id": "99.1.a",
        "response_url": f"{slack.base}/respond/http-form",
    }
    body = urlencode(fields).encode()
    headers = signed(body) | {"Content-Type": "application/x-www-form-urlencoded"}
    response = web.post("/slack/events", content=body, headers=headers)
    assert (response.status_code, response.text) == (200, "Reading the sources for: which one for streaming?")
    assert slack.wait(lambda: slack.responses[before:])[0]["to"] == "http-form"


GOOD = b'{"type": "url_verification", "challenge": "x"}'
BAD_HEADERS: dict[str, dict[str, str | bytes]] = {
    "no signature": {"X-Slack-Signature": ""},
    "wrong signature": {"X-Slack-Signature": "v0=" + "0" * 64},
    "a signature that is not ASCII": {"X-Slack-Signature": "v0=é".encode("latin-1")},
    "no timestamp": {"X-Slack-Request-Timestamp": ""},
    "a timestamp that is no number": {"X-Slack-Request-Timestamp": "soon"},
    "a negative timestamp": {"X-Slack-Request-Timestamp": "-5"},
    "digits that are not ASCII": {"X-Slack-Request-Timestamp": "²²²".encode("latin-1")},
    "an endless timestamp": {"X-Slack-Request-Timestamp": "9" * 5000},
}


@pytest.mark.parametrize("headers", BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_bad_headers_are_refused(web: TestClient, headers: dict[str, str | bytes]) -> None:
    sent = {key: value for key, value in (signed(GOOD) | headers).items() if value}
    assert web.post("/slack/events", content=GOOD, headers=sent).status_code == 401


def test_an_old_request_and_one_from_the_future_are_refused(web: TestClient) -> None:
    for seconds in (-400, 400):
        headers = signed(GOOD, at=time.time() + seconds)
        assert web.post("/slack/events", content=GOOD, headers=headers).status_code == 401
    assert web.post("/slack/events", content=GOOD, headers=signed(GOOD, secret="other")).status_code == 401


BAD_BODIES = {
    "not UTF-8": b'{"type": "\xff\xfe"}',
    "not JSON": b'{"type": ',
    "a list": b"[1, 2]",
    "null": b"null",
    "a number": b"7",
    "a payload that is not JSON": b"payload=%7Bno",
    "an event that is no object": b'{"type": "event_callback", "event": 7}',
    "authorizations that are no list": b'{"type": "event_callback", "authorizations": 7, "event": {"type": "message"}}',
    "very deep": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "too large": b'{"a": "' + b"x" * 1_000_001 + b'"}',
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_body_of_no_shape_that_slack_sends_is_refused_even_when_signed(web: TestClient, body: bytes) -> None:
    assert web.post("/slack/events", content=body, headers=signed(body)).status_code == 401


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=200), stamp=st.binary(max_size=20), signature=st.binary(max_size=80))
def test_nothing_unsigned_gets_in_or_breaks_anything(
    web: TestClient, body: bytes, stamp: bytes, signature: bytes
) -> None:
    headers = {"X-Slack-Request-Timestamp": _header(stamp), "X-Slack-Signature": _header(signature)}
    assert web.post("/slack/events", content=body, headers=headers).status_code == 401


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["type", "event", "team", "user", "channel", "message", "view", "actions", "command", "callback_id", "container"]
)


@settings(max_examples=150, deadline=None)
@given(
    more=st.dictionaries(KEYS, JSON, max_size=5),
    kind=st.sampled_from(["event_callback", "block_actions", "view_submission", "message_action"]),
)
def test_no_signed_json_is_answered_with_an_error_of_ours(web: TestClient, more: dict[str, object], kind: str) -> None:
    body = json.dumps(more | {"type": kind}).encode()
    assert web.post("/slack/events", content=body, headers=signed(body)).status_code < 500


def test_other_addresses_and_methods(web: TestClient) -> None:
    assert web.get("/slack/events").status_code == 405
    assert web.get("/").status_code == 404
    assert web.get("/health").text == "ok"


def test_it_serves_on_a_port_and_says_which_one_is_taken(at_desk: Office) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        application = http_app(at_desk.bot.app, SIGNING_SECRET)
        with pytest.raises(UsageError, match=rf"cannot listen on 127\.0\.0\.1:{port}"):
            serve_http(application, host="127.0.0.1", port=port, stop=threading.Event())
    stop = threading.Event()
    server = threading.Thread(
        target=serve_http, args=(application,), kwargs={"host": "127.0.0.1", "port": port, "stop": stop}
    )
    server.start()
    try:
        assert httpx.get(f"http://127.0.0.1:{port}/health", timeout=10, trust_env=False).text == "ok"
    finally:
        stop.set()
        server.join(10)
    assert not server.is_alive()


def _header(value: bytes) -> bytes:
    return bytes(byte for byte in value if 32 < byte < 127)


def test_home_is_private(tmp_path: Path, slack: FakeSlack, sample: Sample, section_texts: Texts) -> None:
    with office(slack, tmp_path, Script(sample), section_texts, connect=False):
        assert (tmp_path / "slack.sqlite3").stat().st_mode & 0o077 == 0
