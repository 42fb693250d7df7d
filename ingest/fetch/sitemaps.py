"""Reads sitemaps: XML, an index of them, plain text, each also compressed."""

import zlib
from dataclasses import dataclass

from ingest.fetch.address import RefusedError
from ingest.fetch.kinds import CutShortError, unpacked


@dataclass(frozen=True, slots=True)
class Sitemap:
    """The addresses of pages, and of further sitemaps, in their order."""

    pages: tuple[str, ...]
    sitemaps: tuple[str, ...]


def read_sitemap(data: bytes, *, limit: int) -> Sitemap:
    """A sitemap from its bytes; `limit` bounds what a compressed one unpacks to. RefusedError where it is none."""
    from lxml import etree

    if data[:2] == b"\x1f\x8b":
        try:
            data = unpacked([data], "gzip", limit=limit)
        except (CutShortError, zlib.error):
            raise RefusedError("a damaged sitemap") from None
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        lines = (line.strip() for line in data.decode("utf-8-sig", "replace").splitlines())
        pages = tuple(line for line in lines if line.startswith("https://"))
        if not pages:
            raise RefusedError("not a sitemap")
        return Sitemap(pages, ())
    # No entity of the document's own is resolved, nothing outside it is read.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        raise RefusedError("not a sitemap") from None
    kind = etree.QName(root).localname
    if kind not in ("urlset", "sitemapindex"):
        raise RefusedError("not a sitemap")
    found = tuple(
        text.strip()
        for entry in root
        for field in entry
        if isinstance(field.tag, str) and etree.QName(field).localname == "loc" and (text := field.text)
    )
    return Sitemap(found, ()) if kind == "urlset" else Sitemap((), found)
