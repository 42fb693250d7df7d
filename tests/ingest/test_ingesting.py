"""Sources and runs: what is taken from where, and that the unchanged is neither read nor embedded again."""

import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from ingest import readers
from ingest.addresses import address_under, known_address
from ingest.cli import describe
from ingest.pipeline import run_ingest
from ingest.reuse import live_corpus
from ingest.sources import Fetcher, fetch_all, reading_list
from kb import snapshots
from kb.embedders import load_embedder
from kb.errors import SourceError, UsageError
from kb.records import Corpus
from kb.settings import EmbeddingSettings, Settings, SourceSettings

PAGES = {
    "one.md": "# Streams\n\nAzure Databricks reads event streams.\n\n## More\n\nIt is quick.\n",
    "two.md": "# Endpoints\n\nAzure Machine Learning serves models behind endpoints.\n",
    "deep/three.md": "# Costs\n\nBoth bill for machines by the second of use.\n",
}


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    folder = tmp_path / "handbook"
    for name, text in PAGES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture
def settings(handbook: Path, home: Path) -> Settings:
    return Settings(
        source=(SourceSettings(path="handbook"),),
        embedding=EmbeddingSettings(model="hashed"),
        file=handbook.parent / "whichway.toml",
        home=home,
    )


class Counting:
    """An embedder that counts what it embeds."""

    def __init__(self, settings: Settings) -> None:
        self._real = load_embedder(settings.embedding, settings.home)
        self.embedded: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def embed_documents(self, texts: Sequence[str]) -> Any:
        self.embedded += texts
        return self._real.embed_documents(texts)


def test_a_second_run_makes_no_snapshot_reads_nothing_and_embeds_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run_ingest(settings)
    assert (len(first.added), first.created) == (3, True)
    monkeypatch.setattr(readers, "read", lambda item: pytest.fail(f"{item.path} was read again"))
    counting = Counting(settings)
    second = run_ingest(settings, embedder=counting)
    assert (second.snapshot, second.created, len(second.unchanged)) == (first.snapshot, False, 3)
    assert counting.embedded == []


def test_what_writes_an_index_starts_early_the_first_time_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    start, read = snapshots.started, readers.read
    monkeypatch.setattr(snapshots, "started", lambda: steps.append("started") or start())
    monkeypatch.setattr(readers, "read", lambda item: steps.append("read") or read(item))
    run_ingest(settings, dry_run=True)
    assert steps == ["read"] * 3
    steps.clear()
    run_ingest(settings)
    assert steps == ["started", *["read"] * 3]
    steps.clear()
    run_ingest(settings)
    assert steps == []


def test_one_changed_document_is_the_only_one_read_and_embedded(settings: Settings, handbook: Path) -> None:
    run_ingest(settings)
    (handbook / "one.md").write_text(PAGES["one.md"].replace("It is quick.", "It is quick and cheap."), "utf-8")
    counting = Counting(settings)
    report = run_ingest(settings, embedder=counting)
    assert report.changed == ("handbook/one.md",)
    assert len(report.unchanged) == 2
    assert counting.embedded
    assert all("cheap" in text for text in counting.embedded)


def test_a_removed_document_goes_and_a_dry_run_changes_nothing(settings: Settings, handbook: Path) -> None:
    before = run_ingest(settings)
    (handbook / "two.md").unlink()
    dry = run_ingest(settings, dry_run=True)
    assert (dry.removed, dry.snapshot) == (("handbook/two.md",), None)
    live = live_corpus(settings)
    assert live is not None
    assert len(live.documents) == 3
    after = run_ingest(settings)
    assert after.removed == ("handbook/two.md",)
    assert after.snapshot != before.snapshot


def test_other_sources_are_not_let_go_unasked(settings: Settings, handbook: Path) -> None:
    run_ingest(settings)
    note = handbook.parent / "note.md"
    note.write_text("# Note\n\nDatabricks notebooks mix languages.\n", "utf-8")
    source = [SourceSettings(path="note.md")]
    with pytest.raises(UsageError, match=r"handbook/deep/three\.md.*--add to keep them or --replace"):
        run_ingest(settings, sources=source)
    added = run_ingest(settings, sources=source, add=True)
    assert (added.added, len(added.unchanged)) == (("note.md",), 3)
    replaced = run_ingest(settings, sources=source, replace_others=True)
    assert len(replaced.removed) == 3


def test_a_page_is_not_fetched_for_an_ingest_that_would_be_refused(settings: Settings) -> None:
    run_ingest(settings)

    class Unasked:
        def __getattr__(self, name: str) -> None:
            pytest.fail(f"the fetcher is asked for {name}")

    with pytest.raises(UsageError, match="--add to keep them or --replace"):
        run_ingest(settings, sources=[SourceSettings(reading_list="bundled")], fetcher=cast(Fetcher, Unasked()))


def test_the_same_sources_make_the_same_records(settings: Settings, corpus_of: Callable[..., Corpus]) -> None:
    source = SourceSettings(path=str(settings.base / "handbook"))
    assert corpus_of(source) == corpus_of(source)


def test_each_thing_that_an_item_says_stands_alone(
    settings: Settings, handbook: Path, corpus_of: Callable[..., Corpus]
) -> None:
    listed = "# Choices\n\n- Small teams do well with managed machines. Nights are billed by the second of use.\n"
    listed += "- Event streams go to Azure Databricks, at any size. It is quick.\n- Costs. Both bill for machines.\n"
    (handbook / "list.md").write_text(listed, "utf-8")
    made = corpus_of(SourceSettings(path=str(handbook / "list.md")))
    assert [statement.text for statement in made.statements] == [
        "Small teams do well with managed machines.",
        "Nights are billed by the second of use.",
        "Event streams go to Azure Databricks, at any size. It is quick.",
        "Costs. Both bill for machines.",
    ]


