"""The one ASGI middleware before everything: who may ask, how much, and what a page may load.

Without the Host check, a page elsewhere whose name is made to resolve to this machine (DNS rebinding) reads a private
knowledge base on loopback; without the Origin check, it posts to it.
"""

import ipaddress
import json
import secrets
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kb.settings import WebSettings

BODY_LIMIT = 512 * 1024
"""Bytes of a request's body: a question of 4,000 characters with a long history is well below."""

_HEAVY = ("/api/ask", "/mcp", "/gradio_api/queue/join", "/gradio_api/run")
_LIGHT_COST = 0.02
_TOO_LARGE = f"the request is larger than {BODY_LIMIT // 1024} KB; shorten its question or history"
_CLIENTS = 10_000

_SHARED_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; "
    "worker-src 'self'; manifest-src 'self'"
)


class Guard:
    """Checks Host and Origin, bounds bodies and rates, and adds the security headers.

    The nonce of a response's Content-Security-Policy is in `scope["state"]["nonce"]`. `app_paths` are the paths
    whose scripts compile templates (Gradio) and so need `unsafe-eval`; all others do without.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: WebSettings,
        *,
        app_paths: frozenset[str] = frozenset({"/"}),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app = app
        self._hosts = _known_hosts(settings)
        self._trusted_origins = {h for h in (*settings.hosts, urlsplit(settings.public_url).hostname) if h}
        self._any_address = settings.host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
        self._rate = settings.rate_per_minute
        self._app_paths = app_paths
        self._now = now
        self._buckets: dict[str, tuple[float, float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through, or answers 400, 403, 413 or 429 with one line of JSON."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})["nonce"] = nonce
        send = self._with_headers(scope, send, nonce)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _refuse(scope, receive, send, *refusal)
        elif scope["type"] == "http":
            body = _Bounded(receive, send)
            await self.app(scope, body.receive, body.send)
        else:
            await self.app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        for name in ("host", "x-forwarded-host"):
            for value in headers.getlist(name) or ([""] if name == "host" else []):
                if not self._is_ours(value):
                    return 400, f"unknown host {value[:80]!r}; add it to [web] hosts in whichway.toml"
        origin = headers.get("origin")
        if origin is not None and not self._may_ask(origin, headers["host"]):
            return 403, f"requests from {origin[:80]!r} are not accepted; add its host to [web] hosts"
        if not headers.get("content-length", "0").isdigit():
            return 400, "the Content-Length is not a number"
        if int(headers.get("content-length", "0")) > BODY_LIMIT:
            return 413, _TOO_LARGE
        client = scope["client"][0] if scope.get("client") else ""
        heavy = scope.get("method") == "POST" and scope["path"].startswith(_HEAVY)
        if not self._spend(client, 1.0 if heavy else _LIGHT_COST):
            return 429, f"more than {self._rate} questions in a minute; wait a moment and ask again"
        return None

    def _is_ours(self, host: str) -> bool:
        name = _hostname(host)
        if name in self._hosts:
            return True
        # A name can be rebound to this machine, an address cannot.
        return self._any_address and _is_address(name)

    def _may_ask(self, origin: str, host: str) -> bool:
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return bool(parts.netloc) and (parts.netloc == host or parts.hostname in self._trusted_origins)

    def _spend(self, client: str, cost: float) -> bool:
        """A token bucket a client: `rate` at once, and `rate` a minute from then on."""
        now = self._now()
        left, since = self._buckets.pop(client, (float(self._rate), now))
        left = min(float(self._rate), left + (now - since) * self._rate / 60)
        allowed = left >= cost
        self._buckets[client] = (left - cost if allowed else left, now)
        if len(self._buckets) > _CLIENTS:
            del self._buckets[next(iter(self._buckets))]
        return allowed

    def _with_headers(self, scope: Scope, send: Send, nonce: str) -> Send:
        scripts = f"script-src 'self' 'nonce-{nonce}'" + (" 'unsafe-eval'" if scope["path"] in self._app_paths else "")

        async def wrapped(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = f"{_SHARED_POLICY}; {scripts}"
                headers["X-Content-Type-Options"] = "nosniff"
                headers["X-Frame-Options"] = "DENY"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
            await send(message)

        return wrapped


class _Bounded:
    """Counts a body that comes in pieces, with no length given; past the limit it ends, and the response is 413."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._read = 0
        self._refused = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            if self._read > BODY_LIMIT:
                return {"type": "http.request", "body": b"", "more_body": False}
        return message

    async def send(self, message: Message) -> None:
        if self._read <= BODY_LIMIT:
            await self._send(message)
        elif not self._refused:
            self._refused = True
            await _answer(self._send, 413, _TOO_LARGE)


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, error: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": error})
        return
    await _answer(send, status, error)


async def _answer(send: Send, status: int, error: str) -> None:
    body = json.dumps({"error": error}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 429:
        headers.append((b"retry-after", b"10"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _known_hosts(settings: WebSettings) -> frozenset[str]:
    names = {"localhost", "127.0.0.1", "::1", settings.host, urlsplit(settings.public_url).hostname or ""}
    names |= {_hostname(host) for host in settings.hosts}
    return frozenset(name.lower() for name in names if name not in ("", "0.0.0.0", "::"))  # noqa: S104


def _hostname(host: str) -> str:
    """The name or address of a Host header, lower case, without port and brackets; "" where it is no host."""
    try:
        return (urlsplit(f"//{host}").hostname or "") if "/" not in host and "@" not in host else ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
