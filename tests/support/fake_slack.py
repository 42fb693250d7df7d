"""Slack on loopback: its Web API over HTTP and a Socket Mode websocket, so that the real Bolt app can run against it.

It keeps channels as Slack does (streams that grow, messages that are edited), refuses what Slack documents to refuse
(bad tokens, blocks over a limit, appending to a stream that has ended) and fails on demand: `fail("chat.update", ...)`.
"""

import itertools
import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from slack_limits import problems, view_problems
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

BOT, TEAM = "UBOT00001", "T00000001"
BOT_TOKEN, APP_TOKEN, SIGNING_SECRET = "xoxb-1111-fake-bot-token", "xapp-1-fake-app-token", "8f742231b10e8888abcd99yyyzzz85a5"


@dataclass
class Posted:
    """A message as a channel shows it."""

    channel: str
    ts: str
    thread_ts: str | None
    user: str = BOT
    text: str = ""
    markdown: str = ""
    blocks: list[dict[str, Any]] = field(default_factory=list)
    streaming: bool = False
    edits: int = 0
    metadata: dict[str, Any] | None = None

    @property
    def words(self) -> str:
        """Everything that a reader sees of it."""
        return f"{self.markdown}\n{json.dumps(self.blocks, ensure_ascii=False)}"

    def button(self, action_id: str) -> dict[str, Any]:
        """The button with this action id."""
        elements = (e for block in self.blocks for e in block.get("elements", []) if isinstance(e, dict))
        return next(e for e in elements if e.get("action_id") == action_id)


@dataclass(frozen=True)
class Call:
    """One call of the Web API, in order."""

    method: str
    args: Mapping[str, Any]
    at: float


@dataclass(frozen=True)
class Fault:
    """What goes wrong: an error code, a 429 with `retry_after`, or `gate`: the answer waits for it, then the line drops.

    `done`: the call takes effect all the same, and only its answer is lost.
    """

    error: str = ""
    retry_after: int | None = None
    gate: threading.Event | None = None
    status: int = 200
    done: bool = False


