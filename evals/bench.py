"""`whichway eval bench`: speed, memory and disk at a chosen size, each figure beside its baseline in the same run."""

import contextlib
import datetime as dt
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot.answer import Question
from bot.factory import build_chain
from evals.asking import Progress
from evals.baselines import TutorialPipeline
from evals.bases import ARTICLE_FILE, base_sources, eval_settings, find_test_data, share
from evals.bench_figures import Bench, Measure, bench_plot, quantiles
from evals.bench_ingest import measure_ingest
from evals.bench_serving import cold_ask, open_loop, saturation, serving
from evals.golden import load_golden
from evals.synthetic import RecombinedEmbedder, extend
from kb.embedders import load_embedder
from kb.errors import UsageError
from kb.index import Index, open_index
from kb.records import Corpus
from kb.search import HybridSearch
from kb.settings import Settings, SourceSettings
from kb.snapshots import write_snapshot
from kb.vector_cache import VectorCache, indexed_text

RECALL_AT = 20
_WARM_UP = 5


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: chunks of the index and of the timed ingest, seconds of load, questions, cold starts."""

    chunks: int
    ingest: int = 500
    seconds: float = 60.0
    rate: float = 8.0
    questions: int = 100
    baselines: bool = True
    cold: int = 3


def run_bench(
    settings: Settings,
    sizes: Sizes,
    *,
    sources: Sequence[SourceSettings] | None = None,
    questions: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Bench:
    """Every figure, over the real documents (`sources`, else guide and article) and pages recombined from them."""

    def tell(what: str, done: int) -> None:
        if progress:
            progress(what, done, 1)

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    machine = {"cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()}
    asked = list(questions if questions is not None else _questions())[: sizes.questions]
    corpus = _real_corpus(settings, sources)
    found: list[Measure] = []
    with tempfile.TemporaryDirectory(prefix="whichway-bench-") as scratch:
        if sizes.ingest:
            tell("ingest", 0)
            found += measure_ingest(settings, corpus, sizes.ingest, Path(scratch) / "ingest", baselines=sizes.baselines)
            tell("ingest", 1)
        tell("index", 0)
        ours = _extended(settings, corpus, sizes.chunks, Path(scratch) / "index")
        tell("index", 1)
        tell("questions", 0)
        store = ours.store.model_copy(update={"exact_up_to": 0})
        with open_index(ours) as index, open_index(ours.model_copy(update={"store": store})) as on_chroma:
            count = len(index.chunks)
            other = _tutorial_times(corpus, Path(scratch), asked) if sizes.baselines else []
            found += _asking(ours, index, asked, other)
            found += _retrieval(index, on_chroma, asked)
            found += _disk(index)
        if sizes.cold:
            found += _cold(ours, asked[: sizes.cold])
        tell("questions", 1)
        if sizes.seconds:
            tell("server", 0)
            found += _server(ours, asked, sizes)
            tell("server", 1)
    at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return Bench(at, machine | {"load": round(load, 1)}, count, tuple(found))


def keep(bench: Bench, home: Path) -> tuple[Path, Path]:
    """Writes the run as JSON and SVG under `<home>/evals/bench/`."""
    folder = home / "evals" / "bench"
    stem = f"{bench.at[:19].replace(':', '')}-{bench.chunks}"
    paths = folder / f"{stem}.json", folder / f"{stem}.svg"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in zip(paths, (bench.as_json(), bench_plot(bench)), strict=True):
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write into {str(folder)!r}: {error.strerror}; name another --home") from None
    return paths


def _real_corpus(settings: Settings, sources: Sequence[SourceSettings] | None) -> Corpus:
    from ingest.pipeline import build_corpus

    if sources is None:
        sources = [*base_sources("guide")]
        with contextlib.suppress(UsageError):  # without test data the guide alone is recombined
            sources.append(SourceSettings(path=str(find_test_data() / ARTICLE_FILE), standing="comparison"))
    embedder = load_embedder(settings.embedding, settings.home)
    return build_corpus(settings, sources=sources, count_tokens=embedder.count_tokens, max_tokens=embedder.max_tokens)


def _extended(settings: Settings, corpus: Corpus, chunks: int, home: Path) -> Settings:
    """Settings whose index holds the corpus and recombined pages, in a home with a vector cache of its own."""
    real = eval_settings(settings, "bench", ())
    embedder = load_embedder(settings.embedding, settings.home)
    grown, made_of = extend(corpus, chunks)
    home.mkdir(parents=True)
    (home / "vectors.sqlite3").touch()  # or `share` would put recombined vectors into the user's cache
    share(settings.home, home)
    ours = real.model_copy(update={"home": home})
    recombining = RecombinedEmbedder(embedder, made_of)
    items = [
        (chunk.context, chunk.text) for chunk in grown.chunks if indexed_text(chunk.context, chunk.text) in made_of
    ]
    VectorCache(home).vectors(recombining, items)
    write_snapshot(grown, settings=ours, embedder=embedder, made={"bench": str(chunks)})
    return ours


def _questions() -> list[str]:
    data = Path(__file__).parent / "data"
    cases = [case for name in ("guide", "article") for case in load_golden(data / f"{name}.yaml").of_split("dev")]
    return list(dict.fromkeys(case.question for case in cases if not case.history))


def _times(work: Callable[[str], object], questions: Sequence[str]) -> list[float]:
    for question in questions[:_WARM_UP]:
        work(f"{question} Please.")
    found = []
    for question in questions:
        begun = time.perf_counter()
        work(question)
        found.append(time.perf_counter() - begun)
    return found


def _tutorial_times(corpus: Corpus, folder: Path, questions: Sequence[str]) -> list[float]:
    tutorial = TutorialPipeline(corpus, folder / "tutorial")
    try:
        return _times(tutorial.search, questions)
    finally:
        tutorial.close()


def _asking(settings: Settings, index: Index, questions: Sequence[str], other: Sequence[float]) -> list[Measure]:
    begun = time.perf_counter()
    chain = build_chain(settings, index=index)
    index.warm()
    built = time.perf_counter() - begun
    times = _times(lambda text: chain.invoke(Question(text=text)), questions)
    return [
        Measure("chain ready", round(built, 2), "s"),
        *quantiles(
            "warm answer", times, against="tutorial search, real pages only", baseline=other, most=(60.0, 150.0)
        ),
    ]


def _retrieval(index: Index, on_chroma: Index, questions: Sequence[str]) -> list[Measure]:
    """Each leg with the question's vector at hand, so that encoding is counted once, on a line of its own."""
    embedder = index.embedder
    vectors = {question: embedder.embed_query(question) for question in questions}
    vectors |= {f"{question} Please.": vectors[question] for question in questions}
    retriever = HybridSearch(index)
    exact = _times(lambda text: index.exact(vectors[text], RECALL_AT), questions)
    recalls = []
    for question in questions:
        truth = {id_ for id_, _ in index.exact(vectors[question], RECALL_AT)}
        recalls.append(len(truth & {id_ for id_, _ in on_chroma.dense(vectors[question], RECALL_AT)}) / len(truth))
    most = 15.0 if len(index.chunks) <= 20_000 else 40.0
    dense = _times(lambda text: index.dense(vectors[text], 60), questions)
    chroma = _times(lambda text: on_chroma.dense(vectors[text], 60), questions)
    return [
        *quantiles("encode a question", _times(lambda text: embedder.embed_queries([text]), questions)),
        *quantiles("dense leg", dense),
        *quantiles("Chroma", chroma, against="exact search", baseline=exact),
        *quantiles("lexical leg", _times(lambda text: index.lexical(text, 60), questions)),
        *quantiles("retrieval, fused", _times(lambda text: retriever.search(text, 14), questions), most=(None, most)),
        Measure(
            f"recall@{RECALL_AT} of Chroma", round(float(np.mean(recalls)), 4), "", "exact search", 1.0, least=0.99
        ),
    ]


