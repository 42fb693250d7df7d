"""One article is enough for a verdict: what its sections decide, and what it does not say."""

import pytest
from asked_bases import Base


@pytest.mark.parametrize(
    ("question", "choice", "section"),
    [
        (
            "Which platform should I use for petabyte streaming data?",
            "databricks",
            {"Choose Azure Databricks If:", "Databricks: The King of Big Data"},
        ),
        (
            "We need blue-green endpoints and drift monitoring: which platform?",
            "azure_ml",
            {"MLOps in Azure ML: Enterprise-Grade Governance", "Choose Azure Machine Learning If:"},
        ),
        (
            "Which platform should I use to clean petabytes first, then deploy models with strict governance?",
            "both",
            {
                "The Hybrid Approach: Why Not Both?",
                "MLOps in Azure ML: Enterprise-Grade Governance",
                "Choose Azure Machine Learning If:",
            },
        ),
        (
            "clean petabytes first, then deploy models with strict governance",
            "both",
            {"Choose Azure Databricks If:", "Databricks: The King of Big Data"},
        ),
    ],
)
def test_the_article_decides_and_is_cited_where_it_says_so(
    article_base: Base, question: str, choice: str, section: set[str]
) -> None:
    answer = article_base.ask(question)
    assert (answer.kind, answer.verdict.choice) == ("recommendation", choice)
    assert section & set(article_base.headings(answer))
    assert answer.grounding == "grounded"
    if choice != "both":
        first = article_base.index.section(answer.citations[0].section_id)
        assert first.path[-1] in section
        assert answer.applies_to == (choice,)


def test_a_mixed_scenario_says_who_does_what(article_base: Base) -> None:
    answer = article_base.ask("clean petabytes first, then deploy models with strict governance")
    assert "clean petabytes" in answer.verdict.parts["databricks"]
    assert "governance" in answer.verdict.parts["azure_ml"]
    assert answer.applies_to == ("azure_ml", "databricks")


def test_a_price_that_the_article_does_not_give_is_not_made_up(article_base: Base) -> None:
    answer = article_base.ask("What is the price of one DBU?")
    assert answer.not_covered is not None
    assert (answer.kind, answer.not_covered.reason) == ("not_covered", "figure_missing")
    assert article_base.headings(answer)[0] == "Azure Databricks Cost Structure"
    assert answer.not_covered.nearest == tuple(citation.n for citation in answer.citations)
    assert answer.verdict.choice is None
    assert answer.grounding is None


@pytest.mark.parametrize(
    "question", ["Where can I get the best pizza in Rome?", "best pizza in Rome", "Who won the world cup in 1998?"]
)
def test_what_the_article_is_not_about_is_refused_without_a_citation(article_base: Base, question: str) -> None:
    answer = article_base.ask(question)
    assert answer.not_covered is not None
    assert (answer.kind, answer.not_covered.reason) == ("not_covered", "off_topic")
    assert answer.citations == ()


@pytest.mark.parametrize("question", ["databricks vs azure ml differnces??", "How do the two differ?"])
def test_how_the_two_differ_is_told_of_both(article_base: Base, question: str) -> None:
    answer = article_base.ask(question)
    assert answer.kind == "comparison"
    assert [cell.finding for criterion in answer.criteria for cell in criterion.cells.values()] == ["supported"] * 2
    assert len(answer.citations) >= 2


def test_what_is_said_besides_stands_below_the_table(article_base: Base) -> None:
    answer = article_base.ask("Compare Azure Machine Learning and Azure Databricks on cost.")
    table, _, besides = answer.text.partition("**Said besides**")
    cited = {n for criterion in answer.criteria for cell in criterion.cells.values() for n in cell.citations}
    assert besides
    assert all(f"[{n}]" in table for n in cited)
    assert all(f"[{citation.n}]" in besides for citation in answer.citations if citation.n not in cited)