class FakeSlack:
    """Start it, point a client at `api_url`, and speak as a person: `mention`, `say`, `command`, `click`, `submit`."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.calls: list[Call] = []
        self.ephemeral: list[dict[str, Any]] = []
        self.responses: list[dict[str, Any]] = []
        self.files: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self.refused: list[str] = []
        self.acks: dict[str, tuple[float, Any]] = {}
        self.sent: dict[str, float] = {}
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._uploads: dict[str, bytes] = {}
        self._clock = itertools.count(1)
        self._ids = itertools.count(1)
        self._changed = threading.Condition()
        self._sockets: list[ServerConnection] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._ws = serve(self._attend, "127.0.0.1", 0, compression=None)
        for target in (self._http.serve_forever, self._ws.serve_forever):
            threading.Thread(target=target, daemon=True).start()
        self.base = f"http://127.0.0.1:{self._http.server_address[1]}"
        self.api_url = f"{self.base}/api/"
        self.ws_url = f"ws://127.0.0.1:{self._ws.socket.getsockname()[1]}/link/?ticket=secret-ticket"

    def close(self) -> None:
        self._ws.shutdown()
        self._http.shutdown()
        self._http.server_close()

    # What a test looks at

    def wait(self, condition: Callable[[], Any], timeout: float = 10.0) -> Any:
        """Waits for something to be so, and says what it then is. AssertionError where it takes too long."""
        with self._changed:
            done = self._changed.wait_for(condition, timeout)
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

    def ts(self) -> str:
        """A timestamp later than all before."""
        return f"1700000000.{next(self._clock):06d}"

    def event(self, event: Mapping[str, Any], *, event_id: str | None = None, **more: Any) -> str:
        """Sends an event; returns the id of its envelope."""
        event_id = event_id or f"Ev{next(self._ids):08d}"
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
        number = next(self._ids)
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
        number = next(self._ids)
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

    def submit(self, view: Mapping[str, Any], values: Mapping[str, Any], *, user: str = "UASKER001", **more: Any) -> str:
        """Somebody submits a modal."""
        return self.send("interactive", self._view_payload(view, values, user) | {"type": "view_submission"} | more)

    def send(self, kind: str, payload: Mapping[str, Any], *, retry: int = 0) -> str:
        """Sends an envelope over the websocket."""
        envelope = f"envelope-{next(self._ids)}"
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
        number = next(self._ids)
        return {"team": {"id": TEAM}, "user": {"id": user}, "view": shown, "trigger_id": f"{number}.900.abcdef"}

    def _attend(self, socket: ServerConnection) -> None:
        socket.send(json.dumps({"type": "hello", "num_connections": 1}))
        with self._changed:
            self._sockets.append(socket)
            self._changed.notify_all()
        try:
            for line in socket:
                answer = json.loads(line)
                with self._changed:
                    self.acks[answer["envelope_id"]] = (time.monotonic(), answer.get("payload"))
                    self._changed.notify_all()
        except ConnectionClosed:
            pass
        finally:
            with self._changed:
                self._sockets.remove(socket)

    def answer(self, method: str, token: str, args: dict[str, Any]) -> tuple[int, dict[str, str], dict[str, Any] | None]:
        """Status, headers and body of a call; a body of None: the line drops."""
        with self._changed:
            self.calls.append(Call(method, args, time.monotonic()))
            fault = self._faults[method].popleft() if self._faults[method] else None
            self._changed.notify_all()
        if fault is not None and fault.retry_after is not None:
            return 429, {"Retry-After": str(fault.retry_after)}, {"ok": False, "error": "ratelimited"}
        body: dict[str, Any] | None = None
        if fault is None or fault.done:
            with self._changed:
                body = self._do(method, token, args)
                self._changed.notify_all()
        if fault is not None and fault.gate is not None:
            fault.gate.wait(30)
            return 200, {}, None
        if fault is not None:
            return fault.status, {}, {"ok": False, "error": fault.error}
        return 200, {}, body

    def _do(self, method: str, token: str, args: dict[str, Any]) -> dict[str, Any]:
        if token != (APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN):
            return {"ok": False, "error": "invalid_auth"}
        wrong = problems(args["blocks"]) if "blocks" in args else view_problems(args["view"]) if "view" in args else []
        if wrong:
            self.refused += [f"{method}: {problem}" for problem in wrong]
            return {"ok": False, "error": "invalid_blocks", "response_metadata": {"messages": wrong}}
        name = "_" + method.replace(".", "_")
        return {"ok": True} | (getattr(self, name)(args) or {})

    def _auth_test(self, args: dict[str, Any]) -> dict[str, Any]:
        return {"user_id": BOT, "bot_id": "B1", "team_id": TEAM, "team": "Team", "user": "whichway", "url": self.base}

    def _apps_connections_open(self, args: dict[str, Any]) -> dict[str, Any]:
        return {"url": self.ws_url}

    def _chat_startStream(self, args: dict[str, Any]) -> dict[str, Any]:
        assert args["recipient_user_id"] and args["recipient_team_id"]
        message = Posted(args["channel"], self.ts(), args["thread_ts"], streaming=True)
        message.markdown = _chunks(args)
        self.posted.append(message)
        return {"ts": message.ts, "channel": message.channel}

    def _stream(self, args: dict[str, Any]) -> Posted | None:
        return next((p for p in self.posted if p.ts == args["ts"] and p.streaming), None)

    def _chat_appendStream(self, args: dict[str, Any]) -> dict[str, Any]:
        message = self._stream(args)
        if message is None:
            return {"ok": False, "error": "message_not_in_streaming_state"}
        message.markdown += _chunks(args)
        return {"ts": message.ts}

    def _chat_stopStream(self, args: dict[str, Any]) -> dict[str, Any]:
        message = self._stream(args)
        if message is None:
            return {"ok": False, "error": "message_not_in_streaming_state"}
        message.markdown += _chunks(args)
        message.blocks = args.get("blocks", [])
        message.streaming = False
        return {"ts": message.ts}

    def expire_streams(self) -> None:
        """Slack ends streams that stood still for too long."""
        with self._changed:
            for message in self.posted:
                message.streaming = False

    def _chat_postMessage(self, args: dict[str, Any]) -> dict[str, Any]:
        message = Posted(args["channel"], self.ts(), args.get("thread_ts"), text=args.get("text", ""))
        message.blocks = args.get("blocks", [])
        message.markdown = _markdown(message.blocks)
        message.metadata = args.get("metadata")
        self.posted.append(message)
        return {"ts": message.ts, "channel": message.channel}

    def _chat_update(self, args: dict[str, Any]) -> dict[str, Any]:
        message = next((p for p in self.posted if p.ts == args["ts"] and p.channel == args["channel"]), None)
        if message is None:
            return {"ok": False, "error": "message_not_found"}
        message.text, message.blocks = args.get("text", ""), args.get("blocks", [])
        message.markdown, message.streaming = _markdown(message.blocks), False
        message.edits += 1
        return {"ts": message.ts}

    def _chat_postEphemeral(self, args: dict[str, Any]) -> None:
        self.ephemeral.append(args)

    def _assistant_threads_setStatus(self, args: dict[str, Any]) -> None:
        assert len(args.get("loading_messages", [])) <= 10

    def _conversations_replies(self, args: dict[str, Any]) -> dict[str, Any]:
        found = [p for p in self.posted if p.channel == args["channel"] and args["ts"] in (p.ts, p.thread_ts)]
        found = [p for p in found if float(p.ts) >= float(args.get("oldest", 0))][: int(args.get("limit", 100))]
        shown = [{"user": p.user, "ts": p.ts, "text": p.text or p.markdown, "metadata": p.metadata} for p in found]
        return {"messages": shown}

    def _conversations_open(self, args: dict[str, Any]) -> dict[str, Any]:
        return {"channel": {"id": "D" + args["users"][1:]}}

    def _views_open(self, args: dict[str, Any]) -> dict[str, Any]:
        view = args["view"] | {"id": f"V{next(self._ids)}", "hash": "1"}
        self.views.append(view)
        return {"view": view}

    def _views_update(self, args: dict[str, Any]) -> dict[str, Any]:
        view = args["view"] | {"id": args["view_id"], "hash": "2"}
        self.views.append(view)
        return {"view": view}

    def _files_getUploadURLExternal(self, args: dict[str, Any]) -> dict[str, Any]:
        number = next(self._ids)
        self._uploads[str(number)] = b""
        return {"upload_url": f"{self.base}/upload/{number}", "file_id": f"F{number}"}

    def _files_completeUploadExternal(self, args: dict[str, Any]) -> dict[str, Any]:
        files = json.loads(args["files"])
        content = self._uploads[files[0]["id"][1:]]
        self.files.append(args | {"content": content.decode(), "title": files[0]["title"]})
        return {"files": files}

    def receive(self, path: str, body: bytes) -> bool:
        """What is posted elsewhere than to the API: an uploaded file, or an answer to a response address."""
        kind, _, number = path.strip("/").partition("/")
        with self._changed:
            if kind == "upload":
                self._uploads[number] = body
            else:
                sent = json.loads(body)
                wrong = problems(sent["blocks"]) if "blocks" in sent else []
                self.refused += [f"response: {problem}" for problem in wrong]
                if wrong or sum(1 for r in self.responses if r["to"] == number) >= 5:
                    return False
                self.responses.append(sent | {"to": number})
            self._changed.notify_all()
        return True


def _chunks(args: Mapping[str, Any]) -> str:
    text = "".join(chunk["text"] for chunk in args.get("chunks", [])) + (args.get("markdown_text") or "")
    assert len(text) <= 12_000
    return text


def _markdown(blocks: list[dict[str, Any]]) -> str:
    return "\n\n".join(block["text"] for block in blocks if block["type"] == "markdown")


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

        do_GET = do_POST

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