def _disk(index: Index) -> list[Measure]:
    size = sum(path.stat().st_size for path in index.folder.rglob("*") if path.is_file())
    return [Measure("disk", round(size / 1e6, 1), "MB", "bare vectors", round(index.vectors.nbytes / 1e6, 1))]


def _cold(settings: Settings, questions: Sequence[str]) -> list[Measure]:
    times = sorted(cold_ask(settings, question) for question in questions)
    return [Measure("cold ask, median", round(times[len(times) // 2], 2), "s", most=1.5)]


def _server(settings: Settings, questions: Sequence[str], sizes: Sizes) -> list[Measure]:
    with serving(settings) as server:
        for question in questions[:_WARM_UP]:
            server.ask(question)
        load = open_loop(server.ask, questions, rate=sizes.rate, seconds=sizes.seconds)
        most = saturation(server.ask, questions, seconds=min(sizes.seconds, 20.0))
        return [
            Measure("serve, ready after", round(server.ready_seconds, 2), "s", most=5.0),
            *(quantiles(f"{sizes.rate:g} answers a second", load.seconds, most=(None, 1000.0)) if load.seconds else ()),
            Measure("failed under load", load.failed, "", most=0.0),
            Measure("saturation, answers a second", round(most, 1), "/s", "asked for", sizes.rate),
            Measure("memory of the server", round(server.megabytes()), "MB", most=700.0),
        ]
