"""Answers over written passages, and what a chat model may and must not say of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_openai import FakeOpenAI, Reaction

from bot.answer import Answer, Cell, Citation, Claim, Criterion, MadeBy
from bot.verdict import decide
from kb.options import OptionFinder
from kb.settings import DecisionSettings, ModelSettings, Settings

HERE = Path(__file__).parent
FINDER = OptionFinder(DecisionSettings().options)


@dataclass(frozen=True)
class Case:
    """A passage with sentences that it bears out and sentences that it does not."""

    passage: str
    supported: tuple[str, ...]
    unsupported: tuple[str, ...]


def _cases(name: str) -> list[Case]:
    loaded = yaml.safe_load((HERE / name).read_text(encoding="utf-8"))
    return [Case(c["passage"], tuple(c["supported"]), tuple(c["unsupported"])) for c in loaded]


@pytest.fixture(scope="session")
def cases() -> list[Case]:
    """The cases that the checker was tuned on, and those that it was not."""
    return _cases("sentences.yaml") + _cases("held_out.yaml")


@pytest.fixture(scope="session")
def held_out() -> list[Case]:
    return _cases("held_out.yaml")


def cite(n: int, quote: str) -> Citation:
    return Citation(
        n=n,
        section_id=f"s{n}-{len(quote)}",
        source_id=f"guide/{n}.md",
        title="Guide",
        section=("Topic",),
        url=f"https://example.org/guide#{n}",
        quote=quote,
        start=0,
        end=len(quote),
    )


@pytest.fixture(scope="session")
def answer_of() -> Callable[..., Answer]:
    """Makes a recommendation whose citations are the passages: `answer_of(passages, question=...)`."""

    def make(passages: Sequence[str], *, question: str = "Which platform for streaming and serving?") -> Answer:
        citations = tuple(cite(n, passage) for n, passage in enumerate(passages, 1))
        first = {option: next((c.n for c in citations if option in FINDER.named(c.quote)), None) for option in IDS}
        cells = {
            option: Cell(finding="supported", score=score, text="quoted", citations=(n,) if n else ())
            for (option, n), score in zip(first.items(), (0.3, 0.8), strict=True)
        }
        criteria = (Criterion(id="c1", text="streaming and serving", cells=cells),)
        claims = tuple(
            Claim(text=c.quote, option=named[0] if len(named) == 1 else None, criterion="c1", citations=(c.n,))
            for c in citations[:6]
            for named in [FINDER.named(c.quote)]
        )
        return Answer(
            id="a1",
            question=question,
            standalone_question=question,
            kind="recommendation",
            applies_to=("databricks",),
            verdict=decide(criteria),
            criteria=criteria,
            claims=claims,
            text="The extractive text.",
            citations=citations,
            grounding="grounded",
            made_by=MadeBy(snapshot="snap", config="conf"),
        )

    return make


IDS = ("azure_ml", "databricks")


@pytest.fixture
def settings_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Settings with the model at a base address: `settings_for(fake.url, timeout_seconds=...)`."""
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-secret-1234567890")

    def make(url: str, **model: Any) -> Settings:
        values = {
            "name": "openai:fake-model",
            "base_url": url,
            "tokens_per_answer": 12_000,
            "timeout_seconds": 60,
        } | model
        return Settings(home=home, model=ModelSettings(**values))

    return make


@pytest.fixture
def fake() -> Iterator[FakeOpenAI]:
    """The scripted server; a test sets `fake.script`."""
    with FakeOpenAI(lambda request: Reaction(status=500)) as server:
        yield server
