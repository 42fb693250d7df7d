"""A small corpus, the sample set that is asked of it, and systems that answer by script."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bot.answer import Answer, Citation, NotCovered, Question, Verdict
from evals.gold_sections import SectionMap
from evals.golden import GoldenSet, load_golden
from evals.judgements import Judgements
from evals.runner import System
from evals.scorers import Rules
from kb.options import OptionFinder
from kb.records import Corpus
from kb.settings import DecisionSettings

SAMPLE = Path(__file__).with_name("sample.yaml")

AnswerMaker = Callable[..., Answer]


@pytest.fixture(scope="session")
def pages(make_corpus: Callable[..., Corpus]) -> Corpus:
    """Two pages of two sections, at addresses that the sample set knows."""
    corpus = make_corpus(
        {
            "data": {
                "Streaming": ["Azure Databricks takes an event stream with Spark."],
                "Tables": ["Azure Databricks keeps tables."],
            },
            "models": {
                "Endpoints": ["Azure Machine Learning has managed endpoints."],
                "Registry": ["Azure Machine Learning registers models."],
            },
        }
    )
    documents = tuple(dataclasses.replace(d, source_id=f"pages/{d.title}") for d in corpus.documents)
    return dataclasses.replace(corpus, documents=documents)


@pytest.fixture
def sample() -> GoldenSet:
    """The sample set."""
    return load_golden(SAMPLE)


@pytest.fixture
def sections(pages: Corpus) -> SectionMap:
    """The sections of the small corpus."""
    return SectionMap(pages)


@pytest.fixture
def answer(pages: Corpus) -> AnswerMaker:
    """Makes answers: `answer(question, choice="both", cite=["Streaming"], refuse="no_evidence", ...)`."""
    by_heading = {section.path[-1]: section for section in pages.sections}
    texts = {document.id: document.text for document in pages.documents}

    def make(
        question: str = "?",
        *,
        choice: str | None = None,
        cite: Sequence[str] = (),
        refuse: str | None = None,
        text: str = "",
        **more: object,
    ) -> Answer:
        citations = []
        for n, heading in enumerate(cite, 1):
            section = by_heading[heading]
            quote = texts[section.document_id][section.start : section.end]
            citations.append(
                Citation(
                    n=n,
                    section_id=section.id,
                    source_id="",
                    title="",
                    section=section.path,
                    url=section.url,
                    quote=quote,
                    start=0,
                    end=len(quote),
                )
            )
        kind = "not_covered" if refuse else "recommendation" if choice else "fact"
        values: dict[str, object] = {
            "id": "a",
            "question": question,
            "standalone_question": question,
            "kind": kind,
            "verdict": Verdict(choice=choice, confidence=0.9 if choice else 0.0),
            "citations": tuple(citations),
            "not_covered": NotCovered(reason=refuse) if refuse else None,  # type: ignore[arg-type]
            "text": text,
        }
        return Answer.model_validate(values | more)

    return make


@pytest.fixture
def script(answer: AnswerMaker) -> Callable[[Question], Answer]:
    """A system that is right about every question of the sample set."""

    def respond(question: Question) -> Answer:
        text = question.text
        if "price" in text:
            return answer(text, refuse="figure_missing")
        if "managed endpoints" in text:
            return answer(text, applies_to=("azure_ml",), cite=["Endpoints"])
        if "Events" in text or "telemetry" in text:
            return answer(text, choice="databricks", applies_to=("databricks",), cite=["Streaming"], text="Spark [1]")
        if "serve" in text:
            return answer(text, choice="azure_ml", cite=["Endpoints"])
        return answer(text, text="Models live in a registry.")

    return respond


@pytest.fixture
def system_for(sections: SectionMap) -> Callable[..., System]:
    """Wraps an answering function as a System over the small corpus: `system_for(respond, identity="x")`."""

    def make(respond: Callable[[Question], Answer], *, identity: str = "scripted", **more: object) -> System:
        return System(
            make_answerer=lambda: respond,
            identity=identity,
            rules=Rules(sections, Judgements()),
            finder=OptionFinder(DecisionSettings().options),
            **more,  # type: ignore[arg-type]
        )

    return make
