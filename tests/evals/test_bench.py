"""The benchmark measures what it says: recombined pages, its own vectors, a server that is really asked."""

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evals.bench import Sizes, keep, run_bench
from evals.bench_figures import Measure, bench_table, quantiles
from evals.bench_serving import open_loop
from evals.synthetic import JITTER, RecombinedEmbedder, extend, markdown_pages
from kb.embedders import HashedBagEmbedder
from kb.plain import in_stored_order
from kb.records import Corpus
from kb.settings import Settings, SourceSettings, load_settings

PAGE = """# Azure Machine Learning or Azure Databricks

## Streaming

Azure Databricks takes an event stream with Spark. Sensor telemetry goes through its pipelines.

## Endpoints

Azure Machine Learning deploys models to managed endpoints. A blue-green rollout splits their traffic.
"""


def test_the_extension_is_deterministic_and_made_of_real_sentences(pages: Corpus) -> None:
    grown, made_of = extend(pages, 40)
    again, _ = extend(pages, 40)
    assert grown == again
    assert len(grown.chunks) == 40
    real = {statement.text for statement in pages.statements}
    assert all(sentence in real for found in made_of.values() for sentence in found)
    assert len(in_stored_order(grown).statements) == len(grown.statements)  # raises where a span is not its text


def test_a_recombined_vector_stays_near_its_sentences(pages: Corpus) -> None:
    encoder = HashedBagEmbedder()
    _, made_of = extend(pages, 30)
    text, sentences = next(iter(made_of.items()))
    [vector] = RecombinedEmbedder(encoder, made_of).embed_documents([text])
    mean = encoder.embed_documents(sentences).mean(axis=0)
    cosine = float(vector @ mean / np.linalg.norm(mean))
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)
    assert 0.85 < cosine < 1 - JITTER**2 / 4
    [other] = RecombinedEmbedder(encoder, made_of).embed_documents(["no recombined text"])
    assert np.array_equal(other, encoder.embed_query("no recombined text"))


def test_pages_to_ingest_hold_the_drawn_sentences(pages: Corpus) -> None:
    written = dict(markdown_pages(pages, 24))
    assert sorted(written) == ["page-00000.md", "page-00001.md"]
    assert written["page-00000.md"].startswith("# Page 0")
    assert any(statement.text in written["page-00001.md"] for statement in pages.statements)


def test_the_open_loop_counts_waiting_from_when_a_question_was_due() -> None:
    def slow(question: str) -> None:
        time.sleep(0.05)
        if question == "bad":
            raise OSError("refused")

    load = open_loop(slow, ["good", "bad"], rate=40, seconds=0.2)
    assert (len(load.seconds), load.failed) == (4, 4)
    assert min(load.seconds) >= 0.05


def test_a_promise_is_kept_or_broken() -> None:
    low, high = quantiles("answer", [0.01] * 9 + [0.5], baseline=[0.02] * 4, against="tutorial", most=(20.0, 100.0))
    assert (low.value, low.baseline, low.kept) == (10.0, 20.0, True)
    assert high.kept is False
    assert Measure("recall", 0.98, "", least=0.99).kept is False
    assert Measure("disk", 3.0, "MB").kept is None


@pytest.mark.parametrize("server", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_run_measures_what_it_is_asked_to(home: Path, tmp_path: Path, server: bool) -> None:
    (tmp_path / "page.md").write_text(PAGE)
    (tmp_path / "whichway.toml").write_text('[decision]\ntopics = ""\n[embedding]\nmodel = "hashed"\n')
    settings: Settings = load_settings(config=tmp_path / "whichway.toml", home=home, environ={})
    whole = Sizes(40, ingest=20, seconds=1.0, rate=4.0, questions=6, baselines=False, cold=1)
    sizes = whole if server else replace(whole, ingest=0, seconds=0.0, cold=0)
    asked = [f"Which platform takes an event stream of {thing}?" for thing in ("a", "b", "c", "d", "e", "f")]
    source = SourceSettings(path=str(tmp_path / "page.md"), standing="comparison")
    done = run_bench(settings, sizes, sources=[source], questions=asked)
    assert done.chunks == 40
    assert done.named("recall@20 of Chroma").value == 1.0
    assert done.named("warm answer p50").value > 0
    if server:
        assert done.named("failed under load").value == 0
        assert done.named("4 answers a second p95").value > 0
        assert done.named("memory of the server").value > 50
    assert not (home / "vectors.sqlite3").exists() or (home / "vectors.sqlite3").stat().st_size == 0
    as_json, plot = keep(done, home)
    assert json.loads(as_json.read_text())["chunks"] == 40
    assert "warm answer p50" in plot.read_text()
    assert bench_table(done).row_count == len(done.measures)
