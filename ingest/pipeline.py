"""From sources to a corpus, and from a corpus to a live index: the unchanged is neither parsed nor embedded again."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ingest import readers
from ingest.chunk import CountTokens
from ingest.document import Records, digest, make_records
from ingest.duplicates import without_duplicates
from ingest.reuse import Memory, by_document, fingerprint_of, live_corpus
from ingest.sources import Fetched, Fetcher, fetch_all
from ingest.stance import StanceFinder
from kb.embedders import Embedder, load_embedder
from kb.errors import SourceError, UsageError
from kb.records import Corpus, LeftOut
from kb.settings import Settings, SourceSettings

if TYPE_CHECKING:
    from kb.snapshots import Helpers

VERSIONS: Mapping[str, str] = {"readers": readers.VERSION, "chunker": "2", "stance": "1"}
"""What the records depend on besides the bytes: a change of one makes every document anew."""

Progress = Callable[[str, int, int], None]
"""Called with what is done, how many are done, and of how many (0: not known)."""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did: source ids of documents, and what could not be read and why.

    `stale` are documents of which the last good version is kept, with the reason; they are also among the others.
    `snapshot` is None after a dry run; `created` is False where nothing had changed.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    failed: tuple[LeftOut, ...]
    snapshot: str | None
    created: bool
    chunks: int = 0
    stale: tuple[LeftOut, ...] = ()

    @property
    def trouble(self) -> tuple[LeftOut, ...]:
        """All that could not be had this time, whether or not an earlier version of it is kept."""
        return (*self.stale, *(left for left in self.failed if left.kind == "failed"))


def build_corpus(
    settings: Settings,
    *,
    sources: Sequence[SourceSettings],
    count_tokens: CountTokens,
    max_tokens: int = 256,
    fetcher: Fetcher | None = None,
    memory: Memory | None = None,
    live: Mapping[str, Records] | None = None,
    progress: Progress | None = None,
) -> Corpus:
    """All documents of the sources. What cannot be read is left out with its reason.

    An address that fails but is in the `live` index keeps its last good version, marked stale; so do all documents
    of a source that fails as a whole. SourceError where the only source cannot be read, or nothing at all could be.
    """
    live = live or {}
    stances = StanceFinder(settings.decision.options)
    records: list[Records] = []
    left_out: list[LeftOut] = []
    labels = {source.label for source in sources}
    broken: dict[str, str] = {}
    for item in fetch_all(sources, base=settings.base, fetcher=fetcher):
        if isinstance(item, LeftOut) and item.kind == "failed" and item.source_id in labels:
            broken[item.source_id] = item.reason
        made = item if isinstance(item, LeftOut) else _made(item, stances, count_tokens, max_tokens, memory)
        made = _kept(made, live) if isinstance(made, LeftOut) else _as_before(made, live)
        if isinstance(made, LeftOut):
            left_out.append(made)
        else:
            records.append(made)
        if progress:
            progress("Reading", len(records) + len(left_out), 0)
    records += _of_broken_sources(broken, records, live)
    if not records:
        raise SourceError(f"{left_out[0].source_id}: {left_out[0].reason}" if left_out else "no source gave a document")
    return assemble(records, left_out)


def run_ingest(
    settings: Settings,
    *,
    sources: Sequence[SourceSettings] | None = None,
    add: bool = False,
    replace_others: bool = False,
    dry_run: bool = False,
    fetcher: Fetcher | None = None,
    embedder: Embedder | None = None,
    progress: Progress | None = None,
    helpers: "Helpers | None" = None,
) -> IngestReport:
    """Make the live index equal to the configured sources, or to `sources`. `helpers`: as in `write_snapshot`.

    Where the live index holds documents of other sources than `sources`, UsageError lists them, unless `add` keeps
    them or `replace_others` lets them go. Nothing changed: no new snapshot. LockedError where another run is under way.
    """
    from kb.lock import writing

    # Held from the first fetch on: what a slower run read must not replace what a later one read after it.
    with nullcontext() if dry_run else writing(settings.home):
        return _run(settings, sources, add, replace_others, dry_run, fetcher, embedder, progress, helpers)


def _run(
    settings: Settings,
    sources: Sequence[SourceSettings] | None,
    add: bool,
    replace_others: bool,
    dry_run: bool,
    fetcher: Fetcher | None,
    embedder: Embedder | None,
    progress: Progress | None,
    helpers: "Helpers | None",
) -> IngestReport:
    from kb.snapshots import started, write_snapshot

    live = live_corpus(settings)
    before = by_document(live)
    embedder = embedder or load_embedder(settings.embedding, settings.home)
    made_by = digest(*VERSIONS.values(), settings.decision_fingerprint(), embedder.name, embedder.max_tokens)
    memory = Memory(settings.home, before, made_by)
    wanted = settings.source if sources is None else tuple(sources)
    if sources is not None and not (add or replace_others) and (others := _surely_others(before, sources)):
        raise _holds(others)
    # The first ingest of a home makes an index for certain: what writes it starts while documents are still read.
    early = helpers is None and live is None and not dry_run
    with started() if early else nullcontext(helpers) as ready:
        corpus = build_corpus(
            settings,
            sources=wanted,
            count_tokens=embedder.count_tokens,
            max_tokens=embedder.max_tokens,
            fetcher=fetcher,
            memory=memory,
            live=before,
            progress=progress,
        )
        if sources is not None:
            corpus = _beside_others(corpus, live, before, sources, add=add, replace_others=replace_others)
        after = by_document(corpus)
        report = _compared(before, after, corpus)
        if dry_run:
            return report
        info = write_snapshot(
            corpus,
            settings=settings,
            embedder=embedder,
            made=VERSIONS,
            progress=progress,
            held=True,
            helpers=ready,
        )
        memory.save()
        return replace(report, snapshot=info.id, created=info.created)


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
    item: Fetched, stances: StanceFinder, count_tokens: CountTokens, max_tokens: int, memory: Memory | None
) -> Records | LeftOut:
    if memory and (recalled := memory.recall(item)):
        return recalled
    name = item.url if item.url.startswith("http") else item.path
    try:
        parsed = readers.read(item)
    except (ValueError, SourceError) as error:
        return LeftOut(name, str(error))
    made = make_records(item, parsed, stances=stances, count_tokens=count_tokens, max_tokens=max_tokens)
    if made is None:
        return LeftOut(name, "no text in it")
    if memory:
        memory.remember(item, made)
    return made


def _kept(failed: LeftOut, live: Mapping[str, Records]) -> Records | LeftOut:
    """The last good version of an address that could not be had or read now, unless it is no more."""
    address = failed.source_id.split("#")[0]
    if failed.kind == "vanished" or not address.startswith(("http://", "https://")) or address not in live:
        return failed
    return _stale(live[address], failed.reason)


def _as_before(made: Records, live: Mapping[str, Records]) -> Records:
    """What was made of a page, with the date of its text's first fetch where it still says the same."""
    before = live.get(made.document.source_id)
    if before is None or not made.document.source_id.startswith("https://"):
        return made
    if fingerprint_of(before) != fingerprint_of(made):
        return made
    return replace(made, document=replace(made.document, fetched=before.document.fetched))


