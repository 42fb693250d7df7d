"""Answers made by hand, and a chain that gives them: enough to test what is shown, kept and served."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asked_bases import ARTICLE, Base, make_base
from langchain_core.runnables import Runnable, RunnableLambda

from bot.answer import (
    Answer,
    Cell,
    Citation,
    CitationBasis,
    Claim,
    Clarification,
    Contradiction,
    Criterion,
    MadeBy,
    NotCovered,
    Question,
)
from bot.listing import SourceRow
from bot.store import AnswerStore
from bot.verdict import decide
from kb.embedders import Embedder
from kb.settings import BUNDLED_GUIDE, Settings, SourceSettings, WebSettings

STREAMING = (
    "Azure Databricks reads an event stream with the same Spark code as a batch.\n"
    "- A sensor feed lands in a Delta table within seconds, and the table takes late events. 🚚\n"
    "- Azure Machine Learning has no stream processing of its own."
)
SERVING = (
    "Managed online endpoints keep two deployments behind one address and split traffic between them.\n"
    "That is how a new model takes over without an outage."
)
PLANTED = (
    '<img src="x" onerror="window.planted=1"> ${window.planted=1} {{constructor.constructor("window.planted=1")()}} '
    "</script><script>window.planted=1</script> `${window.planted=1}` </textarea><svg onload=window.planted=1> "
    "[link](javascript:window.planted=1) ![x](https://foreign.example/x.png) <a href=//foreign.example>a</a>"
)
TEXTS = {"s-stream": STREAMING, "s-serve": SERVING, "s-planted": f"First line.\n{PLANTED}\nLast line."}


def cite(n: int, section_id: str, quote: str, **more: object) -> Citation:
    start = TEXTS[section_id].index(quote)
    values: dict[str, object] = {
        "n": n,
        "section_id": section_id,
        "source_id": "guide/data-engineering.md",
        "title": "Data engineering" if section_id == "s-stream" else "Serving models",
        "section": ("Streaming", "The case for Azure Databricks") if section_id == "s-stream" else ("Safe rollout",),
        "url": "https://example.org/guide#streaming",
        "quote": quote,
        "start": start,
        "end": start + len(quote),
        "published": "2026-03-01",
        "fetched": "2026-11-20",
    }
    return Citation.model_validate(values | more)


def recommendation(question: str = "Which platform for streaming sensor data?", *, id: str = "answer-rec-1") -> Answer:
    basis = CitationBasis(
        title="Table streaming reads and writes",
        section="Delta table as a source",
        url="https://docs.example.org/delta-streaming/",
        published="2026-08-01",
        read="2026-11-20",
    )
    citations = (
        cite(
            1, "s-stream", "Azure Databricks reads an event stream with the same Spark code as a batch.", basis=(basis,)
        ),
        cite(2, "s-stream", "A sensor feed lands in a Delta table within seconds, and the table takes late events. 🚚"),
        cite(3, "s-serve", SERVING.split("\n")[0], published="2023-10-05"),
    )
    criteria = (
        Criterion(
            id="c1",
            text="process sensor events as they arrive",
            weight=1.5,
            cells={
                "databricks": Cell(
                    finding="supported", score=0.95, text="Streams and batches share one code.", citations=(1, 2)
                ),
                "azure_ml": Cell(
                    finding="not_supported", score=0.1, text="No stream processing of its own.", citations=(2,)
                ),
            },
        ),
        Criterion(
            id="c2",
            text="roll out models with no outage",
            polarity="not_yet",
            cells={
                "databricks": Cell(finding="not_documented"),
                "azure_ml": Cell(
                    finding="supported", score=0.9, text="Two deployments behind one address.", citations=(3,)
                ),
            },
        ),
    )
    return Answer(
        id=id,
        question=question,
        standalone_question=question,
        kind="recommendation",
        verdict=decide(criteria),
        criteria=criteria,
        claims=(
            Claim(
                text="One code for streams and batches.",
                option="databricks",
                polarity="for",
                criterion="c1",
                citations=(1,),
            ),
            Claim(
                text="Two deployments behind one address.",
                option="azure_ml",
                polarity="for",
                criterion="c2",
                citations=(3,),
            ),
        ),
        text=(
            "**Azure Databricks** fits best.\n\n- Azure Databricks reads an event stream with the same Spark code as a "
            "batch. [1]\n- A sensor feed lands in a Delta table within seconds. [2]\n\nAzure Machine Learning adds "
            "safe rollout: endpoints keep two deployments behind one address. [3]"
        ),
        citations=citations,
        contradictions=(Contradiction(between=(2, 3), about="late events"),),
        follow_ups=("What would it cost?", "Do we need both?"),
        grounding="grounded",
        made_by=MadeBy(snapshot="20261123-abc", config="cafe"),
    )


def planted(question: str) -> Answer:
    """An answer whose every text tries to run something."""
    answer = recommendation(question, id="answer-planted")
    basis = (
        answer.citations[0]
        .basis[0]
        .model_copy(
            update={"title": PLANTED, "section": PLANTED, "url": "javascript:window.planted=1", "published": PLANTED}
        )
    )
    first = cite(
        1,
        "s-planted",
        PLANTED,
        title=PLANTED,
        section=(PLANTED, PLANTED),
        url='https://foreign.example/" onmouseover="window.planted=1',
        basis=(basis,),
    )
    second = cite(2, "s-planted", PLANTED, title=PLANTED, url="javascript:window.planted=1")
    criteria = tuple(
        c.model_copy(
            update={
                "text": PLANTED,
                "cells": {
                    o: cell.model_copy(update={"text": PLANTED, "citations": (1, 2)}) for o, cell in c.cells.items()
                },
            }
        )
        for c in answer.criteria
    )
    return answer.model_copy(
        update={
            "citations": (first, second),
            "criteria": criteria,
            "verdict": decide(criteria),
            "text": f"{PLANTED} [1]\n\n- {PLANTED} [2]\n\n| a | b |\n| --- | --- |\n| {PLANTED} | [1] |",
            "claims": (Claim(text=PLANTED, option="azure_ml", polarity="for", citations=(1,)),),
            "contradictions": (Contradiction(between=(1, 2), about=PLANTED),),
            "follow_ups": (PLANTED,),
            "notices": (PLANTED,),
            "made_by": MadeBy(mode="model", model=PLANTED, snapshot=PLANTED),
        }
    )


def not_covered(question: str) -> Answer:
    near = cite(1, "s-serve", "split traffic between them")
    return Answer(
        id="answer-none-1",
        question=question,
        standalone_question=question,
        kind="not_covered",
        not_covered=NotCovered(reason="figure_missing", nearest=(1,)),
        citations=(near,),
        text="The nearest passage is about serving. [1]",
    )


def clarification(question: str) -> Answer:
    return Answer(
        id="answer-clear-1",
        question=question,
        standalone_question=question,
        kind="clarification",
        clarification=Clarification(question="What matters most?", choices=("Streaming data", "Serving models")),
    )


def respond(question: Question) -> Answer:
    """The scripted chain: the answer depends on the question's words."""
    text = question.text
    if "cost" in text or "DBU" in text:
        answer = not_covered(text)
    elif "planted" in text:
        answer = planted(text)
    elif "help" in text:
        answer = clarification(text)
    elif "crash" in text:
        raise RuntimeError("secret detail")
    else:
        answer = recommendation(text)
    suffix = f"-{len(question.history)}"
    return answer.model_copy(update={"id": answer.id + suffix, "request_id": question.request_id})


