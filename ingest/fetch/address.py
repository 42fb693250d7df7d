"""Which addresses may be fetched: https alone, written in one way, at a public place of the internet."""

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

import idna

from kb.errors import SourceError

_NUMBER = r"(?:0x[0-9a-f]*|[0-9]+)"
_NUMERIC = re.compile(rf"{_NUMBER}(?:\.{_NUMBER}){{0,3}}", re.I)
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_ORGANISATION = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
# A public address by its number, yet it is the host's own platform to every machine in Azure.
_PLATFORM = frozenset({ipaddress.ip_address("168.63.129.16")})

IP = ipaddress.IPv4Address | ipaddress.IPv6Address


class RefusedError(SourceError):
    """An address that is not fetched, or an answer that is not read: trying again would not help."""


@dataclass(frozen=True, slots=True)
class Address:
    """An https address in its one spelling: host in lower-case ASCII or as an IP address, path without dot segments.

    `target` is the path and query, percent-encoded; fragments are no part of it.
    """

    host: str
    port: int
    target: str

    @property
    def place(self) -> str:
        """The host, with the port where it is not that of https."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 443 else f"{host}:{self.port}"

    @property
    def path(self) -> str:
        """The path without the query."""
        return self.target.partition("?")[0]

    @property
    def url(self) -> str:
        """The address as text."""
        return f"https://{self.place}{self.target}"


def parse(url: str, base: Address | None = None) -> Address:
    """The address that a text names, seen from `base`. RefusedError, with the reason, where it may not be fetched."""
    url = url.strip()
    if re.search(r"[\x00-\x1f\x7f]", url):
        raise RefusedError("an address with control characters")
    try:
        parts = urlsplit(urljoin(base.url, url) if base else url)
        port = parts.port
    except ValueError:
        raise RefusedError("not an address") from None
    if parts.scheme != "https":
        hint = ": only https:// is fetched" if parts.scheme in ("", "http") else f" ({parts.scheme}:)"
        raise RefusedError(f"not an https address{hint}")
    if "@" in parts.netloc:
        raise RefusedError("an address with a user name or password in it")
    if "\\" in parts.netloc:
        raise RefusedError("not an address")
    query = f"?{_encoded(parts.query)}" if parts.query else ""
    return Address(_host(parts.hostname or ""), port or 443, _without_dots(_encoded(parts.path)) + query)


def why_not_public(ip: str, *, private: bool = False) -> str | None:
    """Why an IP address is not fetched from; None: it is public, or with `private` one of an organisation's network.

    IPv4 addresses inside IPv6 ones (mapped, 6to4, NAT64) are judged as what they lead to.
    """
    judged: IP = ipaddress.ip_address(ip.partition("%")[0])
    while isinstance(judged, ipaddress.IPv6Address) and (inner := _inside(judged)):
        judged = inner
    if judged in _PLATFORM:
        return f"{ip} is the cloud platform's own address"
    local = judged.is_multicast or judged.is_reserved or getattr(judged, "is_site_local", False)
    if judged.is_global and not local:
        return None
    if private and any(judged in network for network in _ORGANISATION if network.version == judged.version):
        return None
    return f"{ip} is not a public address"


def _inside(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


def _host(name: str) -> str:
    if ":" in name:
        try:
            return ipaddress.IPv6Address(name).compressed
        except ValueError:
            raise RefusedError("not an address") from None
    name = name.rstrip(".")
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError:
            raise RefusedError(f"{name!r} is no host name") from None
    if _NUMERIC.fullmatch(name):
        # The system reads decimal, octal and short spellings as IPv4 addresses; so does this.
        try:
            return socket.inet_ntoa(socket.inet_aton(name))
        except OSError:
            raise RefusedError(f"{name!r} is no host name") from None
    if not _NAME.fullmatch(name) or len(name) > 253:
        raise RefusedError(f"{name!r} is no host name" if name else "an address without a host")
    return name


def _encoded(text: str) -> str:
    text = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", text)
    return quote(text, safe="/%:@!$&'()*+,;=~?-._")


def _without_dots(path: str) -> str:
    kept: list[str] = []
    segments = re.sub(r"%2e", ".", path or "/", flags=re.I).split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
