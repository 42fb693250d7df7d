"""`whichway ingest` and `whichway sources`."""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kb.errors import UsageError, WhichwayError
from kb.records import Corpus
from kb.settings import Settings, SourceSettings

if TYPE_CHECKING:
    from ingest.pipeline import IngestReport

_UNFOLDED = 10_000


def ingest(
    ctx: typer.Context,
    source: Annotated[
        list[str] | None, typer.Argument(help="Files, folders, globs or addresses; else the configured sources.")
    ] = None,
    reading_list: Annotated[bool, typer.Option("--reading-list", help="The bundled list of addresses.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Fetch nothing; read what was fetched before.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on: follow changes of files, ask addresses again daily.")
    ] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Go back to the index before this one.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Let go what comes from other sources.")] = False,
    add: Annotated[bool, typer.Option("--add", help="Keep what comes from other sources.")] = False,
) -> None:
    """Make the index equal to the configured sources, or to these. Exit code 1 where one of them could not be had."""
    settings: Settings = ctx.obj
    if rollback:
        if source or reading_list or offline or watch or dry_run or replace or add:
            raise UsageError("--rollback goes back to the index before this one and takes nothing else")
        from kb.snapshots import rollback as go_back

        print(f"The index is {go_back(settings.home, store_url=settings.store.url)} again.")
        return
    if replace and add:
        raise UsageError("--replace and --add exclude each other")
    named = [_source(name) for name in source or ()]
    if reading_list:
        named.append(SourceSettings(reading_list="bundled"))

    def run() -> "IngestReport":
        return _run(settings, named or None, offline=offline, dry_run=dry_run, replace=replace, add=add)

    if watch:
        from ingest.watch import watched, what_to_watch

        for _moment in watched(what_to_watch(settings, named or settings.source, offline=offline)):
            try:
                run()
            except WhichwayError as error:
                print(f"whichway: {error}", file=sys.stderr)
    elif run().trouble:
        raise typer.Exit(1)


def sources(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show what is in the index, how old it is, what was left out, and the evidence for each option."""
    from kb.index import open_index

    settings: Settings = ctx.obj
    with open_index(settings) as index:
        described = describe(index.corpus, settings) | {"snapshot": index.snapshot_id}
    if as_json:
        print(json.dumps(described, indent=1, ensure_ascii=False))
    else:
        _print_tables(described, settings)


def describe(corpus: Corpus, settings: Settings) -> dict[str, Any]:
    """What an index holds, as plain data: `documents`, `left_out`, and `evidence` (statements by topic and option)."""
    sections = Counter(section.document_id for section in corpus.sections)
    chunks = Counter(chunk.document_id for chunk in corpus.chunks)
    topics = {section.id: section.topic for section in corpus.sections}
    ids = [option.id for option in settings.decision.options]
    evidence: dict[str, dict[str, int]] = {}
    for statement in corpus.statements:
        if statement.stance is not None and statement.kind != "code":
            row = evidence.setdefault(topics[statement.section_id] or "", dict.fromkeys(ids, 0))
            if statement.stance in row:
                row[statement.stance] += 1
    return {
        "documents": [
            {
                "title": document.title,
                "url": document.url,
                "source": document.source_id,
                "origin": document.origin,
                "standing": document.standing,
                "published": document.published,
                "fetched": document.fetched,
                "licence": document.licence,
                "language": document.language,
                "sections": sections[document.id],
                "chunks": chunks[document.id],
                "state": document.state,
            }
            for document in corpus.documents
        ],
        "left_out": [{"source": left.source_id, "reason": left.reason} for left in corpus.left_out],
        "evidence": {topic: evidence[topic] for topic in sorted(evidence)},
    }


def _source(name: str) -> SourceSettings:
    from ingest.sources import GUIDES

    if name.startswith(("http://", "https://")):
        is_sitemap = re.search(r"/sitemap[^/]*\.(?:xml|txt)(?:\.gz)?$", name)
        return SourceSettings(sitemap=name) if is_sitemap else SourceSettings(url=name)
    if (GUIDES / name).is_dir() and "/" not in name and "." not in name:
        return SourceSettings(guide=name)
    return SourceSettings(path=name)


def _run(
    settings: Settings,
    named: list[SourceSettings] | None,
    *,
    offline: bool,
    dry_run: bool = False,
    replace: bool = False,
    add: bool = False,
) -> "IngestReport":
    """One run, and its table."""
    from ingest.pipeline import run_ingest
    from ingest.report import closing_line, rows

    wanted = settings.source if named is None else named
    with ExitStack() as stack:
        fetcher = None
        if any(source.guide is None and source.path is None for source in wanted):
            from ingest.fetch import WebFetcher

            fetcher = stack.enter_context(WebFetcher(settings, offline=offline))
        report = run_ingest(
            settings,
            sources=named,
            add=add,
            replace_others=replace,
            dry_run=dry_run,
            fetcher=fetcher,
            progress=stack.enter_context(_progress()),
        )
    for row in rows(report, named_all=dry_run):
        print(row)
    print(closing_line(report, dry_run=dry_run))
    if report.created:
        from kb.services import outdated_answers

        for line in outdated_answers(settings):
            print(f"to be asked again: {line}")
    return report


@contextmanager
def _progress() -> Iterator[Any]:
    """A bar on standard error for each stage that reports itself."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    # Where nobody watches, a bar would leave an empty line in a log.
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total or None)
            bars.update(tasks[stage], completed=done, total=total or None)

        yield report


def _print_tables(described: dict[str, Any], settings: Settings) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    # In a file or a pipe a row is a line, whatever the width of no screen.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _UNFOLDED)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("title", "address", "published", "fetched"):
        table.add_column(name, overflow="fold")
    for name in ("sections", "chunks"):
        table.add_column(name, justify="right")
    table.add_column("state")
    for row in described["documents"]:
        cells = (row["title"], row["url"], row["published"] or "-", row["fetched"])
        table.add_row(*map(escape, cells), str(row["sections"]), str(row["chunks"]), escape(row["state"]))
    console.print(table)
    if described["left_out"]:
        console.print("\n[bold]Left out[/bold]")
        for left in described["left_out"]:
            console.print(f"{escape(left['source'])}: {escape(left['reason'])}", soft_wrap=True)
    evidence = Table(box=None, header_style="bold", pad_edge=False, title_justify="left")
    evidence.add_column("evidence by topic")
    for option in settings.decision.options:
        evidence.add_column(option.name, justify="right")
    for topic, counts in described["evidence"].items():
        evidence.add_row(escape(topic or "(no topic)"), *(str(count) for count in counts.values()))
    console.print()
    console.print(evidence)
    console.print(f"\nIndex {described['snapshot']}, {len(described['documents'])} documents.")
