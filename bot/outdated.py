"""Which stored answers rest on passages that have changed or gone since: to be asked again."""

from collections.abc import Iterator
from dataclasses import dataclass

from bot.answer import Answer, Citation
from bot.store import AnswerStore
from kb.reader import SnapshotReader
from kb.records import Corpus
from kb.settings import Settings


@dataclass(frozen=True, slots=True)
class Outdated:
    """A stored answer and one passage that it rests on. `became` is what became of the passage; `at` ISO, UTC."""

    answer_id: str
    question: str
    at: str
    citation: int
    url: str
    became: str


def outdated(store: AnswerStore, index: SnapshotReader | Corpus) -> Iterator[Outdated]:
    """What rests on sections that the index no longer holds as they were, oldest answer first."""
    live = {section.id for section in index.sections}
    documents = {document.id: document.source_id for document in index.documents}
    headed = {(documents[section.document_id], section.path) for section in index.sections}
    sources = set(documents.values())
    for answer_id in store.resting_on(lambda section: section not in live):
        stored = store.stored(answer_id)
        for citation in _missing(stored.answer, live) if stored else ():
            if (citation.source_id, tuple(citation.section)) in headed:
                became = "its text has changed"
            else:
                became = "the passage is gone" if citation.source_id in sources else "its document is gone"
            if stored:
                yield Outdated(answer_id, stored.answer.question, stored.at, citation.n, citation.url, became)


def notes(settings: Settings) -> list[str]:
    """A line for each stored answer that should be asked again; empty where there is none, or no index."""
    from kb.errors import WhichwayError
    from kb.index import open_index

    store = AnswerStore(settings.home)
    if not store.path.exists():
        return []
    try:
        with open_index(settings) as index:
            found: dict[str, list[Outdated]] = {}
            for each in outdated(store, index):
                found.setdefault(each.answer_id, []).append(each)
    except WhichwayError:
        return []
    finally:
        store.close()
    return [
        f"{answer_id} ({items[0].at[:10]}, {items[0].question[:80]!r}): "
        + "; ".join(f"[{item.citation}] {item.url}: {item.became}" for item in items)
        for answer_id, items in found.items()
    ]


def _missing(answer: Answer, live: set[str]) -> Iterator[Citation]:
    return (citation for citation in answer.citations if citation.section_id not in live)
