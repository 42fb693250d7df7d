"""Answers as blocks, without Slack: their look, Slack's limits, and nothing active in them."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from slack_limits import pings, problems, view_problems
from slack_office import HOSTILE, Sample, hostile

from bot.answer import Answer, Cell, Citation, CitationBasis, Claim, Clarification, Contradiction, Criterion, Verdict
from bot.slack.blocks import Message, Reference, best_case, pack, render
from bot.slack.sources import source_line
from bot.slack.style import Style
from bot.slack.text import cut, markdown, markdown_link, mrkdwn, mrkdwn_link, pieces, plain
from bot.slack.views import Held, Place, chosen_weights, feedback_view, share_view, weights_view, with_weights
from bot.verdict import decide
from kb.settings import DecisionSettings

STYLE = Style(DecisionSettings().options, date(2026, 11, 23), "https://ask.example.org/")
PLACE = Place("C1", "1.2", "U1", "https://hooks.slack.com/actions/T1/2/3")


def test_a_recommendation_looks_like_this(sample: Sample) -> None:
    (message,) = render(sample(id="a1"), STYLE)
    assert message.text == (
        "**Use Azure Databricks** · fairly sure (78%)\n"
        "The sources favour it for “process sensor events as they arrive”.",
        "**Azure Databricks**\n- One code for streams and batches. [1](https://example.org/guide#streaming)",
        "**Azure Machine Learning**\n- Two deployments behind one address. [3](https://example.org/guide#streaming)",
    )
    table, change, disagree, sources, follow_ups, actions, feedback = message.blocks
    assert [[_words(cell) for cell in row] for row in table["rows"]] == [
        ["Need", "Azure Machine Learning", "Azure Databricks"],
        [
            "process sensor events as they arrive (matters a lot)",
            "✗ Not supported: No stream processing of its own. [2]",
            "✓ Supported: Streams and batches share one code. [1] [2]",
        ],
        [
            "roll out models with no outage (missing today)",
            "✓ Supported: Two deployments behind one address. [3]",
            "– Not documented",
        ],
    ]
    assert change["text"]["text"].splitlines()[:2] == [
        "*What would change this*",
        "• If “process sensor events as they arrive” did not matter: *Azure Machine Learning*",
    ]
    assert disagree["text"]["text"].endswith("on late events")
    assert sources["elements"][0]["text"].splitlines()[1] == (
        "[2] <https://example.org/guide#streaming|Data engineering › Streaming › The case for Azure Databricks>"
        " · published March 2026 (8 months ago)"
    )
    assert [button["text"]["text"] for button in follow_ups["elements"]] == ["What would it cost?", "Do we need both?"]
    assert [button["action_id"] for button in actions["elements"]] == [
        "best_case",
        "change_weights",
        "save_decision",
        "open_browser",
    ]
    assert actions["elements"][-1]["url"] == "https://ask.example.org/?a=a1"
    assert feedback["elements"][0]["positive_button"]["value"] == "up:a1"


def test_without_a_public_address_nothing_opens_in_the_browser(sample: Sample) -> None:
    style = Style(STYLE.options, STYLE.today)
    assert "open_browser" not in json.dumps(render(sample(), style)[0].blocks)


def test_a_guide_quote_is_shown_as_the_guide_s_based_on_what_it_rests_on(sample: Sample) -> None:
    answer = sample()
    line = source_line(answer.citation(1), answer, STYLE)
    assert line.startswith("[1] <https://example.org/guide#streaming|whichway guide › Data engineering › Streaming")
    assert line.endswith(
        "based on <https://docs.example.org/delta-streaming/|Table streaming reads and writes>"
        " · published August 2026 (3 months ago)"
    )


@pytest.mark.parametrize(
    ("url", "opens"),
    [
        ("file:///home/me/guide.md", "https://ask.example.org/?a=answer-rec-1&c=1"),
        ("javascript:alert(1)", "https://ask.example.org/?a=answer-rec-1&c=1"),
        ("https://example.org/a b(c)|d>#x", "https://example.org/a%20b%28c%29%7Cd%3E#x"),
    ],
)
def test_a_citation_opens_an_address_that_slack_can_open(sample: Sample, url: str, opens: str) -> None:
    answer = sample()
    first = answer.citations[0].model_copy(update={"url": url})
    answer = answer.model_copy(update={"citations": (first, *answer.citations[1:])})
    (message,) = render(answer, STYLE)
    assert f"[1]({opens.replace('&', '&amp;')})" in message.text[1]
    link = message.blocks[0]["rows"][1][2]["elements"][0]["elements"][3]
    assert (link["text"], link["url"]) == ("[1]", opens)


def test_both_says_who_does_what(sample: Sample) -> None:
    verdict = Verdict(choice="both", confidence=0.7, reason="r", parts={"databricks": "data", "azure_ml": "serving"})
    message = render(sample().model_copy(update={"verdict": verdict}), STYLE)[0]
    assert message.text[0] == (
        "**Use both, together** · leaning this way (70%)\nr\n"
        "- **Azure Databricks**: data\n- **Azure Machine Learning**: serving"
    )
    assert "best_case" not in json.dumps(message.blocks)


def test_a_question_back_offers_its_choices() -> None:
    answer = Answer(
        id="a1",
        question="q",
        standalone_question="q",
        kind="clarification",
        clarification=Clarification(question="What matters most?", choices=("Streaming data", "Serving models")),
    )
    (message,) = render(answer, STYLE)
    assert message.text == ("**What matters most?**",)
    assert [button["value"] for button in message.blocks[0]["elements"]] == ["Streaming data", "Serving models"]


def test_weights_travel_in_the_buttons(sample: Sample) -> None:
    moved = with_weights(sample(), {"c1": 0.0})
    blocks = render(moved, STYLE, weights={"c1": 0.0})[0].blocks
    value = next(e["value"] for b in blocks for e in b.get("elements", []) if e.get("action_id") == "save_decision")
    assert Reference.loads(value) == Reference("answer-rec-1", {"c1": 0.0})
    assert moved.verdict == decide(moved.criteria)
    assert moved.verdict.choice == "azure_ml"


@pytest.mark.parametrize("value", ["", "{}", "[]", "[1]", '["a", 3]', '["a", {"c1": "x"}]', "gone"])
def test_a_button_s_value_that_is_not_ours_is_refused(value: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        Reference.loads(value)


def test_an_own_weight_can_be_kept_and_come_back_to(sample: Sample) -> None:
    view = weights_view(sample(), Held("a1", PLACE, {"c1": 3.0}), STYLE)
    accessory = next(block["accessory"] for block in view["blocks"] if block.get("block_id") == "need:c1")
    assert [option["value"] for option in accessory["options"]] == ["0.0", "0.5", "1.0", "1.5", "2.0", "3.0"]
    assert accessory["initial_option"]["value"] == "3.0"
    state = {"need:c1": {"weight": {"selected_option": {"value": "1.5"}}}}
    assert chosen_weights(state, sample().criteria) == {}


def test_the_modals_keep_slack_s_limits(sample: Sample) -> None:
    held = Held("a" * 60, PLACE, {f"c{n}": 0.5 for n in range(60)})
    many = tuple(sample().criteria[0].model_copy(update={"id": f"c{n}", "text": HOSTILE * 20}) for n in range(90))
    answer = sample().model_copy(update={"criteria": many})
    for view in (weights_view(answer, held, STYLE), share_view(held), feedback_view(held)):
        assert view_problems(view) == []
        assert Held.loads(view["private_metadata"]) == held
    assert pings(weights_view(answer, held, STYLE)["blocks"]) == []


def test_nothing_of_a_hostile_answer_is_active(sample: Sample) -> None:
    answer = hostile(sample(HOSTILE))
    messages = render(answer, STYLE, private=True) + best_case(answer, STYLE, "azure_ml")
    shown = [(m.text, m.summary, _shown(list(m.blocks))) for m in messages]
    assert pings(shown) == []
    told = "\n".join(piece for m in messages for piece in m.text)
    assert "\\[x\\](http://evil.example) &lt;b&gt;!" in told
    assert "](http://evil" not in told.replace("\\](http://evil", "")


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(
    [HOSTILE, "x" * 5000, "a & b < c > d", "@here", "", " ", "# t", "1. x", "&" * 3000, "word " * 900]
)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """Answers of every kind and size, consistent or not."""
    count = draw(st.integers(0, 30))
    basis = CitationBasis(title=draw(TEXT), section=draw(TEXT), url="https://b.example/", published=None, read="2026")
    citations = tuple(
        Citation(
            n=n,
            section_id="s",
            source_id="s",
            title=draw(TEXT),
            section=(draw(TEXT),),
            url=draw(st.sampled_from(["https://e.example/x", "file:///x", "https://e.example/" + "p" * 400])),
            quote="q",
            start=0,
            end=1,
            published=draw(st.sampled_from([None, "2024-02-30", "2026-01-01"])),
            basis=(basis,) * draw(st.integers(0, 5)),
        )
        for n in range(1, count + 1)
    )
    cited = st.lists(st.integers(1, 40), max_size=6).map(tuple)
    cell = st.builds(
        Cell,
        finding=st.sampled_from(["supported", "not_supported", "not_documented"]),
        score=st.sampled_from([0.0, 0.4, 1.0]),
        text=TEXT,
        citations=cited,
    )
    criterion = st.builds(
        Criterion,
        id=st.uuids().map(str),
        text=TEXT,
        polarity=st.sampled_from(["wanted", "unwanted", "have", "not_yet"]),
        weight=st.sampled_from([0.0, 0.5, 1.0, 1.5]),
        cells=st.fixed_dictionaries({"azure_ml": cell, "databricks": cell}),
    )
    criteria = tuple(draw(st.lists(criterion, max_size=25)))
    claim = st.builds(
        Claim,
        text=TEXT,
        option=st.sampled_from([None, "azure_ml", "databricks"]),
        polarity=st.sampled_from(["for", "against", "neutral"]),
        citations=cited,
        support=st.sampled_from([0.2, 1.0]),
    )
    return Answer(
        id="a1",
        question=draw(TEXT),
        standalone_question="",
        kind=draw(st.sampled_from(["recommendation", "comparison", "fact", "not_covered", "smalltalk"])),
        verdict=decide(criteria),
        criteria=criteria,
        claims=tuple(draw(st.lists(claim, max_size=25))),
        text=draw(TEXT),
        citations=citations,
        contradictions=tuple(draw(st.lists(st.builds(Contradiction, between=st.just((1, 2)), about=TEXT), max_size=6))),
        follow_ups=tuple(draw(st.lists(TEXT, max_size=5))),
        notices=tuple(draw(st.lists(TEXT, max_size=7))),
    )


# A failing answer of this size takes minutes to shrink: it is shown as found.
@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(answer=answers(), private=st.booleans())
def test_every_answer_keeps_slack_s_limits_and_pings_nobody(answer: Answer, private: bool) -> None:
    messages = render(answer, STYLE, private=private) + best_case(answer, STYLE, "azure_ml")
    for message in messages:
        assert message.all_blocks and message.summary
        assert problems(message.all_blocks) == []
        assert sum(len(piece) for piece in message.text) <= 12_000
        assert pings((message.text, message.summary, _shown(list(message.blocks)))) == []


@given(text=TEXT)
def test_escaping_leaves_nothing_to_parse(text: str) -> None:
    for escaped in (mrkdwn(text), markdown(text)):
        assert "<" not in escaped and ">" not in escaped
        assert pings(escaped) == []
    assert mrkdwn(text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == plain(text)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("# no heading", "\\# no heading"),
        ("- no list", "\\- no list"),
        ("1. no list", "1\\. no list"),
        ("a*b* _c_ azure_ml", "a\\*b\\* \\_c\\_ azure_ml"),
        ("![x](http://e) `code`", "\\!\\[x\\](http://e) \\`code\\`"),
        ("a\nb", "a b"),
        ("AT&T <b>", "AT&amp;T &lt;b&gt;"),
    ],
)
def test_markdown_is_shown_as_it_was_written(text: str, escaped: str) -> None:
    assert markdown(text) == escaped


def test_links_hold_their_label_and_address() -> None:
    assert mrkdwn_link("a|b > c", "https://e.example/?a=1&b=2") == "<https://e.example/?a=1&amp;b=2|a¦b &gt; c>"
    assert markdown_link("[1]", "https://e.example/(x)") == "[\\[1\\]](https://e.example/%28x%29)"
    assert (mrkdwn_link("a", "ftp://e"), markdown_link("a", "")) == ("a", "a")


@given(text=st.text(max_size=300), limit=st.integers(5, 50))
def test_cutting_and_splitting_keep_the_limit_and_the_words(text: str, limit: int) -> None:
    assert len(cut(text, limit)) <= limit
    found = pieces(text, limit)
    assert all(len(piece) <= limit for piece in found)
    assert "".join("".join(found).split()) == "".join(text.split())


def test_two_tables_never_share_a_message() -> None:
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]]}
    assert [len(m.blocks) for m in pack(["x"], [table, table, {"type": "divider"}], "s")] == [1, 2]
    assert pack(["x" * 9000, "y" * 9000], [], "s") == [Message(("x" * 9000,), (), "s"), Message(("y" * 9000,), (), "s")]


def _words(cell: dict[str, Any]) -> str:
    return "".join(element["text"] for section in cell["elements"] for element in section["elements"])


def _shown(value: object) -> object:
    """A payload without what only comes back to us: the values of buttons."""
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items() if key != "value"}
    return [_shown(item) for item in value] if isinstance(value, list) else value
