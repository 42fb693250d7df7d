"""Gets one address, politely and within bounds: redirects are judged hop by hop, and failures tried again."""

import logging
import random
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from http import HTTPStatus

import httpcore

from ingest.fetch.address import Address, RefusedError, parse
from ingest.fetch.kinds import CutShortError, kind_of, unpacked
from ingest.fetch.login import is_login
from ingest.fetch.manners import LONGEST_WAIT, Clock, Host, wait_of
from ingest.fetch.pinned import Network, PinnedBackend
from ingest.fetch.robots import EVERYTHING, Robots, rules_of
from kb.errors import SourceError
from kb.settings import FetchSettings

log = logging.getLogger(__name__)

Allows = Callable[[Address], bool]
"""Whether a redirect may lead to an address."""

_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_FIRST_PAUSE = 1.0
_DRAINED = 65_536


class FailedError(SourceError):
    """An address that could not be had this time."""


class GoneError(SourceError):
    """An address that is no more, as its server says."""


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server gave with the bytes that are kept of `address`, to ask whether they changed."""

    address: str
    etag: str
    modified: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: 200 with its body, or 304. `kind` is its bare media type, `headers` have lower-case names."""

    address: Address
    status: int
    kind: str
    headers: Mapping[str, str]
    body: bytes


class Client:
    """One agent for all hosts of a run. Safe to share between threads; close it when done."""

    def __init__(
        self, settings: FetchSettings, *, network: Network, clock: Clock, stopped: Callable[[], bool] = lambda: False
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._stopped = stopped
        self._backend = PinnedBackend(network, private_hosts=settings.private_hosts)
        self._pool = httpcore.ConnectionPool(
            ssl_context=network.trusted(),
            max_connections=64,
            max_keepalive_connections=32,
            keepalive_expiry=30.0,
            network_backend=self._backend,
        )
        self._lock = threading.Lock()
        self._hosts: dict[str, Host] = {}
        self._robots: dict[str, tuple[threading.Lock, list[Robots | SourceError]]] = {}

    def get(self, address: Address, *, kinds: Set[str], allows: Allows, validators: Validators | None = None) -> Reply:
        """The answer at an address, or where it redirects to: status 200, or 304 where `validators` still hold.

        RefusedError, GoneError or FailedError, with the reason in a few words, where there is none.
        """
        return self._get(address, kinds, allows, validators, obeys=True)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def _get(
        self, address: Address, kinds: Set[str], allows: Allows, validators: Validators | None, *, obeys: bool
    ) -> Reply:
        start = address
        for _hop in range(self._settings.max_redirects + 1):
            if obeys and not self._rules(address, allows).allows(address.url):
                raise RefusedError(f"robots.txt of {address.place} keeps it from {self._settings.agent.split('/')[0]}")
            reply = self._patiently(address, kinds, validators)
            location = reply.headers.get("location", "")
            if reply.status not in (301, 302, 303, 307, 308) or not location:
                return reply
            try:
                address = parse(location, reply.address)
            except RefusedError as error:
                raise RefusedError(f"redirects to {location[:200]!r}: {error}") from None
            if is_login(address) and not is_login(start):
                raise FailedError(f"asks to log in: redirects to {address.place}{address.path[:100]}")
            if not allows(address):
                raise RefusedError(f"redirects to {address.url[:200]}, which is outside what is allowed")
        raise RefusedError(f"redirects more than {self._settings.max_redirects} times")

    def _rules(self, address: Address, allows: Allows) -> Robots:
        """The robots.txt of a place, asked for once a run."""
        with self._lock:
            lock, found = self._robots.setdefault(address.place, (threading.Lock(), []))
        with lock:
            if not found:
                found.append(self._ask_for_rules(address, allows))
        if isinstance(found[0], SourceError):
            raise found[0]
        return found[0]

    def _ask_for_rules(self, address: Address, allows: Allows) -> Robots | SourceError:
        try:
            reply = self._get(
                Address(address.host, address.port, "/robots.txt"), frozenset(), allows, None, obeys=False
            )
        except GoneError:
            return EVERYTHING
        except FailedError as error:
            if str(error)[:1] == "4" and not str(error).startswith("429"):
                return EVERYTHING  # RFC 9309: a client error means that there are no rules
            return FailedError(f"robots.txt of {address.place} cannot be had: {error}")
        except RefusedError as error:
            return RefusedError(f"robots.txt of {address.place}: {error}")
        rules = rules_of(reply.body, self._settings.agent)
        if rules.delay:
            self._host(address.place).slow_down(rules.delay)
        return rules

    def _host(self, place: str) -> Host:
        with self._lock:
            if place not in self._hosts:
                self._hosts[place] = Host(
                    delay=self._settings.delay_seconds, at_once=self._settings.per_host, clock=self._clock
                )
            return self._hosts[place]

    def _patiently(self, address: Address, kinds: Set[str], validators: Validators | None) -> Reply:
        """One hop, tried again with growing pauses where the server is busy or broken."""
        host = self._host(address.place)
        reason, pause = "", _FIRST_PAUSE
        for attempt in range(self._settings.retries + 1):
            if host.left_alone or self._stopped():
                raise FailedError(host.left_alone or "stopped")
            wanted: float | None = None
            with host.turn():
                try:
                    reply = self._once(address, kinds, validators)
                except (
                    httpcore.TimeoutException,
                    httpcore.NetworkError,
                    httpcore.ProtocolError,
                    CutShortError,
                ) as error:
                    if isinstance(error.__context__, ssl.SSLCertVerificationError):
                        raise RefusedError(
                            f"its certificate is not valid: {error.__context__.verify_message}"
                        ) from None
                    reason = self._told(error)
                else:
                    if reply.status not in _AGAIN:
                        host.answered()
                        return self._judged(reply)
                    reason = _phrase(reply.status)
                    wanted = wait_of(reply.headers.get("retry-after", ""), reply.headers.get("date", ""))
            if wanted is not None and wanted > LONGEST_WAIT:
                host.left_alone = f"{reason}: {address.place} asks to be left alone for {wanted:.0f} s"
                raise FailedError(host.left_alone)
            log.info("to be tried again", extra={"url": address.url, "reason": reason, "attempt": attempt + 1})
            if attempt < self._settings.retries:
                # Jitter keeps those that failed together from coming back together.
                host.back_off(wanted if wanted is not None else pause * (0.75 + random.random() / 2))  # noqa: S311
                pause *= 2
        host.gave_up(f"{address.place} does not answer: {reason}")
        raise FailedError(reason)

    def _once(self, address: Address, kinds: Set[str], validators: Validators | None) -> Reply:
        headers = [
            (b"Host", address.place.encode()),
            (b"User-Agent", self._settings.agent.encode("ascii", "replace")),
            (b"Accept", b"text/html, text/markdown;q=0.9, text/plain;q=0.8, */*;q=0.5"),
            (b"Accept-Encoding", b"gzip"),
        ]
        if validators and validators.address == address.url:
            headers += [(b"If-None-Match", validators.etag.encode("latin-1"))] if validators.etag else []
            headers += [(b"If-Modified-Since", validators.modified.encode("latin-1"))] if validators.modified else []
        url = httpcore.URL(
            scheme=b"https", host=address.host.encode(), port=address.port, target=address.target.encode()
        )
        seconds = self._settings.timeout_seconds
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        began = self._clock.now()
        with (
            self._backend.within(seconds),
            self._pool.stream("GET", url, headers=headers, extensions={"timeout": timeouts}) as response,
        ):
            given = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            kind = kind_of(given.get("content-type", ""), address.path)
            body = self._body(response.iter_stream(), response.status, kind, kinds, given)
        log.info(
            "fetched",
            extra={
                "url": address.url,
                "status": response.status,
                "bytes": len(body),
                "ms": round(1000 * (self._clock.now() - began)),
            },
        )
        return Reply(address, response.status, kind, given, body)

    def _body(
        self, parts: Iterator[bytes], status: int, kind: str, kinds: Set[str], headers: Mapping[str, str]
    ) -> bytes:
        length = headers.get("content-length", "")
        length_known = int(length) if length.isascii() and length.isdigit() else None
        if status != 200:
            if length_known is not None and length_known <= _DRAINED:
                for _part in parts:  # so that the connection can be used again
                    pass
            return b""
        if kinds and kind not in kinds:
            raise RefusedError(f"not a document ({kind[:60] or 'no content type'})")
        if length_known is not None and length_known > self._settings.max_bytes:
            raise RefusedError(f"longer than the {self._settings.max_bytes / 1e6:g} MB that are read")
        return unpacked(parts, headers.get("content-encoding", ""), limit=self._settings.max_bytes)

    def _judged(self, reply: Reply) -> Reply:
        if reply.status in (200, 304) or 300 < reply.status < 400:
            return reply
        if reply.status in (404, 410):
            raise GoneError(_phrase(reply.status))
        hint = ": it asks to log in" if reply.status in (401, 407) else ""
        raise FailedError(_phrase(reply.status) + hint)

    def _told(self, error: Exception) -> str:
        if isinstance(error, httpcore.TimeoutException):
            return f"no whole answer within {self._settings.timeout_seconds:g} s"
        if isinstance(error, httpcore.ConnectError):
            text = str(error)
            return text if text.startswith("the name ") else "no connection"
        return "the answer was cut short" if isinstance(error, CutShortError) else "the connection broke"


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
