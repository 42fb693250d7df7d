"""The article, as a page and as plain text: the same sections, without what the site adds."""

from collections.abc import Callable

import pytest

from kb.records import Corpus, Statement

pytestmark = pytest.mark.data
Article = Callable[[str], Corpus]


def outline(corpus: Corpus) -> list[tuple[tuple[str, ...], str]]:
    text = corpus.documents[0].text
    return [(section.path, "".join(text[section.start : section.end].split())) for section in corpus.sections]


def stance_of(corpus: Corpus, words: str) -> tuple[str | None, float]:
    found: list[Statement] = [statement for statement in corpus.statements if words in statement.text]
    assert len(found) == 1, [statement.text for statement in found]
    return found[0].stance, found[0].strength


def test_page_and_plain_text_give_the_same_sections(article: Article) -> None:
    page, text = outline(article("html")), outline(article("txt"))
    assert page == text
    assert len(page) == 22
    assert ("Model Training and MLOps: Managing the Lifecycle", "MLOps in Azure ML: Enterprise-Grade Governance") in [
        path for path, _ in text
    ]


@pytest.mark.parametrize("kind", ["html", "txt"])
def test_boilerplate_is_gone(article: Article, kind: str) -> None:
    text = article(kind).documents[0].text
    for words in ("Table of Contents", "You may also like", "Bijay", "Read more", "Copyright", "Azure Lessons"):
        assert words not in text


def test_the_broken_list_is_mended(article: Article) -> None:
    items = [s.text for s in article("txt").statements if "Databricks Workspace" in s.context or s.kind == "item"]
    starts = [item.split(":")[0] for item in items if item.startswith(("Multi", "Real", "Git"))]
    assert starts == ["Multi-language Support", "Real-time Collaboration", "Git Integration"]


@pytest.mark.parametrize("kind", ["html", "txt"])
@pytest.mark.parametrize(
    ("words", "stance"),
    [
        ("undisputed champion", ("databricks", 1.0)),
        ("built to perform heavy-duty", ("azure_ml", -0.5)),
        ("more configuration compared", ("databricks", -0.5)),
        ("blue/green", ("azure_ml", 0.5)),
        ("already cleansed", ("azure_ml", 1.0)),
        ("petabyte-scale, unstructured", ("databricks", 1.0)),
        ("to those clean Delta tables", ("azure_ml", 0.5)),
        ("Use Azure Databricks to ingest", ("databricks", 0.5)),
        ("not mutually exclusive", (None, 0.5)),
        ("extra premium layer", ("azure_ml", 0.5)),
        ("surprise bill", ("databricks", -0.5)),
        ("optimized Photon engine", ("databricks", 0.5)),
        ("It was founded by", ("databricks", 0.5)),
        ("strengths, weaknesses", (None, 0.5)),
    ],
)
def test_stances(article: Article, kind: str, words: str, stance: tuple[str | None, float]) -> None:
    assert stance_of(article(kind), words) == stance


def test_a_cell_carries_its_row_and_column(article: Article) -> None:
    cell = next(s for s in article("html").statements if s.text.startswith("Managed MLflow with"))
    assert (cell.kind, cell.context) == ("cell", "MLOps & Tracking — Azure Databricks")


def test_a_citation_opens_the_section_of_the_page(article: Article) -> None:
    corpus = article("html")
    urls = {section.path[-1]: section.url for section in corpus.sections if section.path}
    base = "https://azurelessons.com/azure-machine-learning-vs-databricks/"
    assert urls["Azure Databricks Cost Structure"] == f"{base}#azure-databricks-cost-structure"
    assert corpus.documents[0].standing == "comparison"
