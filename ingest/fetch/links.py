"""Which addresses may be followed, and which a page links to."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from ingest.fetch.address import Address, RefusedError, parse

_TRACKING = re.compile(r"(?:^|&)(?:utm_\w+|gclid|fbclid|msclkid|mc_[ce]id|wt\.mc_id)=[^&]*", re.I)
_IN_MARKDOWN = re.compile(
    r"(?<!!)\]\(\s*<?([^)\s>]+)|^\s*\[[^\]^][^\]]*\]:\s*<?(\S+?)>?(?:\s|$)|<(https://[^>\s]+)>", re.M
)
_NO_PAGE = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|ico|css|js|mjs|json|xml|zip|gz|tgz|mp4|webm|mp3|woff2?|exe|msi)$", re.I
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a source may lead: `patterns` of host and path for links, `hosts` besides for redirects."""

    patterns: tuple[str, ...]
    hosts: frozenset[str]

    @classmethod
    def of(cls, addresses: Iterable[Address], patterns: Sequence[str] = ()) -> "Scope":
        """The scope of a source that names these addresses; a name with `www.` and without is one host."""
        hosts = {address.place for address in addresses}
        hosts |= {place.removeprefix("www.") for place in hosts} | {f"www.{place}" for place in hosts}
        hosts |= {"raw.githubusercontent.com"} if "github.com" in hosts else set()
        return cls(tuple(_pattern(each) for each in patterns), frozenset(hosts))

    def follows(self, address: Address) -> bool:
        """Whether a link may be followed."""
        return any(fnmatchcase(f"{address.place}{address.path}", pattern) for pattern in self.patterns)

    def redirects(self, address: Address) -> bool:
        """Whether a redirect may lead there."""
        return address.place in self.hosts or self.follows(address)


def below(address: Address) -> str:
    """The pattern of all that lies in the folder of an address."""
    return f"{address.place}{address.path.rpartition('/')[0]}/*"


def downloaded_from(address: Address) -> Address:
    """Where the bytes behind an address are: a file on GitHub is read as it is, not as a page about it."""
    match = re.fullmatch(r"(/[^/]+/[^/]+)/blob/(.+)", address.path)
    if address.host == "github.com" and match:
        return Address("raw.githubusercontent.com", 443, f"{match[1]}/{match[2]}")
    return address


def links_of(data: bytes, kind: str, address: Address) -> list[Address]:
    """The pages that a document links to, each once, in their order; other kinds than HTML and Markdown have none."""
    if kind in ("text/html", "application/xhtml+xml"):
        found, base = _in_html(data)
    elif kind in ("text/markdown", "text/x-markdown"):
        text = data.decode("utf-8", "replace")
        found, base = ["".join(groups) for groups in _IN_MARKDOWN.findall(text)], ""
    else:
        return []
    links: dict[Address, None] = {}
    try:
        start = parse(base, address) if base else address
    except RefusedError:
        start = address
    for link in found:
        try:
            linked = parse(link, start)
        except RefusedError:
            continue
        linked = _plain(linked)
        if not _NO_PAGE.search(linked.path):
            links[linked] = None
    return list(links)


def _plain(address: Address) -> Address:
    path, _, query = address.target.partition("?")
    query = _TRACKING.sub("", query).lstrip("&")
    return Address(address.host, address.port, f"{path}?{query}" if query else path)


def _pattern(text: str) -> str:
    """An allow pattern as host and path: a scheme is dropped, the host is in lower case."""
    text = text.removeprefix("https://")
    host, slash, path = text.partition("/")
    return f"{host.lower()}/{path}" if slash else f"{host.lower()}/*"


def _in_html(data: bytes) -> tuple[list[str], str]:
    from lxml import etree
    from lxml.html import document_fromstring

    try:
        root = document_fromstring(data)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return [], ""
    if any("nofollow" in meta.get("content", "").lower() for meta in root.iter("meta") if meta.get("name") == "robots"):
        return [], ""
    anchors = (a for a in root.iter("a") if "nofollow" not in a.get("rel", "").lower())
    links = [link for a in anchors if _leads_on(link := a.get("href", ""))]
    return links, next((base.get("href", "") for base in root.iter("base")), "")


def _leads_on(link: str) -> bool:
    """Whether a link leads to a page: not to a place on this one, not to a mail address."""
    try:
        return bool(link) and not link.startswith("#") and urlsplit(link).scheme in ("", "https")
    except ValueError:
        return False
