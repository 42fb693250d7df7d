"""Every rendering says the same as the Answer, and nothing in a text breaks out of it."""

import io
import json
from collections.abc import Callable
from datetime import date

import pytest
from bs4 import BeautifulSoup
from rich.console import Console

from bot.answer import Answer, NotCovered, Verdict
from bot.compose import comparison_text, not_covered_text, recommendation_text
from bot.render import comparison_table, decision_record, reweighed, to_markdown, to_terminal
from bot.render_words import NOT_COVERED_WORDS, age, confidence_words, headline, origin, plain
from bot.slack.blocks import render
from bot.slack.style import Style
from bot.web.turns import answer_turn
from kb.settings import Settings

Sample = Callable[..., Answer]
OPTIONS = Settings().decision.options
TODAY = date(2026, 11, 23)


def shown(answer: Answer, width: int = 100) -> str:
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=False).print(to_terminal(answer, OPTIONS, today=TODAY))
    return out.getvalue()


def page(answer: Answer) -> str:
    return BeautifulSoup(answer_turn(answer, OPTIONS, key="k", today=TODAY), "lxml").get_text(" ")


def slack(answer: Answer) -> str:
    messages = render(answer, Style(OPTIONS, TODAY))
    return json.dumps([message.all_blocks for message in messages], ensure_ascii=False)


channels = pytest.mark.parametrize(
    "show",
    [lambda answer: to_markdown(answer, OPTIONS), lambda answer: shown(answer, width=400), page, slack],
    ids=["markdown", "terminal", "page", "slack"],
)


@channels
def test_what_would_change_the_verdict_is_said_once(sample: Sample, show: Callable[[Answer], str]) -> None:
    answer = sample()
    text = recommendation_text(answer.criteria, answer.claims, answer.verdict, OPTIONS)
    assert [f"[{n}]" in text for n in (1, 2, 3)] == [True, False, True], "one marker a claim"
    told = show(answer.model_copy(update={"text": text}))
    for change in answer.verdict.would_change:
        assert told.count(change.text) == 1


@channels
def test_a_comparison_has_one_table_under_what_is_written(sample: Sample, show: Callable[[Answer], str]) -> None:
    criteria = reweighed(sample().criteria, {"c1": 0.0, "c2": 0.0})
    table = comparison_text(criteria, (), OPTIONS)
    text = f"One streams, one serves. [1]\n\n{table}"
    compared = {"kind": "comparison", "verdict": Verdict(), "criteria": criteria, "claims": (), "text": text}
    told = show(sample().model_copy(update=compared))
    assert told.count("One streams, one serves.") == 1
    for text in ("Streams and batches share one code.", "No stream processing of its own."):
        assert (table.count(text), told.count(text)) == (1, 1)
    assert told.count("Side by side") == 1


@channels
def test_what_a_comparison_says_besides_stands_below_its_table_once(
    sample: Sample, show: Callable[[Answer], str]
) -> None:
    criteria = reweighed(sample().criteria, {"c1": 0.0, "c2": 0.0})
    besides = sample().claims[0].model_copy(update={"text": "Both take part-time clusters.", "criterion": None})
    text = comparison_text(criteria, (besides,), OPTIONS)
    compared = {"kind": "comparison", "verdict": Verdict(), "criteria": criteria, "claims": (besides,), "text": text}
    told = show(sample().model_copy(update=compared))
    assert told.count("part-time clusters") == 1
    if show is not slack:
        assert told.index("part-time clusters") > told.index("No stream processing of its own.")


@channels
def test_a_refusal_gives_its_reason_once(sample: Sample, show: Callable[[Answer], str]) -> None:
    for reason, words in NOT_COVERED_WORDS.items():
        text = not_covered_text(reason, sample().claims[:1])
        assert text.startswith(words), "the text says why to those who read it alone"
        refused = {"kind": "not_covered", "not_covered": NotCovered(reason=reason), "verdict": Verdict(), "text": text}
        told = show(sample().model_copy(update=refused | {"criteria": (), "claims": ()}))
        assert told.count(words) == 1
        assert told.count("One code for streams and batches.") == 1


@channels
def test_sources_that_disagree_are_named(sample: Sample, show: Callable[[Answer], str]) -> None:
    assert show(sample()).count("on late events") == 1


def test_markdown_has_verdict_text_table_and_every_source(sample: Sample) -> None:
    answer = sample()
    text = to_markdown(answer, OPTIONS, link="http://localhost/?a=1")
    assert "## Use Azure Databricks" in text
    assert answer.text in text
    for citation in answer.citations:
        assert f"\n{citation.n}. [" in text
        assert citation.url in text
    assert "whichway guide, based on Table streaming reads and writes" in text
    assert "| process sensor events as they arrive | 1.5 |" in text
    assert "### Sources that disagree\n\n- [2] and [3] on late events\n" in text


