"""When to run again: at once, whenever a watched file changes, and whenever the addresses are due."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kb.errors import UsageError
from kb.settings import Settings, SourceSettings

_TICK_MS = 1_000


class Event(Protocol):
    """What can be set to end the watch."""

    def is_set(self) -> bool:
        """Whether the watch is to end."""
        ...


@dataclass(frozen=True, slots=True)
class Watched:
    """Folders and files that are followed, and after how many seconds addresses are asked again; None: never."""

    paths: tuple[Path, ...]
    every: float | None


def what_to_watch(settings: Settings, sources: Sequence[SourceSettings], *, offline: bool) -> Watched:
    """What has to be watched for these sources. UsageError where none of them can change."""
    paths: set[Path] = set()
    for source in sources:
        if source.path is not None:
            start = settings.base / source.path
            while not start.exists():  # a glob, or a folder that is yet to come
                start = start.parent
            paths.add(start)
        elif source.guide is not None and (settings.base / source.guide).is_dir():
            paths.add(settings.base / source.guide)
    addresses = any(source.path is None and source.guide is None for source in sources)
    every = settings.fetch.every_hours * 3600 if addresses and not offline else None
    if not paths and every is None:
        raise UsageError("--watch: none of the sources is a file, a folder or an address that could change")
    return Watched(tuple(sorted(paths)), every)


def watched(
    what: Watched, *, stop: Event | None = None, now: Callable[[], float] = time.monotonic
) -> Iterator[frozenset[str]]:
    """Yields each time that a run is due, first at once: the paths that changed, none where addresses are due."""
    from watchfiles import watch

    yield frozenset()
    due = now() + what.every if what.every is not None else None
    # With no path there is nothing to be told of, but the ticks still come.
    for changes in watch(
        *what.paths, stop_event=stop, rust_timeout=_TICK_MS, yield_on_timeout=True, raise_interrupt=True
    ):
        changed = frozenset(path for _kind, path in changes)
        is_due = due is not None and now() >= due
        if changed or is_due:
            yield changed
        if is_due and what.every is not None:
            due = now() + what.every
