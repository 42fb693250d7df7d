"""Refreshing night after night: what changed, what went, what failed; and what a killed or a second run leaves."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from web_on_loopback import Page, QuickClock, Web

from ingest import readers
from ingest.addresses import known_address
from ingest.fetch import WebFetcher
from ingest.fetch.address import parse
from ingest.fetch.links import downloaded_from
from ingest.pipeline import IngestReport, build_corpus, run_ingest
from ingest.report import rows
from ingest.reuse import Memory, by_document, live_corpus
from ingest.sources import content_type_of, reading_list
from kb.index import open_index
from kb.settings import EmbeddingSettings, FetchSettings, FollowSettings, Settings, SourceSettings

ROOT = Path(__file__).resolve().parents[2]
HOST = "docs.example.com"
BASE = f"https://{HOST}/platforms/"


def html(title: str, words: str, *links: str) -> bytes:
    anchors = "".join(f"<a href='{link}'>{link}</a> " for link in links)
    return (
        f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{words}</p>{anchors}</body></html>".encode()
    )


def fill(web: Web) -> None:
    words = {
        "streams": "Azure Databricks reads event streams as they come.",
        "endpoints": "Azure Machine Learning serves a model behind an endpoint and moves traffic step by step.",
        "costs": "A cluster that nobody uses is stopped after some minutes and costs nothing.",
    }
    web.pages[f"{HOST}/platforms/"] = Page(html("Start", "Where to begin with platforms.", *words), etag='"1"')
    for name, text in words.items():
        web.pages[f"{HOST}/platforms/{name}"] = Page(html(name.title(), text), etag='"1"')


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as served:
        fill(served)
        yield served


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(
        source=(SourceSettings(url=BASE, follow=FollowSettings(depth=1)),),
        embedding=EmbeddingSettings(model="hashed"),
        fetch=FetchSettings(delay_seconds=0, retries=0),
        file=home.parent / "whichway.toml",
        home=home,
    )


Refresh = Callable[[], IngestReport]


@pytest.fixture
def refresh(web: Web, settings: Settings) -> Refresh:
    def once() -> IngestReport:
        with WebFetcher(settings, network=web.network, clock=QuickClock().clock) as fetcher:
            return run_ingest(settings, fetcher=fetcher)

    return once


def states(settings: Settings) -> dict[str, str]:
    live = live_corpus(settings)
    assert live is not None
    return {document.url.removeprefix(BASE): document.state for document in live.documents}


def test_nights_in_a_row(web: Web, settings: Settings, refresh: Refresh, monkeypatch: pytest.MonkeyPatch) -> None:
    first = refresh()
    assert (len(first.added), first.created, first.trouble) == (4, True, ())
    with monkeypatch.context() as patched:
        patched.setattr(readers, "read", lambda item: pytest.fail(f"{item.path} was read again"))
        second = refresh()
    assert (second.snapshot, second.created, len(second.unchanged)) == (first.snapshot, False, 4)
    assert (web.answered[200], web.answered[304]) == (4, 4)

    # One page changes, one fails, one is no more.
    web.pages[f"{HOST}/platforms/streams"] = Page(
        html("Streams", "Azure Databricks reads streams with Spark."), etag='"2"'
    )
    web.pages[f"{HOST}/platforms/endpoints"] = Page(status=500)
    web.pages[f"{HOST}/platforms/costs"] = Page(status=404)
    third = refresh()
    assert third.changed == (f"{BASE}streams",)
    assert third.removed == (f"{BASE}costs",)
    assert [(left.source_id, left.reason) for left in third.trouble] == [
        (f"{BASE}endpoints", "500 Internal Server Error")
    ]
    assert states(settings) == {"": "current", "streams": "current", "endpoints": "stale: 500 Internal Server Error"}
    table = "\n".join(rows(third))
    assert "changed    1" in table
    assert "removed    1" in table
    assert "failed     1" in table
    assert f"failed: {BASE}endpoints: 500 Internal Server Error; the last good version is kept" in table

    # The page that everything starts from fails: all that is there stays.
    web.pages[f"{HOST}/platforms/endpoints"] = Page(status=500)
    web.pages[f"{HOST}/platforms/"] = Page(status=404)
    fourth = refresh()
    assert fourth.removed == ()
    assert states(settings) == {
        "": "stale: 404 Not Found",
        "streams": "stale: 404 Not Found",
        "endpoints": "stale: 404 Not Found",
    }

    fill(web)
    fifth = refresh()
    assert fifth.trouble == ()
    assert set(states(settings).values()) == {"current"}
    assert fifth.added == (f"{BASE}costs",)


@pytest.fixture
def whole_list(web: Web, test_data: Path, index_lines: list[dict[str, str]]) -> None:
    """The article and the 319 documents, each at its own address."""
    folder = test_data / "corpus"
    files = {known_address(line["path"]): folder / "docs" / line["path"] for line in index_lines}
    files["https://azurelessons.com/azure-machine-learning-vs-databricks/"] = (
        folder / "article" / "azure-machine-learning-vs-databricks.html"
    )
    for url, file in files.items():
        address = downloaded_from(parse(url))
        data = file.read_bytes()
        web.pages[f"{address.place}{address.target}"] = Page(
            data, kind=content_type_of(file.name), etag=f'"{len(data)}"'
        )
    assert len(files) == len(reading_list()) == 320


@pytest.mark.usefixtures("whole_list")
def test_one_night_over_the_reading_list_is_quick_and_reads_nothing_again(
    web: Web, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=home, fetch=FetchSettings(delay_seconds=0, per_host=4))
    sources = (SourceSettings(reading_list="bundled"),)
    memory = Memory(home, {}, "tests")

    def night(memory: Memory, live: Any) -> Any:
        with WebFetcher(settings, network=web.network, today=lambda: "2026-11-23") as fetcher:
            return build_corpus(
                settings,
                sources=sources,
                count_tokens=lambda texts: [len(text.split()) for text in texts],
                fetcher=fetcher,
                memory=memory,
                live=live,
            )

    first = night(memory, {})
    memory.save()
    assert sum(left.kind == "failed" for left in first.left_out) == 0
    assert web.answered[200] == 320
    live = by_document(first)
    beside = {left.source_id for left in first.left_out}
    assert len({*live, *beside}) == 320
    again: list[str] = []
    read = readers.read
    monkeypatch.setattr(readers, "read", lambda item: again.append(item.url) or read(item))
    began, worked = time.monotonic(), time.process_time()
    second = night(Memory(home, live, "tests"), live)
    seconds, worked = time.monotonic() - began, time.process_time() - worked
    # Only what the index does not hold, being nearly the same as something else, is looked at again.
    assert set(again) <= beside
    assert second == first
    assert (web.answered[200], web.answered[304]) == (320, 320)
    print(f"a night over 320 unchanged addresses: {seconds:.1f} s, {worked:.1f} s of work, the server's included")
    # Of work, not of waiting for a machine that others use too.
    assert worked < 30


@pytest.mark.slow
@pytest.mark.usefixtures("whole_list")
def test_a_whole_night_over_the_unchanged_reading_list_embeds_nothing_and_writes_nothing(
    web: Web, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(
        home=home,
        source=(SourceSettings(reading_list="bundled"),),
        embedding=EmbeddingSettings(model="hashed"),
        fetch=FetchSettings(delay_seconds=0, per_host=4),
    )

    def night() -> tuple[IngestReport, float]:
        began = time.monotonic()
        with WebFetcher(settings, network=web.network) as fetcher:
            return run_ingest(settings, fetcher=fetcher), time.monotonic() - began

    first, filling = night()
    assert (len(first.added), first.trouble) == (319, ())
    monkeypatch.setattr("kb.snapshots.embed_all", lambda *_, **__: pytest.fail("something was embedded"))
    before = {path: path.stat().st_mtime_ns for path in (home / "snapshots").rglob("*") if path.is_file()}
    second, seconds = night()
    print(f"the first night: {filling:.1f} s; another over 320 unchanged addresses: {seconds:.1f} s")
    assert (second.created, second.snapshot, len(second.unchanged)) == (False, first.snapshot, 319)
    assert {path: path.stat().st_mtime_ns for path in (home / "snapshots").rglob("*") if path.is_file()} == before
    assert web.answered[304] == 320
    assert seconds < 30


@pytest.fixture
def command(web: Web, settings: Settings, tmp_path: Path) -> Callable[..., "subprocess.Popen[str]"]:
    """`whichway ...` in a process of its own, on the web on loopback."""
    config = tmp_path / "whichway.toml"
    config.write_text(
        f'[[source]]\nurl = "{BASE}"\nfollow = {{ depth = 1 }}\n'
        '[embedding]\nmodel = "hashed"\n[fetch]\ndelay_seconds = 0\nretries = 0\n',
        "utf-8",
    )
    authority = web.write_authority(tmp_path / "authority.pem")

    def start(*arguments: str, failpoint: str = "") -> "subprocess.Popen[str]":
        env = os.environ | {
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests" / "support"))),
            "WHICHWAY_FAILPOINT": failpoint,
        }
        child = str(ROOT / "tests" / "support" / "ingesting_child.py")
        options = ("--config", str(config), "--home", str(settings.home))
        return subprocess.Popen(
            [sys.executable, child, str(web.port), str(authority), *options, *arguments],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def ended(child: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = child.communicate(timeout=240)
    return child.returncode, out, err


def test_the_command_refreshes_says_what_it_did_and_survives_a_kill(
    web: Web, settings: Settings, command: Callable[..., "subprocess.Popen[str]"]
) -> None:
    code, out, err = ended(command("ingest"))
    assert code == 0, err
    assert "added      4" in out

    # Killed while it fetches, and at a step of the writing: the old index stays and the next run repairs.
    def hangs(write: Callable[[bytes], object]) -> None:
        time.sleep(20)

    web.pages[f"{HOST}/platforms/streams"] = Page(stream=hangs)
    asked = web.count(f"{HOST}/platforms/streams")
    child = command("ingest")
    deadline = time.monotonic() + 120
    while web.count(f"{HOST}/platforms/streams") == asked and time.monotonic() < deadline:
        time.sleep(0.05)

    # A second run at the same time says who is at work.
    code, _out, err = ended(command("ingest"))
    assert code == 1
    assert f"another whichway is writing to {settings.home} (process {child.pid}, since 20" in err
    child.kill()
    child.communicate()
    with open_index(settings) as index:
        assert len(index.corpus.documents) == 4

    web.pages[f"{HOST}/platforms/streams"] = Page(html("Streams", "Databricks reads streams, edition two."), etag='"2"')
    code, _out, _err = ended(command("ingest", failpoint="verified"))
    assert code == -9
    with open_index(settings) as index:
        assert not any("edition two" in chunk.text for chunk in index.corpus.chunks)
    web.pages[f"{HOST}/platforms/costs"] = Page(status=503)
    code, out, err = ended(command("ingest"))
    assert code == 1, err
    assert "changed    1" in out
    assert f"failed: {BASE}costs: 503 Service Unavailable; the last good version is kept" in out
    with open_index(settings) as index:
        assert any("edition two" in chunk.text for chunk in index.corpus.chunks)

    # Without network the same comes from what was kept.
    asked = len(web.asked)
    code, out, err = ended(command("ingest", "--offline"))
    assert code == 0, err
    assert "unchanged  4" in out
    assert len(web.asked) == asked
    code, out, _err = ended(command("sources", "--json"))
    assert {row["state"] for row in json.loads(out)["documents"]} == {"current"}
