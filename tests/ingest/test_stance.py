"""For whom a statement speaks: its own words, its column, its heading and its lead-in, for any two options."""

import pytest

from ingest.stance import Setting, StanceFinder
from kb.records import Option

FINDER = StanceFinder(
    (Option("lathe", "Turning Lathe", ("Lathe", "TL")), Option("mill", "Milling Machine", ("Mill", "MM")))
)
CHOOSE_MILL = Setting(headings=("When to choose which", "Choose the Milling Machine if:"), weighs=True)
COMPARISON = Setting(weighs=True)


def judged(text: str, setting: Setting = COMPARISON) -> tuple[str | None, float]:
    stance = FINDER.judge(text, setting)
    return stance.option, stance.strength


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Lathe is the undisputed champion of round parts.", ("lathe", 1.0)),
        ("The Lathe turns long shafts with ease.", ("lathe", 0.5)),
        ("The Lathe can hold a plate, but it isn't built to cut flat faces.", ("lathe", -0.5)),
        ("The Mill does not charge extra for tooling.", ("mill", 0.5)),
        ("The Mill works without a chuck.", ("mill", 0.5)),
        ("Setting up the Mill often requires more fixtures compared to the Lathe.", ("mill", -0.5)),
        ("Although the Mill has improved, setting it up takes more work than the Lathe's chuck.", ("mill", -0.5)),
        ("Unlike the Lathe, the Mill moves the cutter in three axes.", ("mill", 0.7)),
        ("The Lathe is faster than the Mill for shafts.", ("lathe", 0.7)),
        ("Use the Mill when the part has pockets.", ("mill", 0.7)),
        ("The Mill is the better choice for plates.", ("mill", 0.7)),
        ("While the Lathe turns the part, the Mill turns the cutter.", (None, 0.5)),
        ("The Turning Lathe and the Milling Machine both cut steel.", (None, 0.5)),
        ("Neither the Lathe nor the Mill is needed for sheet metal.", (None, 0.5)),
        ("Sources on the Lathe differ: the newer one names a limit.", (None, 0.5)),
        ("Steel is heavy.", (None, 0.5)),
    ],
)
def test_own_words(text: str, expected: tuple[str | None, float]) -> None:
    assert judged(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Milling Machine, clearly: flat faces come off in one pass.", ("mill", 1.0)),
        ("Turning Lathe, slightly: it is quicker to set up than the Mill.", ("lathe", 0.7)),
        ("Either: both cut a keyway; the Lathe needs an attachment.", (None, 1.0)),
        ("The Lathe suits shops with round stock.", ("lathe", 0.7)),
        ("People with small parts are better served by the Mill.", ("mill", 0.7)),
    ],
)
def test_a_bottom_line_is_never_a_mere_merit(text: str, expected: tuple[str | None, float]) -> None:
    assert judged(text, Setting(headings=("Facing", "Bottom line"), weighs=True)) == expected


def test_a_heading_that_says_choose_decides_for_every_item_under_it() -> None:
    assert judged("Your parts are flat.", CHOOSE_MILL) == ("mill", 1.0)
    assert judged("The Lathe is too small for you.", CHOOSE_MILL) == ("mill", 1.0)


def test_the_case_for_an_option_speaks_for_it_even_where_it_names_the_other() -> None:
    case = Setting(headings=("Facing", "The case for Milling Machine"), weighs=True)
    assert judged("The Lathe cannot do this; the other can.", case) == ("mill", 0.5)


def test_limits_are_negative_for_the_one_that_they_limit() -> None:
    limits = Setting(headings=("Facing", "Limits"), weighs=True)
    assert judged("The Mill stops at 40 cm, without an extension.", limits) == ("mill", -0.5)


def test_a_column_outweighs_an_option_named_in_the_cell() -> None:
    cell = FINDER.judge("Takes over parts from the Mill.", Setting(column="Turning Lathe (TL)", weighs=True))
    assert (cell.option, set(cell.options)) == ("lathe", {"lathe", "mill"})


def test_in_a_section_on_both_each_item_keeps_its_own_option() -> None:
    hybrid = Setting(headings=("Using both together",), lead_in="Each does its part:", weighs=True)
    assert judged("Roughing: use the Lathe to take off the bulk.", hybrid) == ("lathe", 0.5)
    assert judged("Many shops do.", hybrid) == (None, 0.5)
    assert FINDER.judge("Many shops do.", hybrid).options == ("lathe", "mill")


def test_a_question_heading_names_no_winner() -> None:
    assert judged("It depends.", Setting(headings=("Should you use the Lathe or the Mill?",), weighs=True))[0] is None


def test_words_without_an_option_borrow_from_the_sentence_before_then_the_heading_then_the_page() -> None:
    heading = Setting(headings=("The Mill: King of Plates",), weighs=True)
    assert judged("It was founded in 1818.", Setting(carried=("lathe",), headings=heading.headings, weighs=True)) == (
        "lathe",
        0.5,
    )
    assert judged("Plates are cut flat.", heading) == ("mill", 0.5)
    assert judged("Plates are cut flat.", Setting(page=("mill",))) == ("mill", 0.3)


def test_a_page_about_one_option_is_known_by_title_or_address() -> None:
    assert FINDER.of_page("Getting started", "https://docs.example.com/milling/machine/start") == ("mill",)
    assert FINDER.of_page("Set up your Lathe", "https://example.com/x") == ("lathe",)
    assert FINDER.of_page("Getting started", "https://example.com/milling/start") == ()
