"""From sources to a corpus, and from a corpus to a live index: what is unchanged is neither parsed nor embedded again."""

from collections.abc import Callable, Sequence

from ingest import readers
from ingest.chunk import CountTokens
from ingest.document import Records, make_records
from ingest.duplicates import without_duplicates
from ingest.sources import Fetched, Fetcher, fetch_all
from ingest.stance import StanceFinder
from kb.errors import SourceError
from kb.records import Corpus, LeftOut
from kb.settings import Settings, SourceSettings

Progress = Callable[[str, int, int], None]
"""Called with what is done, how many are done, and of how many (0: not known)."""


def build_corpus(
    settings: Settings,
    *,
    sources: Sequence[SourceSettings],
    count_tokens: CountTokens,
    max_tokens: int = 256,
    fetcher: Fetcher | None = None,
    progress: Progress | None = None,
) -> Corpus:
    """All documents of the sources. What cannot be read is left out with its reason.

    SourceError where the only source cannot be read or nothing at all could be.
    """
    stances = StanceFinder(settings.decision.options)
    records: list[Records] = []
    left_out: list[LeftOut] = []
    for item in fetch_all(sources, base=settings.base, fetcher=fetcher):
        made = _made(item, stances, count_tokens, max_tokens)
        if isinstance(made, LeftOut):
            left_out.append(made)
        else:
            records.append(made)
        if progress:
            progress("Reading", len(records) + len(left_out), 0)
    if not records:
        raise SourceError(f"{left_out[0].source_id}: {left_out[0].reason}" if left_out else "no source gave a document")
    return assemble(records, left_out)


def assemble(records: Sequence[Records], left_out: Sequence[LeftOut]) -> Corpus:
    """One corpus of many documents, each address and each text once."""
    by_source: dict[str, Records] = {}
    for record in records:
        by_source.setdefault(record.document.source_id, record)
    kept, duplicates = without_duplicates(list(by_source.values()))
    return Corpus(
        documents=tuple(record.document for record in kept),
        sections=tuple(section for record in kept for section in record.sections),
        chunks=tuple(chunk for record in kept for chunk in record.chunks),
        statements=tuple(statement for record in kept for statement in record.statements),
        left_out=(*left_out, *duplicates),
    )


def _made(
    item: Fetched | LeftOut, stances: StanceFinder, count_tokens: CountTokens, max_tokens: int
) -> Records | LeftOut:
    if isinstance(item, LeftOut):
        return item
    name = item.url if item.url.startswith("http") else item.path
    try:
        parsed = readers.read(item)
    except (ValueError, SourceError) as error:
        return LeftOut(name, str(error))
    made = make_records(item, parsed, stances=stances, count_tokens=count_tokens, max_tokens=max_tokens)
    return made or LeftOut(name, "no text in it")
