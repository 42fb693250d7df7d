"""What the knowledge base lacks, seen from its evidence and from what was asked."""

from collections.abc import Callable

from bot.answer import Answer, Cell, Criterion
from evals.gaps import open_needs, open_questions, topic_evidence
from kb.records import Corpus
from kb.settings import DecisionSettings

OPTIONS = DecisionSettings().options


def test_topics_are_listed_thinnest_first_by_origins(pages: Corpus) -> None:
    found = topic_evidence(pages, OPTIONS)
    # two statements of one page are one origin
    assert [(each.topic, each.origins) for each in found] == [
        ("data", {"azure_ml": 0, "databricks": 1}),
        ("models", {"azure_ml": 1, "databricks": 0}),
    ]


def test_needs_without_evidence_are_counted_over_answers(answer: Callable[..., Answer]) -> None:
    def with_gap(question: str) -> Answer:
        cells = {"azure_ml": Cell(finding="not_documented"), "databricks": Cell(finding="supported")}
        return answer(question, choice="databricks", criteria=(Criterion(id="c1", text="edge devices", cells=cells),))

    found = open_needs([with_gap("On a ship?"), with_gap("In a mine?"), answer("No needs?")])
    assert [(need.text, need.option, need.times, need.example) for need in found] == [
        ("edge devices", "azure_ml", 2, "On a ship?")
    ]


def test_refusals_that_sources_could_mend_are_open_questions(answer: Callable[..., Answer]) -> None:
    asked = [
        answer("What does it cost?", refuse="figure_missing"),
        answer("What does it cost? ", refuse="figure_missing"),
        answer("Pizza?", refuse="off_topic"),
        answer("Quotas?", refuse="no_evidence"),
    ]
    assert [(each.question, each.reason, each.times) for each in open_questions(asked)] == [
        ("What does it cost?", "figure_missing", 2),
        ("Quotas?", "no_evidence", 1),
    ]
