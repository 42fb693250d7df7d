"""The guard: who may ask, how much, and what a page may load."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from bot.guard import BODY_LIMIT, Guard
from kb.settings import WebSettings


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": str(size).encode()})


def call(
    guard: Guard, headers: Mapping[str, str], *, path: str = "/", method: str = "GET", body: tuple[bytes, ...] = (b"",)
) -> tuple[int, dict[str, str], str]:
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "client": ("127.0.0.1", 5000),
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
    }
    pieces, sent = list(body), []

    async def receive() -> dict[str, Any]:
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(guard(scope, receive, send))
    start = sent[0]
    text = b"".join(message.get("body", b"") for message in sent[1:]).decode()
    return start["status"], {k.decode().lower(): v.decode() for k, v in start["headers"]}, text


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "[::1]:7860", "LOCALHOST", "chat.example.com"])
def test_our_own_names_are_let_in(host: str) -> None:
    assert call(Guard(_echo, WebSettings(hosts=("chat.example.com",))), {"host": host})[0] == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:7860", "", "evil@127.0.0.1", "10.0.0.5", "[::1"],
)
def test_a_foreign_host_gets_400_and_one_line(host: str) -> None:
    status, _, text = call(Guard(_echo, WebSettings()), {"host": host})
    assert status == 400
    assert "unknown host" in text


def test_without_a_host_nothing_is_let_in() -> None:
    assert call(Guard(_echo, WebSettings()), {})[0] == 400


def test_a_forwarded_host_is_checked_as_well() -> None:
    headers = {"host": "localhost", "x-forwarded-host": "evil.example"}
    assert call(Guard(_echo, WebSettings()), headers)[0] == 400


def test_bound_to_all_addresses_an_address_is_let_in_but_no_name() -> None:
    guard = Guard(_echo, WebSettings(host="0.0.0.0"))
    assert call(guard, {"host": "192.168.1.7:7860"})[0] == 200
    assert call(guard, {"host": "evil.example"})[0] == 400


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:7860", 200),
        ("https://chat.example.com", 200),
        ("http://localhost:3000", 403),
        ("https://evil.example", 403),
        ("null", 403),
        ("http://[", 403),
    ],
)
def test_only_our_own_pages_may_send_requests(origin: str, status: int) -> None:
    guard = Guard(_echo, WebSettings(public_url="https://chat.example.com"))
    assert call(guard, {"host": "localhost:7860", "origin": origin}, method="POST")[0] == status


def test_every_response_has_a_policy_with_a_fresh_nonce_and_eval_only_for_the_app() -> None:
    guard = Guard(_echo, WebSettings())
    _, first, _ = call(guard, {"host": "localhost"})
    _, second, _ = call(guard, {"host": "localhost"})
    _, other, _ = call(guard, {"host": "localhost"}, path="/sources")
    policy = first["content-security-policy"]
    assert "'nonce-" in policy
    assert policy != second["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "'unsafe-eval'" in policy
    assert "unsafe-eval" not in other["content-security-policy"]
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert first["x-content-type-options"] == "nosniff"
    assert first["referrer-policy"] == "no-referrer"


def test_a_refusal_carries_the_headers_too() -> None:
    _, headers, _ = call(Guard(_echo, WebSettings()), {"host": "evil.example"})
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-type"] == "application/json"


def test_a_large_body_is_refused_by_its_length_and_without_one() -> None:
    guard = Guard(_echo, WebSettings())
    stated = {"host": "localhost", "content-length": str(BODY_LIMIT + 1)}
    assert call(guard, stated, method="POST")[0] == 413
    pieces = (b"x" * 1024,) * (BODY_LIMIT // 1024 + 1)
    assert call(guard, {"host": "localhost"}, method="POST", body=pieces)[0] == 413
    assert call(guard, {"host": "localhost"}, method="POST", body=pieces[:-1])[2] == str(BODY_LIMIT)
    assert call(guard, {"host": "localhost", "content-length": "many"}, method="POST")[0] == 400


def test_questions_are_bounded_a_minute_and_reading_is_not() -> None:
    at = [0.0]
    guard = Guard(_echo, WebSettings(rate_per_minute=3), now=lambda: at[0])
    ask = {"path": "/api/ask", "method": "POST"}
    assert [call(guard, {"host": "localhost"}, **ask)[0] for _ in range(4)] == [200, 200, 200, 429]  # type: ignore[arg-type]
    at[0] = 21.0
    assert call(guard, {"host": "localhost"}, **ask)[0] == 200  # type: ignore[arg-type]
    at[0] = 120.0
    assert {call(guard, {"host": "localhost"})[0] for _ in range(100)} == {200}
    status, headers, text = [call(guard, {"host": "localhost"}, **ask) for _ in range(3)][-1]  # type: ignore[arg-type]
    assert status == 429
    assert headers["retry-after"].isdigit()
    assert "more than 3 questions" in text
