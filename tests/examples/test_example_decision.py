"""The example decision works by configuration alone: no code knows of it, and nothing of the bundled one shows."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.answer import Answer, Question
from bot.doctor import examine_guide
from bot.factory import build_chain
from ingest.pipeline import run_ingest
from kb.embedders import Embedder
from kb.guide_check import check_guide
from kb.index import Index, open_index
from kb.settings import Settings, load_settings

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "postgresql-or-mysql"
OFFICIAL = frozenset({"postgresql.org", "dev.mysql.com"})
CHOICES = {
    "We store JSON documents and need GIS queries: which one?": "postgresql",
    "MySQL or Postgres for maps with polygons and routes?": "postgresql",
    "Analysts run heavy reports with many joins. PostgreSQL or MySQL?": "postgresql",
    "We want to write our own data types and install extensions.": "postgresql",
    "Full-text search with stemming in German and French and typos forgiven?": "postgresql",
    "Which one has simpler replication with automatic failover?": "mysql",
    "We run a WordPress site with many readers. Which should we use?": "mysql",
    "Thousands of short-lived connections from serverless functions, which one?": "mysql",
    "JSON documents with nested fields, and automatic failover without an expert: which?": "both",
    "A phone app keeps a few notes on the device, one user, no server. Which one do I need?": "neither",
    "PostgreSQL or MySQL?": "either",
}
REFUSED = {
    "What is the best pizza in Rome?": "off_topic",
    "How much does MySQL Enterprise cost per server?": "figure_missing",
    "Is Oracle better than both?": "other_vendor",
}
OTHERS = (
    "hi",
    "What can you do?",
    "What is the difference between PostgreSQL and MySQL?",
    "Compare PostgreSQL and MySQL on replication.",
    "Can MySQL store polygons?",
)
BUNDLED_WORDS = ("azure", "databricks", "aml", "machine learning", "streaming sensor")

Ask = Callable[[str], Answer]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, encoder_home: Path) -> Settings:
    home = tmp_path_factory.mktemp("example")
    # Trained recognisers are named after all that they depend on, so one test run can use those of the one before.
    (encoder_home / "recognisers").mkdir(exist_ok=True)
    (home / "recognisers").symlink_to(encoder_home / "recognisers")
    return load_settings(config=EXAMPLE / "whichway.toml", home=home, environ={})


@pytest.fixture(scope="module")
def index(settings: Settings, bundled_embedder: Embedder) -> Iterator[Index]:
    run_ingest(settings, embedder=bundled_embedder)
    with open_index(settings, embedder=bundled_embedder) as opened:
        yield opened


@pytest.fixture(scope="module")
def ask(settings: Settings, index: Index) -> Ask:
    chain = build_chain(settings, index=index)
    return lambda text: chain.invoke(Question(text=text))


def test_the_guide_keeps_the_rules_of_guides(settings: Settings) -> None:
    check = check_guide(EXAMPLE / "guide", settings.decision.options, hosts=OFFICIAL)
    assert not check.faults
    assert (check.topics, check.well_founded) == (12, 1.0)


def test_doctor_finds_no_fault_with_a_guide_that_rests_on_other_hosts(settings: Settings) -> None:
    assert [finding.state for finding in examine_guide(settings, online=False)] == ["ok"]


def test_the_index_holds_the_examples_guide_alone(index: Index) -> None:
    assert {document.source_id for document in index.documents} == {
        f"guide/{path.name}" for path in (EXAMPLE / "guide").glob("*.md")
    }
    assert {statement.stance for statement in index.statements} <= {"postgresql", "mysql", None}


@pytest.mark.parametrize("text", CHOICES)
def test_a_clear_question_gets_the_choice_of_the_guide(ask: Ask, text: str) -> None:
    answer = ask(text)
    assert (answer.kind, answer.verdict.choice) == ("recommendation", CHOICES[text])
    assert answer.citations


@pytest.mark.parametrize("text", REFUSED)
def test_what_the_guide_does_not_say_is_refused(ask: Ask, text: str) -> None:
    answer = ask(text)
    assert answer.kind == "not_covered"
    assert answer.not_covered is not None
    assert answer.not_covered.reason == REFUSED[text]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("PostgreSQL or MySQL for our online shop?", "MySQL or PostgreSQL for our online shop?"),
        ("Postgres or MySQL for JSON documents?", "MySQL or Postgres for JSON documents?"),
        ("PostgreSQL or MySQL?", "MySQL or PostgreSQL?"),
    ],
)
def test_the_order_of_the_options_does_not_matter(ask: Ask, one: str, other: str) -> None:
    first, second = ask(one), ask(other)
    assert first.verdict.choice is not None
    assert first.verdict == second.verdict


def test_quotes_are_in_their_sections_and_rest_on_the_makers_own_pages(ask: Ask, index: Index) -> None:
    cited = [citation for text in (*CHOICES, *OTHERS) for citation in ask(text).citations]
    assert len(cited) > 30
    for citation in cited:
        assert index.section_text(citation.section_id)[citation.start : citation.end] == citation.quote
        assert all(
            basis.url.startswith(("https://www.postgresql.org/docs/", "https://dev.mysql.com/"))
            for basis in citation.basis
        )
        assert citation.basis


def test_nothing_of_the_bundled_decision_shows(ask: Ask, index: Index) -> None:
    shown = [ask(text).model_dump_json(exclude={"question", "standalone_question"}) for text in _all_questions()]
    shown += [str(dataclasses.asdict(document)) for document in index.documents]
    for text in shown:
        assert not [word for word in BUNDLED_WORDS if word in text.lower()]


def _all_questions() -> tuple[str, ...]:
    return (*CHOICES, *REFUSED, *OTHERS)