@pytest.fixture(scope="session")
def sample() -> Callable[..., Answer]:
    """Makes the recommendation that the tests render: `sample(question, id=...)`."""
    return recommendation


@pytest.fixture(scope="session")
def section_texts() -> Callable[[Answer], Mapping[str, str]]:
    return lambda answer: TEXTS


@pytest.fixture(scope="session")
def scripted_chain() -> Runnable[Question, Answer]:
    return RunnableLambda(respond)


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=home)


@pytest.fixture
def store(home: Path) -> AnswerStore:
    return AnswerStore(home, now=lambda: datetime(2026, 11, 23, 12, tzinfo=UTC))


@pytest.fixture(scope="session")
def source_list() -> list[SourceRow]:
    return [
        SourceRow(
            title="Data engineering",
            url="https://example.org/guide",
            standing="guide",
            fetched="2026-11-20",
            sections=12,
            chunks=30,
        )
    ]


@dataclass(frozen=True)
class Served:
    """A running server: its address and its store."""

    url: str
    store: AnswerStore


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory,
    scripted_chain: Runnable[Question, Answer],
    section_texts: Callable[[Answer], Mapping[str, str]],
    source_list: list[SourceRow],
) -> Iterator[Served]:
    """The whole app on a free loopback port, stopped when the tests are done."""
    import uvicorn

    from bot.web.server import build_app

    home = tmp_path_factory.mktemp("served")
    settings = Settings(home=home, web=WebSettings(rate_per_minute=10_000))
    store = AnswerStore(home)
    app = build_app(scripted_chain, settings, store, sources=lambda: source_list, section_texts=section_texts)
    listener = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not running.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert running.started, "the server did not start"
    yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", store)
    running.should_exit = True
    thread.join(timeout=20)
    assert not thread.is_alive(), "the server did not stop"


@pytest.fixture(scope="session")
def article_base(
    tmp_path_factory: pytest.TempPathFactory, encoder_home: Path, bundled_embedder: Embedder, test_data: Path
) -> Iterator[Base]:
    """The comparison article alone."""
    source = SourceSettings(path=str(test_data / ARTICLE), standing="comparison")
    base = make_base(tmp_path_factory.mktemp("article"), encoder_home, bundled_embedder, [source])
    yield base
    base.index.close()


@pytest.fixture(scope="session")
def guide_base(
    tmp_path_factory: pytest.TempPathFactory, encoder_home: Path, bundled_embedder: Embedder
) -> Iterator[Base]:
    """The bundled guide."""
    home = tmp_path_factory.mktemp("guide")
    base = make_base(home, encoder_home, bundled_embedder, [SourceSettings(guide=BUNDLED_GUIDE)])
    yield base
    base.index.close()
