"""The two ways that events come in: Socket Mode, or signed requests over HTTP."""

import contextlib
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

from slack_bolt import App, BoltRequest
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kb.errors import UsageError

logger = logging.getLogger(__name__)

LARGEST = 1_000_000
"""Bytes of a request that are read; Slack's are far smaller."""

PARTS = ("event", "view", "container", "message", "channel", "user")
"""What is an object in every payload that has it."""

CONCURRENCY = 10


@contextlib.contextmanager
def socket_mode(app: App, app_token: str) -> Iterator[SocketModeHandler]:
    """Connected while the context lasts; reconnects by itself. UsageError where Slack does not take the token."""
    handler = SocketModeHandler(app, app_token, concurrency=CONCURRENCY)
    try:
        handler.connect()  # type: ignore[no-untyped-call]
    except (SlackApiError, OSError) as error:
        _close(handler)
        code = error.response.get("error") if isinstance(error, SlackApiError) else type(error).__name__
        raise UsageError(
            f"Socket Mode does not start ({code}); check SLACK_APP_TOKEN, and Socket Mode in the app's settings"
        ) from None
    try:
        yield handler
    finally:
        _close(handler)


def _close(handler: SocketModeHandler) -> None:
    """Wakes what waits for Slack and closes: by itself the client would wait for up to 4 s until its reads time out."""
    client = handler.client
    client.closed, client.auto_reconnect_enabled = True, False
    client.current_session_state.terminated = True
    client.current_session_runner.event.set()
    client.message_queue.put(None)
    session = client.current_session
    if session is not None and session.sock is not None:
        with contextlib.suppress(OSError):
            session.sock.shutdown(socket.SHUT_RDWR)
    handler.close()  # type: ignore[no-untyped-call]


def http_app(app: App, signing_secret: str) -> Starlette:
    """An ASGI app: `POST /slack/events` for events, commands and buttons, `GET /health` for a load balancer.

    A request that Slack did not sign, or that is malformed in any way, gets 401.
    """
    verifier = SignatureVerifier(signing_secret)

    async def events(request: Request) -> Response:
        try:
            raw = await _body(request)
        except ClientDisconnect:
            return Response(status_code=401)
        bolt_request = _verified(raw, request, verifier)
        if bolt_request is None:
            return PlainTextResponse("not from Slack", status_code=401)
        answer = await run_in_threadpool(app.dispatch, bolt_request)
        return Response(answer.body, answer.status, answer.first_headers_without_set_cookie())

    async def health(_: Request) -> Response:
        return PlainTextResponse("ok")

    return Starlette(routes=[Route("/slack/events", events, methods=["POST"]), Route("/health", health)])


def serve_http(application: Starlette, *, host: str, port: int, stop: threading.Event) -> None:
    """Serves until `stop` is set. UsageError where the port cannot be used."""
    import uvicorn

    try:
        listening = socket.create_server((host, port))
    except (OSError, OverflowError) as error:
        raise UsageError(f"cannot listen on {host}:{port} ({error}); set another [slack] host or port") from None
    with listening:
        server = uvicorn.Server(uvicorn.Config(application, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, args=([listening],), name="slack-http", daemon=True)
        thread.start()
        stop.wait()
        server.should_exit = True
        thread.join(10)


async def _body(request: Request) -> bytes | None:
    """The body; None where it is too large."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            return None
        parts.append(part)
    return b"".join(parts)


def _verified(raw: bytes | None, request: Request, verifier: SignatureVerifier) -> BoltRequest | None:
    """The request as Bolt takes it; None where it is not signed by Slack, too old, or of no shape that Slack sends."""
    timestamp = request.headers.get("x-slack-request-timestamp", "")
    signature = request.headers.get("x-slack-signature", "")
    if raw is None or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12 and signature.isascii()):
        return None
    try:
        body = raw.decode("utf-8")
        if not verifier.is_valid(body, timestamp, signature):
            return None
        headers: dict[str, Any] = dict(request.headers)
        bolt_request = BoltRequest(body=body, query=request.url.query, headers=headers)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        # Not UTF-8, not JSON, or JSON of another shape: Bolt's parser raises what it happens to meet first.
        return None
    return bolt_request if isinstance(bolt_request.body, dict) and _shaped(bolt_request.body) else None


def _shaped(body: dict[str, Any]) -> bool:
    """Whether the parts that are looked at first are what Slack sends: Bolt and we take them for granted."""
    kind = body.get("type")
    if any(not isinstance(body[part], dict) for part in PARTS if part in body):
        return False
    if any(not isinstance(body.get(part), dict | None) for part in ("team", "enterprise")):
        return False
    if kind == "event_callback" or "event" in body:
        return _has(body.get("event"), "type")
    if kind == "block_actions":
        actions = body.get("actions")
        pressed = isinstance(actions, list) and bool(actions) and all(_has(a, "action_id", "type") for a in actions)
        return pressed and _has(body.get("user"), "id")
    if kind in ("view_submission", "view_closed"):
        return _has(body.get("view"), "callback_id", "type") and _has(body.get("user"), "id")
    if "command" in body:
        return _has(body, "command", "channel_id", "user_id", "team_id", "trigger_id", "response_url")
    return True


def _has(value: object, *keys: str) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(key), str) for key in keys)
