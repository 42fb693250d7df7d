"""The fetcher of the web: pages of a list, pages followed by link, pages of a sitemap."""

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from types import TracebackType

from ingest.fetch.address import Address, RefusedError, parse
from ingest.fetch.cache import Cache, Entry
from ingest.fetch.client import Client, GoneError, Reply, Validators
from ingest.fetch.kinds import DOCUMENTS, SITEMAPS, charset_of, in_utf8
from ingest.fetch.links import Scope, below, downloaded_from, links_of
from ingest.fetch.login import asks_to_log_in
from ingest.fetch.manners import Clock
from ingest.fetch.pinned import Network
from ingest.fetch.sitemaps import read_sitemap
from ingest.sources import Fetched
from kb.errors import SourceError
from kb.records import LeftOut
from kb.settings import FollowSettings, Settings

_MOST_SITEMAPS = 50
_HTML = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(frozen=True, slots=True)
class _Page:
    """What became of an address: what is kept of it, and why it is not what is there now, if it is not."""

    url: str
    entry: Entry | None
    failure: LeftOut | None = None


class WebFetcher:
    """Brings documents from addresses, as `ingest.sources.Fetcher` asks. Close it when done.

    `offline` gives what earlier runs kept and asks nobody.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        offline: bool = False,
        network: Network | None = None,
        clock: Clock | None = None,
        today: Callable[[], str] = lambda: datetime.now(UTC).date().isoformat(),
    ) -> None:
        self._settings = settings.fetch
        self._offline = offline
        self._network = network or Network()
        self._stop = threading.Event()
        self._clock = clock or Clock(time.monotonic, self._stop.wait)
        self._today = today
        self._cache = Cache(settings.home)
        self._done: dict[str, _Page] = {}

    def fetch(self, addresses: Sequence[str], *, origin: str) -> Iterator[Fetched | LeftOut]:
        """The documents at these addresses, in their order."""
        scope = Scope.of(_parsed(addresses))
        for page in self._pages(addresses, scope):
            yield self._item(page, origin)

    def follow(self, address: str, follow: FollowSettings, *, origin: str) -> Iterator[Fetched | LeftOut]:
        """The document at an address and those that it links to, level by level, as far as `follow` allows."""
        start = _parsed([address])
        scope = Scope.of(start, follow.allow or [below(each) for each in start])
        limit = min(follow.pages, self._settings.max_pages)
        seen = {each.url for each in start}
        level, over = [address], 0
        for depth in range(follow.depth + 1):
            found: dict[str, None] = {}
            for page in self._pages(level, scope):
                if page.url == address and page.failure and page.failure.kind == "vanished" and follow.depth:
                    # Without the page that everything starts from nothing is known of the others.
                    yield _failed(address, page.failure.reason)
                    continue
                yield self._item(page, origin)
                if depth < follow.depth:
                    found |= dict.fromkeys(self._links(page, scope))
            new = [url for url in found if url not in seen]
            over += max(0, len(seen) + len(new) - limit)
            level = new[: max(0, limit - len(seen))]
            seen |= set(level)
        if over:
            yield LeftOut(address, f"{over} more pages are linked than the {limit} that are followed")

    def sitemap(self, address: str, allow: Sequence[str], *, origin: str) -> Iterator[Fetched | LeftOut]:
        """The documents that a sitemap lists and `allow` (patterns of host and path; empty: its host) lets through."""
        start = _parsed([address])
        scope = Scope.of(start, allow or [f"{each.place}/*" for each in start])
        found: dict[str, None] = {}
        waiting, read = [address], 0
        while waiting and read < _MOST_SITEMAPS:
            url = waiting.pop(0)
            read += 1
            page = self._page(url, scope, SITEMAPS)
            try:
                pages, further = self._listed(page, scope)
                reason = page.failure.reason if page.failure else ""
            except SourceError as error:
                pages, further, reason = [], [], str(error)
            if reason:
                # What a part lists is not known now: it is the source as a whole that failed.
                yield _failed(address, reason if url == address else f"{url}: {reason}")
            found |= dict.fromkeys(pages)
            waiting += further
        limit = self._settings.max_pages
        for listed in self._pages(list(found)[:limit], scope):
            yield self._item(listed, origin)
        if len(found) > limit or waiting:
            more = f"{len(found) - limit} more pages are" if len(found) > limit else f"{len(waiting)} more sitemaps are"
            yield LeftOut(address, f"{more} listed than are fetched")

    def close(self) -> None:
        """Close all connections, and note which kept pages are in use."""
        if "_client" in self.__dict__:
            self._client.close()
        if not self._offline:
            self._cache.touch(list(self._done))

    def __enter__(self) -> "WebFetcher":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @cached_property
    def _client(self) -> Client:
        return Client(self._settings, network=self._network, clock=self._clock, stopped=self._stop.is_set)

    def _pages(self, urls: Sequence[str], scope: Scope) -> Iterator[_Page]:
        """What became of each address, in order. Hosts are asked side by side, one does not wait for another."""
        if self._offline:
            for url in urls:
                yield self._page(url, scope, DOCUMENTS)
            return
        _ = self._client  # made here, not by the first thread that needs it
        pools: dict[str, ThreadPoolExecutor] = {}
        pages: list[Future[_Page]] = []
        try:
            for url in urls:
                place = next((downloaded_from(each).place for each in _parsed([url])), "")
                if place not in pools:
                    pools[place] = ThreadPoolExecutor(self._settings.per_host, thread_name_prefix="fetch")
                pages.append(pools[place].submit(self._page, url, scope, DOCUMENTS))
            for page in pages:
                yield page.result()
        except BaseException:
            self._stop.set()
            raise
        finally:
            for pool in pools.values():
                pool.shutdown(cancel_futures=True)

    def _page(self, url: str, scope: Scope, kinds: Set[str]) -> _Page:
        try:
            address = parse(url)
        except RefusedError as error:
            return _Page(url, None, _failed(url, str(error)))
        if address.url not in self._done:
            self._done[address.url] = self._asked(url, address, scope, kinds)
        done = self._done[address.url]
        return done if done.url == url else _Page(url, done.entry, _renamed(done.failure, url))

    def _asked(self, url: str, address: Address, scope: Scope, kinds: Set[str]) -> _Page:
        kept = self._cache.get(address.url)
        entry, before = kept or (None, None)
        if self._offline:
            missing = None if entry else _failed(url, "not fetched yet; leave --offline out once to fetch it")
            return _Page(url, entry, missing)
        known = Validators(entry.final, entry.etag, entry.modified) if entry else None
        try:
            reply = self._client.get(downloaded_from(address), kinds=kinds, allows=scope.redirects, validators=known)
        except GoneError as error:
            self._cache.drop(address.url)
            return _Page(url, None, LeftOut(url, str(error), "vanished"))
        except SourceError as error:
            return _Page(url, entry, _failed(url, str(error)))
        if reply.status != 200:
            reason = None if entry and reply.status == 304 else _failed(url, f"{reply.status} without a page")
            return _Page(url, entry, reason)
        if reply.kind in _HTML and asks_to_log_in(reply.body, before):
            return _Page(url, entry, _failed(url, "asks to log in: a password form is where the page was"))
        return _Page(url, self._kept(address, reply, entry))

    def _kept(self, address: Address, reply: Reply, old: Entry | None) -> Entry:
        charset = charset_of(reply.headers.get("content-type", ""))
        body = in_utf8(reply.body, charset) if reply.kind.startswith("text/") or reply.kind in _HTML else reply.body
        entry = Entry(
            url=address.url,
            final=reply.address.url,
            content_type=reply.kind,
            etag=reply.headers.get("etag", ""),
            modified=reply.headers.get("last-modified", ""),
            fetched=self._today(),
            sha256=hashlib.sha256(body).hexdigest(),
        )
        if old and old.sha256 == entry.sha256:
            entry = replace(entry, fetched=old.fetched)
        if entry != old:
            self._cache.put(entry, body)
        return entry

    def _item(self, page: _Page, origin: str) -> Fetched | LeftOut:
        if page.failure or not page.entry:
            return page.failure or _failed(page.url, "nothing is kept of it")
        kept = self._cache.get(page.entry.url)
        if kept is None:
            return _failed(page.url, "what was fetched cannot be read back")
        entry, body = kept
        return Fetched(
            data=body,
            url=page.url,
            content_type=entry.content_type,
            path=page.url,
            fetched=entry.fetched,
            origin=origin,
        )

    def _links(self, page: _Page, scope: Scope) -> Iterator[str]:
        """The addresses that a page, or what is kept of one that failed, links to and that may be followed."""
        kept = self._cache.get(page.entry.url) if page.entry else None
        if kept is None:
            return
        entry, body = kept
        with contextlib.suppress(RefusedError):
            for link in links_of(body, entry.content_type, parse(entry.final)):
                if scope.follows(link):
                    yield link.url

    def _listed(self, page: _Page, scope: Scope) -> tuple[list[str], list[str]]:
        """The pages and further sitemaps of a sitemap, as far as they may be followed; of a failed one, as kept."""
        kept = self._cache.get(page.entry.url) if page.entry else None
        if kept is None:
            raise SourceError(page.failure.reason if page.failure else "nothing is kept of it")
        sitemap = read_sitemap(kept[1], limit=self._settings.max_bytes)
        pages = [each.url for each in _parsed(sitemap.pages) if scope.follows(each)]
        return pages, [each.url for each in _parsed(sitemap.sitemaps) if scope.redirects(each)]


def _parsed(urls: Sequence[str]) -> list[Address]:
    """The addresses among these texts."""
    found: list[Address] = []
    for url in urls:
        with contextlib.suppress(RefusedError):
            found.append(parse(url))
    return found


def _renamed(failure: LeftOut | None, url: str) -> LeftOut | None:
    return replace(failure, source_id=url) if failure else None


def _failed(url: str, reason: str) -> LeftOut:
    return LeftOut(url, reason, "failed")
