"""A watch runs at once, when a file changes, and when addresses are due."""

import threading
from pathlib import Path

import pytest

from ingest.watch import Watched, watched, what_to_watch
from kb.errors import UsageError
from kb.settings import FetchSettings, Settings, SourceSettings


def test_files_are_followed_and_addresses_are_asked_again_after_their_time(tmp_path: Path) -> None:
    (tmp_path / "handbook").mkdir()
    settings = Settings(file=tmp_path / "whichway.toml", fetch=FetchSettings(every_hours=2))
    files, page = SourceSettings(path="handbook/**/*.md"), SourceSettings(url="https://docs.example.com/")
    assert what_to_watch(settings, [files], offline=False) == Watched((tmp_path / "handbook",), None)
    assert what_to_watch(settings, [page], offline=False) == Watched((), 7200.0)
    assert what_to_watch(settings, [files, page], offline=True) == Watched((tmp_path / "handbook",), None)
    for sources in ([SourceSettings(guide="azure-ml-vs-databricks")], []):
        with pytest.raises(UsageError, match="--watch"):
            what_to_watch(settings, sources, offline=False)


def test_a_change_of_a_file_is_a_moment_to_run(tmp_path: Path) -> None:
    stop = threading.Event()
    moments = watched(Watched((tmp_path,), None), stop=stop)
    assert next(moments) == frozenset()
    page = tmp_path / "page.md"
    writer = threading.Timer(0.5, lambda: page.write_text("# New", "utf-8"))
    writer.start()
    assert next(moments) == {str(page)}
    writer.join()
    stop.set()
    assert list(moments) == []


def test_due_addresses_are_a_moment_to_run_and_time_is_steady() -> None:
    times = iter([0.0, 10.0, 99.0, 100.0, 150.0, 150.0, 151.0])
    moments = watched(Watched((), 100.0), now=lambda: next(times))
    assert next(moments) == frozenset()
    assert next(moments) == frozenset()
    assert next(times) == 150.0
    moments.close()