def test_what_cannot_be_read_is_left_out_with_its_reason(settings: Settings, handbook: Path) -> None:
    (handbook / "empty.md").write_bytes(b"")
    (handbook / "blob.txt").write_bytes(bytes(range(256)) * 8)
    (handbook / "picture.png").write_bytes(b"\x89PNG")
    (handbook / "copy.md").write_text(PAGES["two.md"], "utf-8")
    report = run_ingest(settings)
    reasons = {left.source_id: left.reason for left in report.failed}
    assert reasons["handbook/empty.md"] == "empty"
    assert "binary" in reasons["handbook/blob.txt"]
    assert "a kind of file that is not read (.png)" in reasons["handbook/picture.png"]
    assert reasons["handbook/two.md"].startswith("nearly the same text as handbook/copy.md")
    assert len(report.added) == 3


@pytest.mark.parametrize(("name", "data"), [("gone.md", None), ("empty.md", b""), ("blob.md", b"\x00\x01" * 40)])
def test_an_only_source_that_cannot_be_read_is_one_clear_line(
    settings: Settings, name: str, data: bytes | None
) -> None:
    if data is not None:
        (settings.base / name).write_bytes(data)
    with pytest.raises(SourceError, match=name) as caught:
        run_ingest(settings, sources=[SourceSettings(path=name)])
    assert "\n" not in str(caught.value)


def test_an_address_that_fails_keeps_its_last_good_version(
    settings: Settings, mirror: Any, index_lines: list[dict[str, str]]
) -> None:
    address = "https://docs.delta.io/delta-faq/"
    source = [SourceSettings(url=address)]
    run_ingest(settings, sources=source, fetcher=mirror)
    broken = type(mirror)({})
    report = run_ingest(settings, sources=source, fetcher=broken)
    live = live_corpus(settings)
    assert live is not None
    assert [(d.url, d.state) for d in live.documents] == [(address, "stale: 404 Not Found")]
    assert report.failed == ()


def test_a_glob_with_a_base_address_and_a_zip(settings: Settings, handbook: Path) -> None:
    glob = SourceSettings(path="handbook/**/*.md", base_url="https://handbook.example.com/")
    urls = sorted(item.url for item in fetch_all([glob], base=settings.base))  # type: ignore[union-attr]
    base = "https://handbook.example.com/"
    assert urls == [f"{base}deep/three", f"{base}one", f"{base}two"]
    with zipfile.ZipFile(settings.base / "docs.zip", "w") as archive:
        for name, text in PAGES.items():
            archive.writestr(name, text)
        archive.writestr("logo.png", b"\x89PNG")
    items = list(fetch_all([SourceSettings(path="docs.zip")], base=settings.base))
    assert [getattr(item, "path", "left out") for item in items] == [
        "docs.zip/deep/three.md",
        "left out",
        "docs.zip/one.md",
        "docs.zip/two.md",
    ]


def test_the_guide_keeps_its_topics_its_basis_and_its_verdicts(corpus_of: Callable[..., Corpus]) -> None:
    corpus = corpus_of(SourceSettings(guide="azure-ml-vs-databricks"))
    sections = {section.id: section for section in corpus.sections}
    assert {document.standing for document in corpus.documents} == {"guide"}
    assert all(statement.basis for statement in corpus.statements)
    firsts: dict[str | None, str] = {}
    for statement in corpus.statements:
        section = sections[statement.section_id]
        assert section.url.endswith(f"#{section.topic}")
        part = section.path[-1]
        if part == "The case for Azure Databricks":
            assert (statement.stance, statement.strength) == ("databricks", 0.5)
        if part == "Limits" and statement.stance:
            assert statement.strength < 0
        if part == "Bottom line":
            assert abs(statement.strength) >= 0.7
            firsts.setdefault(section.topic, statement.text)
            if firsts[section.topic] is statement.text and ", clearly:" in statement.text:
                assert statement.strength == 1.0
                assert statement.stance in ("azure_ml", "databricks")
    evidence = describe(corpus, Settings())["evidence"]
    assert evidence.keys() == firsts.keys()
    assert all(min(counts.values()) >= 3 for counts in evidence.values())


def test_addresses_of_checkouts_are_those_of_the_corpus_index(index_lines: list[dict[str, str]]) -> None:
    from urllib.parse import unquote

    for line in index_lines:
        assert unquote(known_address("/any/where/" + line["path"])) == line["url"].replace("io//", "io/")
    assert known_address("/home/me/notes/a.md") == ""
    assert address_under("https://x.example/docs", "a/index.md") == "https://x.example/docs/a/"


def test_the_reading_list_names_the_article_first_and_each_address_once() -> None:
    entries = reading_list()
    assert entries[0].url == "https://azurelessons.com/azure-machine-learning-vs-databricks/"
    assert len({entry.url for entry in entries}) == len(entries) == 320
    assert all(entry.url.startswith("https://") and entry.title for entry in entries)


def test_sources_are_told_as_plain_data(settings: Settings) -> None:
    run_ingest(settings)
    live = live_corpus(settings)
    assert live is not None
    described = json.loads(json.dumps(describe(live, settings)))
    row = next(row for row in described["documents"] if row["source"] == "handbook/one.md")
    assert (row["title"], row["sections"], row["chunks"], row["state"]) == ("Streams", 2, 2, "current")
    assert described["evidence"][""]["databricks"] == 1
