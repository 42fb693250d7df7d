"""Slack on loopback: its Web API over HTTP and a Socket Mode websocket, so that the real Bolt app can run against it.

It keeps channels as Slack does (streams that grow, messages that are edited), refuses what Slack documents to refuse
(bad tokens, blocks over a limit, appending to a stream that has ended) and fails on demand: `fail("chat.update", ...)`.
"""

import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fake_slack_api import APP_TOKEN, BOT, BOT_TOKEN, SIGNING_SECRET, TEAM, Call, Fault, Posted, WebApi
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

__all__ = ["APP_TOKEN", "BOT", "BOT_TOKEN", "SIGNING_SECRET", "TEAM", "FakeSlack", "Fault", "Posted"]


class FakeSlack(WebApi):
    """Start it, point a client at `api_url`, and speak as a person: `mention`, `say`, `command`, `click`, `submit`."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.acks: dict[str, tuple[float, Any]] = {}
        self.sent: dict[str, float] = {}
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._sockets: list[ServerConnection] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._ws = serve(self._attend, "127.0.0.1", 0, compression=None)
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        threading.Thread(target=self._ws.serve_forever, daemon=True).start()
        self.base = f"http://127.0.0.1:{self._http.server_address[1]}"
        self.api_url = f"{self.base}/api/"
        self.ws_url = f"ws://127.0.0.1:{self._ws.socket.getsockname()[1]}/link/?ticket=secret-ticket"

    def close(self) -> None:
        self._ws.shutdown()
        self._http.shutdown()
        self._http.server_close()

    # What a test looks at

    @property
    def connections(self) -> int:
        """Websockets that are open."""
        return len(self._sockets)

    def heal(self) -> None:
        """Nothing fails any more."""
        self._faults.clear()

    def wait(self, condition: Callable[[], Any], timeout: float = 10.0) -> Any:
        """Waits for something to be so, and says what it then is. AssertionError where it takes too long."""
        until = time.monotonic() + timeout
        with self.changed:
            while not (done := condition()) and time.monotonic() < until:
                self.changed.wait(0.05)  # it may be so elsewhere than here, in a file or a store: nobody says when
        assert done, f"not so after {timeout} s; calls: {[call.method for call in self.calls[-12:]]}"
        return done

    def replies(self, thread: str, channel: str | None = None) -> list[Posted]:
        """Our messages in a thread, oldest first, finished ones only."""
        found = [p for p in self.posted if p.thread_ts == thread and p.user == BOT and not p.streaming]
        return [p for p in found if channel in (None, p.channel)]

    def reply(self, thread: str, number: int = 1, timeout: float = 10.0) -> Posted:
        """The `number`th finished message in a thread, as soon as the status there is cleared."""
        self.wait(lambda: len(self.replies(thread)) >= number and not self.status(thread), timeout)
        return self.replies(thread)[number - 1]

    def called(self, method: str, **args: Any) -> list[Call]:
        """The calls of a method with these arguments."""
        return [c for c in self.calls if c.method == method and all(c.args.get(k) == v for k, v in args.items())]

    def status(self, thread: str) -> str:
        """The status that a thread shows."""
        calls = self.called("assistant.threads.setStatus", thread_ts=thread)
        return str(calls[-1].args["status"]) if calls else ""

    def fail(self, method: str, *faults: Fault) -> None:
        """The next calls of a method fail so, one after the other."""
        self._faults[method].extend(faults)

    # What people do

    def event(self, event: Mapping[str, Any], *, event_id: str | None = None, **more: Any) -> str:
        """Sends an event; returns the id of its envelope."""
        event_id = event_id or f"Ev{next(self.ids):08d}"
        payload = {"type": "event_callback", "team_id": TEAM, "api_app_id": "A1", "event_id": event_id}
        return self.send("events_api", payload | {"event": dict(event)}, **more)

    def message(self, text: str, *, channel: str, user: str = "UASKER001", **more: Any) -> dict[str, Any]:
        """A message event, not yet sent."""
        kind = "im" if channel.startswith("D") else "channel"
        event = {"type": "message", "channel": channel, "channel_type": kind, "user": user, "text": text}
        return event | {"ts": more.pop("ts", None) or self.ts()} | more

    def say(self, text: str, *, channel: str, **more: Any) -> str:
        """Somebody says something; returns its ts."""
        event = self.message(text, channel=channel, **more)
        self.event(event)
        return str(event["ts"])

    def mention(self, text: str, *, channel: str, **more: Any) -> str:
        """Somebody mentions the bot: Slack sends two events for it. Returns its ts."""
        event = self.message(f"<@{BOT}> {text}", channel=channel, **more)
        self.event(event | {"type": "app_mention"})
        self.event(event)
        return str(event["ts"])

    def command(self, text: str, *, channel: str, user: str = "UASKER001", command: str = "/whichway") -> str:
        """Somebody types a slash command; returns the id of its envelope."""
        number = next(self.ids)
        payload = {
            "command": command,
            "text": text,
            "channel_id": channel,
            "user_id": user,
            "team_id": TEAM,
            "trigger_id": f"{number}.900.abcdef",
            "response_url": f"{self.base}/respond/{number}",
        }
        return self.send("slash_commands", payload)

    def click(
        self, button: Mapping[str, Any], message: Posted | None = None, *, channel: str, user: str = "UASKER001"
    ) -> str:
        """Somebody presses a button, on a message or (None) on what only they see."""
        number = next(self.ids)
        container: dict[str, Any] = {"type": "message", "channel_id": channel, "is_ephemeral": message is None}
        container["message_ts"] = message.ts if message else self.ts()
        payload = {
            "type": "block_actions",
            "team": {"id": TEAM},
            "user": {"id": user},
            "channel": {"id": channel},
            "container": container,
            "trigger_id": f"{number}.900.abcdef",
            "response_url": f"{self.base}/respond/{number}",
            "actions": [dict(button) | {"action_ts": self.ts(), "block_id": "b"}],
        }
        if message is not None:
            payload["message"] = {"ts": message.ts, "thread_ts": message.thread_ts, "user": BOT}
        return self.send("interactive", payload)

    def pick(self, view: Mapping[str, Any], values: Mapping[str, Any], *, user: str = "UASKER001") -> str:
        """Somebody moves a menu of a modal."""
        payload = self._view_payload(view, values, user) | {
            "type": "block_actions",
            "container": {"type": "view", "view_id": view["id"]},
            "actions": [{"type": "static_select", "action_id": "weight", "block_id": "b", "action_ts": self.ts()}],
        }
        return self.send("interactive", payload)

    def submit(
        self, view: Mapping[str, Any], values: Mapping[str, Any], *, user: str = "UASKER001", **more: Any
    ) -> str:
        """Somebody submits a modal."""
        return self.send("interactive", self._view_payload(view, values, user) | {"type": "view_submission"} | more)

    def send(self, kind: str, payload: Mapping[str, Any], *, retry: int = 0) -> str:
        """Sends an envelope over the websocket."""
        envelope = f"envelope-{next(self.ids)}"
        body: dict[str, Any] = {"envelope_id": envelope, "type": kind, "payload": payload}
        body["accepts_response_payload"] = kind != "events_api"
        if retry:
            body |= {"retry_attempt": retry, "retry_reason": "timeout"}
        socket = self.wait(lambda: self._sockets[-1:])[0]
        self.sent[envelope] = time.monotonic()
        socket.send(json.dumps(body))
        return envelope

    def acked(self, envelope: str) -> Any:
        """Waits for the acknowledgement of an envelope, and gives its payload."""
        self.wait(lambda: envelope in self.acks)
        return self.acks[envelope][1]

    # How Slack does it

    def _view_payload(self, view: Mapping[str, Any], values: Mapping[str, Any], user: str) -> dict[str, Any]:
        shown = dict(view) | {"state": {"values": values}}
        number = next(self.ids)
        return {"team": {"id": TEAM}, "user": {"id": user}, "view": shown, "trigger_id": f"{number}.900.abcdef"}

    def _attend(self, socket: ServerConnection) -> None:
        socket.send(json.dumps({"type": "hello", "num_connections": 1}))
        with self.changed:
            self._sockets.append(socket)
            self.changed.notify_all()
        try:
            for line in socket:
                answer = json.loads(line)
                with self.changed:
                    self.acks[answer["envelope_id"]] = (time.monotonic(), answer.get("payload"))
                    self.changed.notify_all()
        except ConnectionClosed:
            pass
        finally:
            with self.changed:
                self._sockets.remove(socket)
                self.changed.notify_all()

    def answer(
        self, method: str, token: str, args: dict[str, Any]
    ) -> tuple[int, dict[str, str], dict[str, Any] | None]:
        """Status, headers and body of a call; a body of None: the line drops."""
        with self.changed:
            self.calls.append(Call(method, args, time.monotonic()))
            fault = self._faults[method].popleft() if self._faults[method] else None
            self.changed.notify_all()
        if fault is not None and fault.retry_after is not None:
            return 429, {"Retry-After": str(fault.retry_after)}, {"ok": False, "error": "ratelimited"}
        body: dict[str, Any] | None = None
        if fault is None or fault.done:
            with self.changed:
                body = self.do(method, token, args)
                self.changed.notify_all()
        if fault is not None and fault.gate is not None:
            fault.gate.wait(30)
            return 200, {}, None
        if fault is not None:
            return fault.status, {}, {"ok": False, "error": fault.error}
        return 200, {}, body


def _handler(slack: FakeSlack) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = urlsplit(self.path).path
            if not path.startswith("/api/"):
                self._send(200 if slack.receive(path, raw) else 400, {}, b"ok")
                return
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            if (self.headers.get("Content-Type") or "").startswith("application/json"):
                args = json.loads(raw or b"{}") or {}
            else:
                args = dict(parse_qsl(raw.decode(), keep_blank_values=True))
            status, headers, body = slack.answer(path.removeprefix("/api/"), token, args)
            if body is None:
                self.close_connection = True
                self.connection.close()
                return
            self._send(status, headers | {"Content-Type": "application/json"}, json.dumps(body).encode())

        do_GET = do_POST  # noqa: N815  the base class's name

        def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    return Handler
