"""What the page is made of: every text is shown as it is, and nothing in it runs or loads."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.answer import Answer, Verdict
from bot.web.html import clean, e, paragraphs, prose
from bot.web.turns import answer_turn, pending_turn, source_panel
from bot.web.verdict_card import needs_table, verdict_card
from kb.settings import Settings

Sample = Callable[..., Answer]
OPTIONS = Settings().decision.options
TODAY = date(2026, 11, 23)
ACTIVE = ("script", "img", "svg", "iframe", "object", "embed", "link", "style", "meta", "base", "math")


def soup(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "lxml")


def assert_inert(html: str) -> None:
    for tag in soup(html).find_all(True):
        assert tag.name not in ACTIVE
        for name, value in tag.attrs.items():
            assert not name.startswith("on")
            assert name != "style"
            if name in ("href", "src", "action", "formaction"):
                assert re.match(r"(https?://|\./\?a=|ui/|\./$)", str(value)), value


def test_an_answer_full_of_active_text_is_shown_as_text(planted_answer: Answer, planted_text: str) -> None:
    turn = answer_turn(planted_answer, OPTIONS, key="k", today=TODAY)
    assert_inert(turn)
    assert "${window.planted=1}" in soup(turn).get_text()
    assert "{{constructor" in soup(turn).get_text()
    for citation in planted_answer.citations:
        panel = source_panel(planted_answer, citation, f"First line.\n{planted_text}\nLast line.", today=TODAY)
        assert_inert(panel)
        mark = soup(panel).find("mark")
        assert mark is not None
        assert mark.get_text() == planted_text


def test_what_a_model_has_written_so_far_is_shown_and_can_do_nothing(planted_text: str) -> None:
    pending = pending_turn(
        "Which?", "Writing the answer", key="k", written=f"Databricks reads streams. [1] {planted_text}"
    )
    assert_inert(pending)
    words = soup(pending).select_one("article.pending .words")
    assert words is not None
    assert words.get_text().startswith("Databricks reads streams. [1]")
    assert soup(pending_turn("Which?", "Reading", key="k")).select_one(".words") is None


def test_markers_become_links_of_this_answer_and_unknown_numbers_stay_text() -> None:
    html = prose(
        "One [1][2], then [7] and `[1]` and \\[1\\].", lambda n: f'<a data-cite="{n}">{n}</a>' if n < 3 else None
    )
    assert [a["data-cite"] for a in soup(html).find_all("a")] == ["1", "2"]
    assert "[7]" in html
    assert "<code>[1]</code>" in html
    assert "and [1]." in html


def test_a_text_cannot_forge_a_citation() -> None:
    html = prose('<span data-n="1"></span> &lt;span data-n="1"&gt;', lambda n: "LINK")
    assert "LINK" not in html


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_no_text_makes_prose_active(text: str) -> None:
    assert_inert(prose(text, lambda n: None))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=6), st.data())
def test_the_mark_holds_exactly_the_passage(lines: list[str], data: st.DataObject) -> None:
    text = "\n".join(lines)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    html = paragraphs(text, start, end)
    marked = "".join(re.findall(r"<mark[^>]*>(.*?)</mark>", html, re.S))
    # A line of blanks is a gap between paragraphs and shows nothing.
    shown = "".join("x" * len(line) if line.strip() else "\0" * len(line) for line in _with_breaks(text))
    assert marked == "".join(e(text[i]) for i in range(start, end) if shown[i] == "x" and text[i] != "\n")


def _with_breaks(text: str) -> list[str]:
    return [part if n == 0 else f"\n{part}" for n, part in enumerate(text.split("\n"))]


def test_only_what_the_page_uses_passes_the_gate() -> None:
    dirty = '<p onclick="x()" style="a:b">t</p><a href="javascript:x">l</a><form action="//e"><img src=x>f</form>'
    assert clean(dirty) == '<p>t</p><a rel="noopener noreferrer">l</a><form>f</form>'


def test_the_card_shows_choice_confidence_and_what_would_change_it(sample: Sample) -> None:
    card = soup(verdict_card(sample(), OPTIONS))
    assert card.select_one(".choice").get_text() == "Use Azure Databricks"  # type: ignore[union-attr]
    assert "Fairly sure 78%" in card.get_text(" ", strip=True)
    assert card.find("section")["data-side"] == "b"  # type: ignore[index]
    assert [flip.get_text() for flip in card.select(".flip")] == ["Azure Machine Learning", "Both, together"]


def test_the_card_of_a_fact_says_of_which_options_it_holds_and_no_yes(sample: Sample) -> None:
    told = {"kind": "fact", "verdict": Verdict(), "criteria": (), "applies_to": ("azure_ml",)}
    choice = soup(verdict_card(sample().model_copy(update=told), OPTIONS)).select_one(".choice")
    assert choice is not None
    assert choice.get_text() == "On Azure Machine Learning"


def test_a_long_post_is_set_as_text_and_not_as_a_heading(sample: Sample) -> None:
    short, post = sample(), sample().model_copy(update={"question": "It fails. " * 40})
    for answer, classes in ((short, ["asked"]), (post, ["asked", "post"])):
        heading = soup(answer_turn(answer, OPTIONS, key="1", today=TODAY)).select_one("h2.asked")
        assert heading is not None
        assert heading["class"] == classes


def test_moved_weights_move_the_card_and_say_so(sample: Sample) -> None:
    card = soup(verdict_card(sample(), OPTIONS, {"c1": 0.0}))
    assert card.select_one(".choice").get_text() == "Use Azure Machine Learning"  # type: ignore[union-attr]
    assert "With your weights. The answer as it was given: Azure Databricks." in card.get_text()
    same = verdict_card(sample(), OPTIONS, {"c1": 1.5, "c2": 1.0})
    assert same == verdict_card(sample(), OPTIONS)
    nothing = soup(verdict_card(sample(), OPTIONS, {"c1": 0.0, "c2": 0.0})).get_text()
    assert "no need is left that could decide" in nothing


def test_the_table_has_a_labelled_slider_a_need_and_the_words_of_each_finding(sample: Sample) -> None:
    table = soup(needs_table(sample(), OPTIONS))
    assert [i["value"] for i in table.select("input")] == ["1.5", "1"]
    assert all("How much this matters: " in str(i["aria-label"]) for i in table.select("input"))
    cells = {(td.parent["data-row"], td["data-option"]): td["data-finding"] for td in table.select("td")}  # type: ignore[index]
    assert cells["c1", "Azure Machine Learning"] == "not_supported"
    assert cells["c2", "Azure Databricks"] == "not_documented"


def test_criteria_without_weight_have_no_slider(sample: Sample) -> None:
    answer = sample()
    flat = tuple(c.model_copy(update={"weight": 0.0}) for c in answer.criteria)
    table = soup(needs_table(answer.model_copy(update={"criteria": flat}), OPTIONS))
    assert table.select("input") == []
    assert len(table.select("tbody tr")) == 2


def test_the_panel_says_where_how_old_and_on_what_it_rests(sample: Sample) -> None:
    answer: Any = sample()
    panel = soup(source_panel(answer, answer.citations[0], answer.citations[0].quote, today=TODAY))
    text = panel.get_text(" ", strip=True)
    assert "Source 1 of 3" in text
    assert [li.get_text() for li in panel.select(".crumbs li")] == ["Streaming", "The case for Azure Databricks"]
    assert "whichway guide, based on Table streaming reads and writes" in text
    assert "published August 2026 (3 months ago)" in text
    links = [a["href"] for a in panel.select("a")]
    assert links == ["https://docs.example.org/delta-streaming/", "https://example.org/guide#streaming"]
    assert all("noopener" in a["rel"] for a in panel.select("a"))