def _of_broken_sources(
    broken: Mapping[str, str], records: Sequence[Records], live: Mapping[str, Records]
) -> list[Records]:
    """The last good versions of what sources, by label, had brought that failed as a whole for a reason."""
    here = {record.document.source_id for record in records}
    return [
        _stale(record, broken[record.document.origin])
        for source_id, record in live.items()
        if record.document.origin in broken and source_id not in here
    ]


def _stale(records: Records, reason: str) -> Records:
    return replace(records, document=replace(records.document, state=f"stale: {reason}"))


def _beside_others(
    corpus: Corpus,
    live: Corpus | None,
    before: Mapping[str, Records],
    sources: Sequence[SourceSettings],
    *,
    add: bool,
    replace_others: bool,
) -> Corpus:
    """The corpus with or without what the live index holds of other sources."""
    here = {document.source_id for document in corpus.documents}
    labels = {source.label for source in sources}
    others = [r for id_, r in before.items() if id_ not in here and r.document.origin not in labels]
    if not others or replace_others:
        return corpus
    if add:
        anew = here | {left.source_id for left in corpus.left_out}
        before_left = [left for left in (live.left_out if live else ()) if left.source_id not in anew]
        return assemble([*others, *by_document(corpus).values()], [*before_left, *corpus.left_out])
    raise _holds(others)


def _surely_others(before: Mapping[str, Records], sources: Sequence[SourceSettings]) -> list[Records]:
    """What the live index holds that sources of the web alone cannot bring: known before a page is fetched."""
    if not all(source.url or source.sitemap or source.reading_list for source in sources):
        return []
    labels = {source.label for source in sources}
    others = [record for record in before.values() if record.document.origin not in labels]
    return [record for record in others if not record.document.source_id.startswith(("http://", "https://"))]


def _holds(others: Sequence[Records]) -> UsageError:
    """The error that lists what else the live index holds."""
    names = [record.document.source_id for record in others]
    listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return UsageError(f"the index also holds {listed}; give --add to keep them or --replace to let them go")


def _compared(before: Mapping[str, Records], after: Mapping[str, Records], corpus: Corpus) -> IngestReport:
    same = {id_ for id_ in after if id_ in before and fingerprint_of(before[id_]) == fingerprint_of(after[id_])}
    return IngestReport(
        added=tuple(id_ for id_ in after if id_ not in before),
        changed=tuple(id_ for id_ in after if id_ in before and id_ not in same),
        unchanged=tuple(id_ for id_ in after if id_ in same),
        removed=tuple(id_ for id_ in before if id_ not in after),
        failed=corpus.left_out,
        snapshot=None,
        created=False,
        chunks=len(corpus.chunks),
        stale=tuple(
            LeftOut(document.source_id, document.state.removeprefix("stale: "), "failed")
            for document in corpus.documents
            if document.state != "current"
        ),
    )
