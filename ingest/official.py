"""The text of a public page by its address, for checks that compare with what the page says today."""

from collections.abc import Callable
from urllib.parse import urldefrag

from ingest import readers
from ingest.fetch import WebFetcher
from ingest.sections import lay_out
from ingest.sources import Fetched
from kb.settings import Settings


def official_text(settings: Settings) -> Callable[[str], str | None]:
    """What fetches a page's text, politely, each page once: None where it cannot be had or read."""
    fetcher = WebFetcher(settings)
    known: dict[str, str | None] = {}

    def text_of(url: str) -> str | None:
        page = urldefrag(url).url
        if page not in known:
            (item,) = fetcher.fetch([page], origin=page)
            known[page] = _text(item) if isinstance(item, Fetched) else None
        return known[page]

    return text_of


def _text(item: Fetched) -> str | None:
    try:
        return lay_out(readers.read(item).blocks).text
    except ValueError:
        return None
