"""A folder as people have it: odd links, names and files are read or named, and never in the way."""

import os
import zipfile
from pathlib import Path

import pytest

from ingest.pipeline import run_ingest
from ingest.report import rows
from ingest.reuse import live_corpus
from ingest.sources import fetch_all
from kb.records import LeftOut
from kb.settings import EmbeddingSettings, Settings, SourceSettings


@pytest.fixture
def settings(tmp_path: Path, home: Path) -> Settings:
    (tmp_path / "work").mkdir()
    (tmp_path / "odd").mkdir()
    return Settings(
        source=(SourceSettings(path="../odd"),),
        embedding=EmbeddingSettings(model="hashed"),
        file=tmp_path / "work" / "whichway.toml",
        home=home,
    )


@pytest.fixture
def odd(tmp_path: Path, settings: Settings) -> Path:
    return tmp_path / "odd"


def reasons(settings: Settings, pattern: str = "../odd") -> dict[str, str]:
    items = fetch_all([SourceSettings(path=pattern)], base=settings.base)
    return {Path(item.source_id).name: item.reason for item in items if isinstance(item, LeftOut)}


def paths(settings: Settings, pattern: str = "../odd") -> list[str]:
    items = fetch_all([SourceSettings(path=pattern)], base=settings.base)
    return [item.path for item in items if not isinstance(item, LeftOut)]


def test_links_are_named_and_bring_nothing_from_outside_the_folder(settings: Settings, odd: Path) -> None:
    secret = odd.parent / "secret.md"
    secret.write_text("# Secret\n\nNot part of the handbook.\n", "utf-8")
    (odd / "page.md").write_text("# Page\n\nDatabricks reads streams.\n", "utf-8")
    (odd / "deep").mkdir()
    (odd / "same.md").symlink_to(odd / "page.md")
    (odd / "out.md").symlink_to(secret)
    (odd / "gone.md").symlink_to(odd / "nothing.md")
    (odd / "deep" / "up").symlink_to(odd)
    assert paths(settings) == [f"{odd}/page.md", f"{odd}/same.md"]
    elsewhere = "a link to a file elsewhere; name that file as a source of its own"
    assert reasons(settings) == {
        "gone.md": "a link that leads nowhere",
        "out.md": elsewhere,
        "up": "a link to a folder; name that folder as a source of its own",
    }
    assert reasons(settings, "../odd/**/*.md") == {"gone.md": "a link that leads nowhere", "out.md": elsewhere}
    assert paths(settings, "../odd/out.md") == [f"{odd}/out.md"]


def test_a_pipe_a_part_of_other_pages_and_a_zip_in_a_zip_are_named(settings: Settings, odd: Path) -> None:
    os.mkfifo(odd / "pipe.md")
    (odd / "includes").mkdir()
    (odd / "includes" / "part.md").write_text("A part.\n", "utf-8")
    (odd / ".git").mkdir()
    (odd / ".git" / "notes.md").write_text("Not for readers.\n", "utf-8")
    with zipfile.ZipFile(odd / "inner.zip", "w") as inner:
        inner.writestr("page.md", "# Page\n\nText.\n")
    with zipfile.ZipFile(odd / "all.zip", "w") as archive:
        archive.write(odd / "inner.zip", "inner.zip")
        archive.writestr("../up\n.md", "# Up\n\nDatabricks reads streams.\n")
    (odd / "inner.zip").unlink()
    assert reasons(settings) == {
        "pipe.md": "not a file with content",
        "part.md": "a part that other pages include",
        "inner.zip": "a kind of file that is not read (.zip)",
    }
    assert paths(settings) == [f"{odd}/all.zip/../up\ufffd.md"]


@pytest.mark.parametrize("base_url", [None, "https://handbook.example.com/"])
def test_any_name_of_a_file_is_one_line_of_text(settings: Settings, odd: Path, base_url: str | None) -> None:
    names = (b"line\nbreak [x].md", "größe 🙂.md".encode(), b"gr\xf6\xdfe.md")
    for number, name in enumerate(names):
        file = Path(os.fsdecode(os.fsencode(odd) + b"/" + name))
        try:
            file.write_text(f"# Page {number}\n\nDatabricks reads stream number {number} of {number * 7}.\n", "utf-8")
        except OSError:
            pytest.skip("this file system takes no such names")
    (odd / "line\nbreak.png").write_bytes(b"\x89PNG")
    source = SourceSettings(path="../odd/*.md" if base_url else "../odd", base_url=base_url)
    report = run_ingest(settings, sources=[source])
    assert len(report.added) == 3
    for line in (*report.added, *rows(report, named_all=True)):
        assert "\n" not in line
        line.encode()


def test_what_one_path_is_called_does_not_hang_on_how_it_was_written(settings: Settings, odd: Path) -> None:
    (odd / "page.md").write_text("# Page\n\nDatabricks reads streams.\n", "utf-8")
    ways = ("../odd", "../odd/", "../work/../odd/page.md", "../odd/*.md", str(odd))
    assert {path for way in ways for path in paths(settings, way)} == {f"{odd}/page.md"}


def test_one_huge_line_and_very_many_equal_ones_make_an_index(settings: Settings, odd: Path) -> None:
    (odd / "words.md").write_text("# Words\n\n" + "word " * 60_000, "utf-8")
    (odd / "letters.txt").write_text("x" * 300_000, "utf-8")
    (odd / "page.md").write_text("# Page\n\nDatabricks reads streams.\n", "utf-8")
    report = run_ingest(settings)
    assert (len(report.added), report.created) == (3, True)


def test_what_was_left_out_is_no_longer_once_it_is_added(settings: Settings, odd: Path) -> None:
    for name in ("one.md", "two.md"):
        (odd / name).write_text("# Streams\n\nDatabricks reads streams of events as they come.\n", "utf-8")
    first = run_ingest(settings)
    assert [left.source_id for left in first.failed] == [f"{odd}/two.md"]
    (odd / "two.md").write_text("# Endpoints\n\nAzure Machine Learning serves models.\n", "utf-8")
    source = [SourceSettings(path="../odd/two.md")]
    assert run_ingest(settings, sources=source, add=True).added == (f"{odd}/two.md",)
    live = live_corpus(settings)
    assert live is not None
    assert live.left_out == ()
