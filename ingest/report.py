"""What a run did, as lines for a terminal or a log: a table of counts, then each thing that needs an eye."""

from collections.abc import Iterator, Sequence

from ingest.pipeline import IngestReport

_LISTED = 20


def rows(report: IngestReport, *, named_all: bool = False) -> Iterator[str]:
    """The table, and what is behind its counts; `named_all`: every document that is added, changed or removed."""
    failed = report.trouble
    beside = [left for left in report.failed if left.kind != "failed"]
    counts = {
        "added": len(report.added),
        "changed": len(report.changed),
        "unchanged": len(report.unchanged),
        "removed": len(report.removed),
        "failed": len(failed),
        "left out": len(beside),
    }
    width = max(len(str(count)) for count in counts.values())
    for name, count in counts.items():
        yield f"{name:<9}  {count:>{width}}"
    kept = {left.source_id for left in report.stale}
    named = {"added": report.added, "changed": report.changed, "removed": report.removed} if named_all else {}
    lines = {name: list(ids) for name, ids in (named or {"removed": report.removed}).items()}
    lines["failed"] = [
        f"{left.source_id}: {left.reason}{'; the last good version is kept' if left.source_id in kept else ''}"
        for left in failed
    ]
    lines["left out"] = [f"{left.source_id}: {left.reason}" for left in beside]
    for name, found in lines.items():
        yield from _some(name, found, everything=named_all)


def closing_line(report: IngestReport, *, dry_run: bool) -> str:
    """What came of it, in one sentence."""
    if dry_run:
        return "Nothing was written."
    if report.created:
        return f"{report.chunks} {'passage' if report.chunks == 1 else 'passages'}. The index is {report.snapshot}."
    return f"Nothing changed; the index is still {report.snapshot}."


def _some(name: str, lines: Sequence[str], *, everything: bool) -> Iterator[str]:
    shown = lines if everything else lines[:_LISTED]
    yield from (f"{name}: {line}" for line in shown)
    if len(shown) < len(lines):
        yield f"{name}: and {len(lines) - len(shown)} more; --dry-run lists them all"
