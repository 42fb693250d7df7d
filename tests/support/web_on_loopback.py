"""A web of our own on loopback: real TLS and HTTP, every host of a test served by one server.

Names resolve to addresses that look public, and a connection to one of those is dialled to the server. So the checks
of the product are the real ones; only the last step of a connection leads elsewhere.
"""

import gzip
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

import trustme

from ingest.fetch.manners import Clock
from ingest.fetch.pinned import Network

PUBLIC = "93.184.215.14"


@dataclass
class Page:
    """One answer. `stream` writes the body itself; `then` are the answers to the requests after this one."""

    body: bytes = b""
    status: int = 200
    kind: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str = ""
    stream: Callable[[Callable[[bytes], object]], None] | None = None
    then: Sequence["Page"] = ()


def redirect(location: str, status: int = 302) -> Page:
    """An answer that leads elsewhere."""
    return Page(status=status, headers={"Location": location})


class Web:
    """Serves `pages` by `host/path`; what is not there is 404. `asked` are the requests, `dialled` the connections."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.names: dict[str, Sequence[str]] = {}
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.answered: Counter[int] = Counter()
        self.resolved: list[str] = []
        self.dialled: list[tuple[str, int]] = []
        self.busy: Counter[str] = Counter()
        self.most_at_once = 0
        self._lock = threading.Lock()
        self._authority = trustme.CA()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._server.socket = self._context("localhost").wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> "Web":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """Where the server listens."""
        return int(self._server.server_address[1])

    @property
    def network(self) -> Network:
        """What a fetcher needs to see this web in place of the internet's."""
        return Network(self._resolve, self._dialled, self._trusting)

    def write_authority(self, path: Path) -> Path:
        """Writes the certificate that a child process has to trust."""
        self._authority.cert_pem.write_to_path(str(path))
        return path

    def count(self, place: str) -> int:
        """How often `host/path` was asked for."""
        return sum(asked == place for asked, _headers in self.asked)

    def _resolve(self, host: str, port: int) -> Sequence[str]:
        self.resolved.append(host)
        known = self.names.get(host)
        if known is None and not any(page.partition("/")[0] == host for page in self.pages):
            raise socket.gaierror("no such name")
        if host.replace(".", "").isdigit() or ":" in host:
            return (host,)
        return known or (PUBLIC,)

    def _dialled(self, ip: str, port: int) -> tuple[str, int]:
        self.dialled.append((ip, port))
        return "127.0.0.1", self.port

    def _trusting(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context

    def _context(self, host: str) -> ssl.SSLContext:
        if host not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._authority.issue_cert(host).configure_cert(context)
            if not self._contexts:
                context.sni_callback = self._by_name  # type: ignore[assignment]
            self._contexts[host] = context
        return self._contexts[host]

    def _by_name(self, connection: ssl.SSLObject, host: str | None, context: ssl.SSLContext) -> None:
        if host and not host.startswith("untrusted."):
            with self._lock:
                connection.context = self._context(host)

    def answer(self, place: str, headers: Mapping[str, str]) -> Page:
        """The page for a request, which is noted."""
        with self._lock:
            self.asked.append((place, headers))
            page = self.pages.get(place) or Page(status=404)
            if page.then:
                self.pages[place] = page.then[0]
                self.pages[place].then = self.pages[place].then or page.then[1:]
            return page


def _handler(web: Web) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        # Without it, headers and body go out apart and the acknowledgement of the first is waited for: 40 ms a page.
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            host = self.headers["Host"]
            page = web.answer(f"{host}{self.path}", {name.lower(): value for name, value in self.headers.items()})
            with web._lock:
                web.busy[host] += 1
                web.most_at_once = max(web.most_at_once, web.busy[host])
            try:
                self._send(page)
            except OSError:
                self.close_connection = True
            finally:
                web.busy[host] -= 1

        def _send(self, page: Page) -> None:
            status, body = page.status, page.body
            if page.etag and self.headers.get("If-None-Match") == page.etag:
                status, body = 304, b""
            web.answered[status] += 1
            self.send_response(status)
            if page.kind and status != 304:
                self.send_header("Content-Type", page.kind)
            for name, value in (({"ETag": page.etag} if page.etag else {}) | dict(page.headers)).items():
                self.send_header(name, value)
            if page.stream:
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.flush()
                page.stream(lambda part: (self.wfile.write(part), self.wfile.flush()))
                self.close_connection = True
                return
            if status != 304 and "Content-Length" not in page.headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            if "Content-Length" in page.headers:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


class QuickClock:
    """A clock that is moved by sleeping, so that pauses cost no time; `slept` are the pauses."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._skipped = 0.0
        self._lock = threading.Lock()

    @property
    def clock(self) -> Clock:
        """As the product takes it."""
        return Clock(lambda: time.monotonic() + self._skipped, self._sleep)

    def _sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(round(seconds, 2))
            self._skipped += seconds


def bomb(size: int) -> bytes:
    """A small gzip that unpacks to so many bytes."""
    return gzip.compress(bytes(size), 9)
