"""Keeps each page as it was last fetched: what conditional requests compare with, and what `--offline` reads.

One file an address, `<home>/fetched/<hash>`: a line of JSON, then the compressed bytes. A file is replaced as a whole,
and one that a crash or a bit flip damaged counts as absent.
"""

import hashlib
import json
import logging
import os
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from kb.files import write_atomically

log = logging.getLogger(__name__)

MAX_CACHE_BYTES = 2_000_000_000
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a fetched page. `url` was asked for, `final` answered; `fetched` is the ISO date of its bytes.

    `etag` and `modified` are the validators that its server gave, "" where it gave none.
    """

    url: str
    final: str
    content_type: str
    etag: str
    modified: str
    fetched: str
    sha256: str


class Cache:
    """The fetched pages of a home. What cannot be written is logged once and kept in memory until the process ends."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "fetched"
        self._spare: dict[str, tuple[Entry, bytes]] = {}

    def get(self, url: str) -> tuple[Entry, bytes] | None:
        """The page as last fetched; None where there is none, or none that is whole."""
        if url in self._spare:
            return self._spare[url]
        try:
            head, _, packed = self._path(url).read_bytes().partition(b"\n")
            fields = json.loads(head)
            if fields.pop("format") != _FORMAT:
                return None
            entry = Entry(**fields)
            body = zlib.decompress(packed)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, zlib.error) as error:
            log.warning("a kept page cannot be read; it is fetched anew", extra={"url": url, "reason": str(error)})
            return None
        if entry.url != url or hashlib.sha256(body).hexdigest() != entry.sha256:
            log.warning("a kept page is damaged; it is fetched anew", extra={"url": url})
            return None
        return entry, body

    def put(self, entry: Entry, body: bytes) -> None:
        """Keeps a page in place of what was there."""
        path = self._path(entry.url)
        head = json.dumps(asdict(entry) | {"format": _FORMAT}).encode()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, head + b"\n" + zlib.compress(body))
        except OSError as error:
            if not self._spare:
                log.warning("fetched pages cannot be kept", extra={"folder": str(self._folder), "reason": str(error)})
            self._spare[entry.url] = (entry, body)

    def drop(self, url: str) -> None:
        """Forgets a page."""
        self._spare.pop(url, None)
        try:
            self._path(url).unlink(missing_ok=True)
        except OSError as error:
            log.warning("a kept page cannot be removed", extra={"url": url, "reason": str(error)})

    def touch(self, urls: Iterable[str]) -> None:
        """Notes that pages were used, then lets the longest unused go until the rest is within MAX_CACHE_BYTES."""
        try:
            for url in urls:
                if (path := self._path(url)).exists():
                    os.utime(path)
            kept = [(path.stat().st_mtime, path.stat().st_size, path) for path in self._folder.glob("*")]
            total = sum(size for _used, size, _path in kept)
            for _used, size, path in sorted(kept):
                if total <= MAX_CACHE_BYTES:
                    break
                path.unlink(missing_ok=True)
                total -= size
        except OSError as error:
            log.warning("the kept pages could not be tidied", extra={"reason": str(error)})

    def _path(self, url: str) -> Path:
        return self._folder / hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:40]
