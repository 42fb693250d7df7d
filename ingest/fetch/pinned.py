"""Connects to the very addresses that were checked: a name is resolved once, every result judged, one of them dialled.

No time passes between check and use, so a name that changes its addresses in between gains nothing.
"""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import httpcore

from ingest.fetch.address import RefusedError, why_not_public

Resolve = Callable[[str, int], Sequence[str]]
"""A host's IP addresses; OSError where it has none."""

Place = Callable[[str, int], tuple[str, int]]


def system_resolve(host: str, port: int) -> Sequence[str]:
    """The addresses that the system gives for a host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(item[4][0]) for item in found))


def _trusted() -> ssl.SSLContext:
    import certifi

    context = ssl.create_default_context()  # the system's authorities, and SSL_CERT_FILE
    context.load_verify_locations(certifi.where())
    return context


@dataclass(frozen=True, slots=True)
class Network:
    """How names become connections. `dialled` says where a checked address and port are reached: as they are.

    Tests give other ones: the checks stay the same.
    """

    resolve: Resolve = system_resolve
    dialled: Place = lambda ip, port: (ip, port)
    trusted: Callable[[], ssl.SSLContext] = field(default=_trusted)


class PinnedBackend(httpcore.NetworkBackend):
    """Opens connections to public addresses only, and keeps every wait within the time left to its thread."""

    def __init__(self, network: Network, *, private_hosts: Iterable[str] = ()) -> None:
        self._network = network
        self._private = frozenset(private_hosts)
        self._tcp = httpcore.SyncBackend()
        self._mine = threading.local()

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """What this thread does inside takes at most so long: httpcore.TimeoutException when it is over."""
        self._mine.end = time.monotonic() + seconds
        try:
            yield
        finally:
            del self._mine.end

    def left(self) -> float:
        """The seconds left to this thread."""
        left = float(getattr(self._mine, "end", float("inf"))) - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("out of time")
        return left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the host. RefusedError where any of its addresses is not public."""
        try:
            found = self._network.resolve(host, port)
        except (OSError, UnicodeError):
            raise httpcore.ConnectError(f"the name {host} cannot be resolved") from None
        for ip in found:
            if reason := why_not_public(ip, private=host in self._private):
                raise RefusedError(reason if ip == host else f"{host} leads to {reason}")
        error: Exception = httpcore.ConnectError(f"the name {host} has no address")
        for ip in found:
            place, number = self._network.dialled(ip, port)
            try:
                stream = self._tcp.connect_tcp(place, number, _sooner(timeout, self.left()))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
            else:
                return _Timed(stream, self)
        raise error


class _Timed(httpcore.NetworkStream):
    """A stream whose waits end with the time left to the thread that uses it."""

    def __init__(self, stream: httpcore.NetworkStream, backend: PinnedBackend) -> None:
        self._stream = stream
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _sooner(timeout, self._backend.left()))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _sooner(timeout, self._backend.left()))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, _sooner(timeout, self._backend.left()))
        return _Timed(secured, self._backend)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _sooner(timeout: float | None, left: float) -> float:
    return left if timeout is None else min(timeout, left)
