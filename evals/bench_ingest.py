"""Times an ingest beside what bounds it: the tutorial pipeline, the bare encoder and the bare store."""

import time
from pathlib import Path

from evals.baselines import TutorialPipeline
from evals.bases import share
from evals.bench_figures import Measure
from evals.synthetic import markdown_pages
from kb import store
from kb.embedders import load_embedder
from kb.index import open_index
from kb.records import Corpus
from kb.settings import Settings, SourceSettings


def measure_ingest(settings: Settings, corpus: Corpus, chunks: int, folder: Path, *, baselines: bool) -> list[Measure]:
    """Ingests pages of about so many chunks into `folder`, with an empty vector cache and then with a full one.

    The tutorial pipeline runs twice in a row, ours before and after it: a machine whose speed drifts favours neither.
    """
    from ingest.pipeline import run_ingest

    pages = folder / "pages"
    pages.mkdir(parents=True)
    for name, text in markdown_pages(corpus, chunks):
        (pages / name).write_text(text, encoding="utf-8")
    embedder = load_embedder(settings.embedding, settings.home)
    embedding = settings.embedding.model_copy(update={"precision": "float32"})
    if baselines:  # compiled once, before the clock runs, like the other
        load_embedder(embedding, settings.home)
    ours = _home(settings, folder / "first", pages)
    took = [_timed(lambda: run_ingest(ours))]
    with open_index(ours, embedder=embedder) as index:
        texts = [chunk.indexed_text for chunk in index.chunks]
        ids, vectors, made = [chunk.id for chunk in index.chunks], index.vectors, index.corpus
    if baselines:
        theirs = [_timed(lambda at=folder / name: _tutorial(made, at)) for name in ("tutorial", "tutorial-again")]
        afresh = _home(settings, folder / "afresh", pages)
        took.append(_timed(lambda: run_ingest(afresh)))
    again = _home(settings, folder / "second", pages)
    (again.home / "vectors.sqlite3").write_bytes((ours.home / "vectors.sqlite3").read_bytes())
    rest = _timed(lambda: run_ingest(again))
    encoded = _timed(lambda: embedder.embed_documents(texts))
    stored = _timed(lambda: store.fill_local(folder / "raw-chroma", ids, vectors))
    bound = 3 + 2 * len(ids) / 1000
    seconds = sum(took) / len(took)
    found = [
        Measure("ingest", round(seconds, 2), "s", "bare encoder", round(encoded, 2)),
        Measure("ingest, all but encoding", round(rest, 2), "s", "bare Chroma", round(stored, 2), most=round(bound, 2)),
        Measure("ingest, chunks a second", round(len(ids) / seconds, 1), "/s"),
    ]
    if baselines:
        whole = _home(settings.model_copy(update={"embedding": embedding}), folder / "third", pages)
        in_float = _timed(lambda: run_ingest(whole))
        for name, one, least in (("ingest", seconds, 2.0), ("ingest in float32", in_float, None)):
            times = round(sum(theirs) / len(theirs) / one, 2)
            found.append(Measure(f"{name}, times as fast", times, "x", "tutorial pipeline", 1.0, least=least))
    return found


def _tutorial(corpus: Corpus, folder: Path) -> None:
    pipeline = TutorialPipeline(corpus, folder)
    try:
        pipeline.search("Which platform?")
    finally:
        pipeline.close()


def _home(settings: Settings, home: Path, pages: Path) -> Settings:
    """Settings over the pages, with the user's encoders and a vector cache of its own."""
    home.mkdir(parents=True)
    (home / "vectors.sqlite3").touch()
    share(settings.home, home)
    source = SourceSettings(path=str(pages))
    store_ = settings.store.model_copy(update={"url": "local"})
    return settings.model_copy(update={"home": home, "source": (source,), "store": store_})


def _timed(work: object) -> float:
    assert callable(work)
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