def test_the_comparison_table_keeps_not_documented_apart_from_not_supported(sample: Sample) -> None:
    rows = comparison_table(sample(), OPTIONS).splitlines()
    assert rows[0] == "| Need | Weight | Azure Machine Learning | Azure Databricks |"
    assert "Not supported: No stream processing of its own. [2]" in rows[2]
    assert rows[3].endswith("| Not documented |")
    assert "(missing today)" in rows[3]


def test_a_decision_record_holds_needs_decision_other_case_and_quotes(sample: Sample) -> None:
    record = decision_record(sample(), OPTIONS, at="2026-11-23T12:00:00")
    assert record.startswith("# Decision: Use Azure Databricks\n")
    assert "- Date: 2026-11-23" in record
    assert "## The case for Azure Machine Learning\n\n- Two deployments behind one address. [3]" in record
    assert "## What would change this" in record
    for citation in sample().citations:
        assert f"> {citation.quote}" in record
    assert "knowledge base `20261123-abc`" in record


def test_moved_weights_move_the_decision_of_the_record(sample: Sample) -> None:
    record = decision_record(sample(), OPTIONS, at="2026-11-23", weights={"c1": 0.0, "c2": 3.0})
    assert record.startswith("# Decision: Use Azure Machine Learning\n")
    assert "The weights were set by the reader" in record
    assert "## The case for Azure Databricks" in record


def test_markdown_from_a_title_or_question_stays_text(sample: Sample) -> None:
    answer = sample("[x](javascript:alert(1)) <img src=x> | `a` *b*\n# heading")
    first = to_markdown(answer, OPTIONS).splitlines()[0]
    assert "\\[x\\](javascript:alert(1)) \\<img src=x\\> \\| \\`a\\` \\*b\\* \\# heading" in first


def test_the_terminal_shows_verdict_quotes_and_addresses(sample: Sample) -> None:
    text = shown(sample())
    assert "Use Azure Databricks" in text
    assert "Fairly sure (78%)" in text
    for citation in sample().citations:
        assert citation.url in text
    assert "[2]" in text


def test_a_document_cannot_send_the_terminal_a_command(sample: Sample) -> None:
    answer = sample()
    spoilt = answer.citations[0].model_copy(update={"title": "\x1b]0;owned\x07[red]x[/red]\u202e"})
    text = shown(answer.model_copy(update={"citations": (spoilt,), "text": "\x1b[2J gone [bold]?[/bold]"}))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[red]x[/red]" in text


@pytest.mark.parametrize(
    ("confidence", "words"), [(0.95, "Very sure"), (0.9, "Very sure"), (0.8, "Fairly sure"), (0.6, "Leaning this way")]
)
def test_confidence_in_words(confidence: float, words: str) -> None:
    assert confidence_words(confidence) == words


def test_age_comes_from_the_basis_where_there_is_one(sample: Sample) -> None:
    guide, plain_page, old = sample().citations
    assert age(guide, TODAY) == "published August 2026 (3 months ago)"
    assert age(plain_page, TODAY) == "published March 2026 (8 months ago)"
    assert age(old, TODAY) == "published October 2023 (3 years ago)"
    undated = plain_page.model_copy(update={"published": None})
    assert age(undated, TODAY) == "read November 2026 (3 days ago)"
    assert age(plain_page.model_copy(update={"published": None, "fetched": ""}), TODAY) == ""


def test_a_guide_quote_is_never_shown_as_its_basis_own_words(sample: Sample) -> None:
    assert origin(sample().citations[0]) == "whichway guide, based on Table streaming reads and writes"
    assert origin(sample().citations[1]) == "Data engineering"


def test_headlines_of_every_kind(sample: Sample) -> None:
    answer = sample()
    empty = answer.model_copy(update={"verdict": type(answer.verdict)(), "criteria": ()})
    assert headline(empty.model_copy(update={"kind": "smalltalk"}), OPTIONS) == ""
    fact = empty.model_copy(update={"kind": "fact", "applies_to": ("azure_ml", "databricks")})
    assert headline(fact, OPTIONS) == "Azure Machine Learning and Azure Databricks"
    none = empty.model_copy(update={"kind": "not_covered", "not_covered": NotCovered(reason="off_topic")})
    assert headline(none, OPTIONS) == "The sources don’t say"
    assert "outside what the knowledge base is about" in to_markdown(none, OPTIONS)


def test_plain_keeps_line_breaks_and_drops_controls() -> None:
    assert plain("a\x00\x1b\tb\nc\u2066") == "a\tb\nc"
