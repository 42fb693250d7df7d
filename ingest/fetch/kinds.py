"""Which kinds of answers are documents, and how their bytes are brought to one form."""

import codecs
import zlib
from collections.abc import Iterable

from ingest.fetch.address import RefusedError
from ingest.sources import content_type_of

OFFICE = "application/vnd.openxmlformats-officedocument."
DOCUMENTS = frozenset(
    {
        "text/html",
        "application/xhtml+xml",
        "text/markdown",
        "text/x-markdown",
        "text/plain",
        "application/yaml",
        "application/pdf",
        "application/x-ipynb+json",
        f"{OFFICE}wordprocessingml.document",
        f"{OFFICE}presentationml.presentation",
        f"{OFFICE}spreadsheetml.sheet",
    }
)
SITEMAPS = frozenset({"application/xml", "text/xml", "text/plain", "application/gzip", "application/x-gzip"})
_BY_NAME = frozenset({"", "text/plain", "application/octet-stream", "binary/octet-stream"})
"""Types that say nothing: the address's suffix says more."""


class TooLongError(RefusedError):
    """More bytes than are read."""


class CutShortError(Exception):
    """Fewer bytes than were announced."""


def kind_of(content_type: str, path: str) -> str:
    """The media type of an answer, in lower case and without parameters, from its header or its address's suffix."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in _BY_NAME and "." in path.rsplit("/", 1)[-1]:
        named = content_type_of(path)
        if named in DOCUMENTS and not (named == "text/html" and kind == "text/plain"):
            return named
    return kind


def charset_of(content_type: str) -> str:
    """The character set that a Content-Type header names, "" where it names none."""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'").lower()
    return ""


def in_utf8(data: bytes, charset: str) -> bytes:
    """Text bytes in UTF-8; a header's word for another encoding outranks what the page says of itself."""
    try:
        name = codecs.lookup(charset).name if charset else "utf-8"
    except (LookupError, ValueError):
        return data
    if name in ("utf-8", "ascii") or data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data
    try:
        return codecs.BOM_UTF8 + data.decode("windows-1252" if name == "iso8859-1" else name, "replace").encode()
    except (LookupError, ValueError, TypeError):  # a codec that is none of text
        return data


def unpacked(parts: Iterable[bytes], encoding: str, *, limit: int) -> bytes:
    """The bytes of a body, at most `limit` of them both as sent and unpacked.

    TooLongError above that, RefusedError for an encoding that was not asked for, CutShortError where it ends early.
    """
    encoding = encoding.strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise RefusedError(f"sent in an encoding that was not asked for ({encoding[:40]})")
    unzip = zlib.decompressobj(31) if "gzip" in encoding else None
    sent, body = 0, bytearray()
    for part in parts:
        sent += len(part)
        try:
            body += unzip.decompress(part, limit + 1 - len(body)) if unzip else part
        except zlib.error:
            raise CutShortError from None
        if sent > limit or len(body) > limit:
            raise TooLongError(f"longer than the {limit / 1e6:g} MB that are read")
    if unzip and sent and not unzip.eof:
        raise CutShortError
    return bytes(body)
