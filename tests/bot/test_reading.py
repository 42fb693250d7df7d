"""What the reader sees of a question, and what it makes of one that it was never shown."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.answer import Cell, Criterion
from bot.leanings import Leaning
from bot.masking import EITHER, NOW, masked
from bot.reading import Reading, shipped_reader
from bot.situation import WHOLE, borne_out, whole_of
from bot.stretches import stretches
from kb.options import OptionFinder
from kb.settings import DecisionSettings

OPTIONS = DecisionSettings().options
FINDER = OptionFinder(OPTIONS)


def read(text: str) -> Reading:
    return shipped_reader().read(text, FINDER)


@pytest.mark.parametrize("joint", [" or ", " vs ", " versus ", " and ", "/"])
def test_options_side_by_side_look_the_same_in_either_order(joint: str) -> None:
    one = masked(f"Azure ML{joint}Databricks for our reports?", FINDER)
    other = masked(f"Databricks{joint}Azure ML for our reports?", FINDER)
    assert one.text == other.text == f"{EITHER} for our reports?"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(["Azure ML", " or ", "Databricks", " we need, ", "dashboards", ". And ", "é🚚"]), max_size=9
    )
)
def test_every_stretch_is_a_span_of_the_question(parts: list[str]) -> None:
    text = "".join(parts)
    hidden = masked(text, FINDER)
    assert len(hidden.text) == len(hidden.origins)
    last = 0
    for stretch in stretches(hidden.text):
        assert last <= stretch.start < stretch.end <= len(hidden.text)
        start, end = hidden.span(stretch.start, stretch.end)
        assert 0 <= start < end <= len(text)
        last = stretch.end


@given(st.text(max_size=30), st.text(min_size=1, max_size=30))
def test_a_last_turn_is_marked_and_every_stretch_still_a_span_of_what_was_said(before: str, now: str) -> None:
    text, since = f"{before}\n{now}", len(before) + 1
    hidden = masked(text, FINDER, since=since)
    assert len(hidden.text) == len(hidden.origins)
    assert hidden.text[hidden.now :].startswith(NOW.strip())
    assert list(hidden.origins) == sorted(hidden.origins)
    for stretch in stretches(hidden.text):
        start, end = hidden.span(stretch.start, stretch.end)
        assert 0 <= start < end <= len(text)
        assert (stretch.start >= hidden.now) == (start >= since)


def test_a_story_is_read_need_by_need() -> None:
    text = (
        "Our tables are clean already, nobody here can code, and dashboards are somebody else's job. What do we take?"
    )
    reading = read(text)
    told = {text[s.start : s.end]: s for s in reading.stretches}
    assert max(reading.kinds, key=lambda kind: reading.kinds[kind]) == "recommendation"
    assert told["Our tables are clean already"].topics[0][0] == "clean-data"
    assert told["nobody here can code"].topics[0][0] in ("citizen-data-scientists", "designer", "automl")
    assert told["What do we take"].background > 0.5
    assert max(reading.choices, key=lambda choice: reading.choices[choice]) == "azure_ml"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Which platform should I use for streaming sensor data?", "recommendation"),
        ("How do the two differ in what they charge?", "comparison"),
        ("Can I open a Databricks notebook in my own editor?", "fact"),
        ("Where do I get the best pizza in Rome?", "off_topic"),
        ("Is Snowflake cheaper than Databricks?", "other_vendor"),
    ],
)
def test_the_kind_of_a_question_is_known(text: str, kind: str) -> None:
    kinds = read(text).kinds
    assert max(kinds, key=lambda name: kinds[name]) == kind


def test_the_situation_turns_as_the_sources_do() -> None:
    reading = read("Petabytes of raw logs have to be joined every night. Which platform?")
    learned = {"etl": "databricks", "streaming": "databricks", "automl": "azure_ml"}

    def leaning(option: str) -> Leaning:
        return Leaning({o.id: 0.9 if o.id == option else 0.1 for o in OPTIONS})

    turned = {"databricks": "azure_ml", "azure_ml": "databricks"}
    agreeing = borne_out(learned, {topic: leaning(option) for topic, option in learned.items()})
    opposing = borne_out(learned, {topic: leaning(turned[option]) for topic, option in learned.items()})
    assert (agreeing, opposing, borne_out(learned, {})) == (1.0, -1.0, 0.0)
    cells = {option.id: Cell(finding="supported", score=0.5, citations=(1,)) for option in OPTIONS}
    need = Criterion(id="c1", text="joins", cells=cells)
    as_learned = whole_of(reading, agreeing, [need], OPTIONS)
    against = whole_of(reading, opposing, [need], OPTIONS)
    assert as_learned.id == WHOLE
    assert as_learned.calls_for["databricks"] == against.calls_for["azure_ml"] > 0.5
    even = whole_of(reading, 0.0, [need], OPTIONS).calls_for
    assert even["databricks"] == pytest.approx(even["azure_ml"], abs=1e-3)


@pytest.mark.parametrize(
    ("asked", "option"),
    [
        ("Does Azure Databricks encrypt notebooks?", "databricks"),
        ("How long does Azure ML keep the logs of a job?", "azure_ml"),
        ("VACUUM on a Delta table of the cluster refuses to remove files of last week. Why?", "databricks"),
        ("Our compute instance does not start after the quota was raised, what can we check?", "azure_ml"),
        ("dbutils.fs.ls gives 403 since the key was rotated, which secret scope does it use?", "databricks"),
        ("Which role do I need to submit a pipeline job from the studio?", "azure_ml"),
    ],
)
def test_a_fact_is_asked_of_an_option_that_may_be_named_by_a_part_of_it(asked: str, option: str) -> None:
    about = read(asked).about
    assert max(about, key=lambda each: about[each]) == option
    assert min(about.values()) < 0.5
