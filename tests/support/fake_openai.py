"""An OpenAI-compatible server on loopback that says what a test scripts: real HTTP, streaming, and every fault."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class Reaction:
    """How the server reacts to one request. `cut_after`: so many characters are sent, then the line goes dead."""

    text: str = ""
    status: int = 200
    refusal: str = ""
    wait: float = 0.0
    pause: float = 0.0
    piece: int = 17
    cut_after: int | None = None
    raw: bytes | None = None
    finish: str = "stop"


Script = Callable[[dict[str, Any]], Reaction]


@dataclass
class FakeOpenAI:
    """Use as a context manager: `url` is the base address, `requests` what was asked, oldest first."""

    script: Script
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def __enter__(self) -> "FakeOpenAI":
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                fake.requests.append(body)
                fake.headers.append(dict(self.headers))
                try:
                    self._react(body, fake.script(body))
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def _react(self, body: dict[str, Any], reaction: Reaction) -> None:
                fake.released.wait(reaction.wait)
                if reaction.raw is not None:
                    self._whole(200, reaction.raw)
                elif reaction.status != 200:
                    problem = {"error": {"message": "scripted", "type": "scripted", "code": reaction.status}}
                    self._whole(reaction.status, json.dumps(problem).encode())
                elif body.get("stream"):
                    self._stream(body, reaction)
                else:
                    self._whole(200, json.dumps(_completion(reaction)).encode())

            def _whole(self, status: int, content: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def _stream(self, body: dict[str, Any], reaction: Reaction) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                text = reaction.text if reaction.cut_after is None else reaction.text[: reaction.cut_after]
                self._event(_chunk({"role": "assistant", "content": ""}))
                if reaction.refusal:
                    self._event(_chunk({"refusal": reaction.refusal}))
                for start in range(0, len(text), reaction.piece):
                    self._event(_chunk({"content": text[start : start + reaction.piece]}))
                    if reaction.pause:
                        fake.released.wait(reaction.pause)
                if reaction.cut_after is not None:
                    self.close_connection = True
                    self.connection.close()
                    return
                self._event(_chunk({}, finish=reaction.finish))
                if (body.get("stream_options") or {}).get("include_usage"):
                    self._event({**_chunk({}), "choices": [], "usage": _usage(reaction.text)})
                self._write(b"data: [DONE]\n\n")
                self.wfile.write(b"0\r\n\r\n")

            def _event(self, value: dict[str, Any]) -> None:
                self._write(f"data: {json.dumps(value)}\n\n".encode())

            def _write(self, content: bytes) -> None:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
                self.wfile.flush()

        self.released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def _usage(text: str) -> dict[str, int]:
    return {"prompt_tokens": 700, "completion_tokens": len(text) // 4, "total_tokens": 700 + len(text) // 4}


def _chunk(delta: dict[str, Any], *, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": "fake",
        "choices": [choice],
    }


def _completion(reaction: Reaction) -> dict[str, Any]:
    message = {"role": "assistant", "content": reaction.text, "refusal": reaction.refusal or None}
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": "fake",
        "choices": [{"index": 0, "message": message, "finish_reason": reaction.finish}],
        "usage": _usage(reaction.text),
    }
