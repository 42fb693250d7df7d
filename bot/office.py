"""Opens everything that a channel needs: the live chain, the store, and the desk over them."""

from collections.abc import Iterator
from contextlib import contextmanager

from bot.desk import Desk
from bot.factory import LiveChain
from bot.listing import SourceRow, source_rows
from bot.store import AnswerStore
from kb.settings import Settings


@contextmanager
def open_desk(settings: Settings, *, once: bool = False) -> Iterator[Desk]:
    """A desk over the live index. IndexMissingError where there is no index yet.

    `once`: for a single question; see `LiveChain`.
    """
    chain = LiveChain(settings, once=once)
    store = AnswerStore(settings.home)

    def sources() -> list[SourceRow]:
        with chain.live.reading() as index:
            return source_rows(index)

    try:
        with chain.live.reading():
            pass
        if not once:
            chain.build_beside()
        yield Desk(chain, settings, store, sources=sources, section_texts=chain.section_texts)
    finally:
        store.close()
        chain.close()
