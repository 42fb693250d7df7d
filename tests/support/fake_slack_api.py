"""What Slack's Web API does, in memory: channels, streams, modals, files; it refuses what Slack documents to refuse."""

import itertools
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slack_limits import problems, view_problems

# ruff: noqa: N802  the methods bear Slack's names

BOT, TEAM = "UBOT00001", "T00000001"
BOT_TOKEN, APP_TOKEN, SIGNING_SECRET = (
    "xoxb-1111-fake-bot-token",
    "xapp-1-fake-app-token",
    "8f742231b10e8888abcd99yyyzzz85a5",
)


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
    """What goes wrong: an error code, a 429 with `retry_after`, or a `gate` to wait for before the line drops.

    `done`: the call takes effect all the same, and only its answer is lost.
    """

    error: str = ""
    retry_after: int | None = None
    gate: threading.Event | None = None
    status: int = 200
    done: bool = False


class WebApi:
    """What Slack keeps, and what each method does to it. Methods are named after Slack's, dots as underscores."""

    base: str
    ws_url: str

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.ephemeral: list[dict[str, Any]] = []
        self.responses: list[dict[str, Any]] = []
        self.files: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self.refused: list[str] = []
        self.changed = threading.Condition()
        self._uploads: dict[str, bytes] = {}
        self._clock = itertools.count(1)
        self.ids = itertools.count(1)

    def ts(self) -> str:
        """A timestamp later than all before."""
        return f"1700000000.{next(self._clock):06d}"

    def do(self, method: str, token: str, args: dict[str, Any]) -> dict[str, Any]:
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
        found = [p for p in found if float(p.ts) >= float(args.get("oldest", 0))]
        start = int(args.get("cursor") or 0)
        end = start + int(args.get("limit", 100))
        shown = [
            {"user": p.user, "ts": p.ts, "text": p.text or p.markdown, "metadata": p.metadata} for p in found[start:end]
        ]
        more = len(found) > end
        return {
            "messages": shown,
            "has_more": more,
            "response_metadata": {"next_cursor": str(end) if more else ""},
        }

    def _conversations_open(self, args: dict[str, Any]) -> dict[str, Any]:
        return {"channel": {"id": "D" + args["users"][1:]}}

    def _views_open(self, args: dict[str, Any]) -> dict[str, Any]:
        view = args["view"] | {"id": f"V{next(self.ids)}", "hash": "1"}
        self.views.append(view)
        return {"view": view}

    def _views_update(self, args: dict[str, Any]) -> dict[str, Any]:
        view = args["view"] | {"id": args["view_id"], "hash": "2"}
        self.views.append(view)
        return {"view": view}

    def _files_getUploadURLExternal(self, args: dict[str, Any]) -> dict[str, Any]:
        number = next(self.ids)
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
        with self.changed:
            if kind == "upload":
                self._uploads[number] = body
            else:
                sent = json.loads(body)
                wrong = problems(sent["blocks"]) if "blocks" in sent else []
                self.refused += [f"response: {problem}" for problem in wrong]
                if wrong or sum(1 for r in self.responses if r["to"] == number) >= 5:
                    return False
                self.responses.append(sent | {"to": number})
            self.changed.notify_all()
        return True


def _chunks(args: Mapping[str, Any]) -> str:
    text = "".join(chunk["text"] for chunk in args.get("chunks", [])) + (args.get("markdown_text") or "")
    assert len(text) <= 12_000
    return text


def _markdown(blocks: list[dict[str, Any]]) -> str:
    return "\n\n".join(block["text"] for block in blocks if block["type"] == "markdown")
