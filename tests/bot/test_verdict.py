"""The verdict as a function: of the criteria alone, in any order, moved by their weights."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.answer import Cell, Criterion
from bot.verdict import SUREST, decide

SCORES = st.integers(0, 20).map(lambda n: n / 20)
CELLS = st.builds(Cell, finding=st.sampled_from(["supported", "not_supported", "not_documented"]), score=SCORES)
BODIES = st.lists(
    st.builds(
        dict,
        text=st.sampled_from(["streaming", "serving", "cost", "skills"]),
        polarity=st.sampled_from(["wanted", "unwanted", "have", "not_yet"]),
        weight=st.sampled_from([0.0, 0.5, 1.0, 1.5, 3.0]),
        together=st.booleans(),
        cells=st.fixed_dictionaries({"azure_ml": CELLS, "databricks": CELLS}),
    ),
    max_size=5,
)


def criteria_of(bodies: list[dict[str, object]]) -> list[Criterion]:
    return [Criterion.model_validate(body | {"id": f"c{n}"}) for n, body in enumerate(bodies, 1)]


def criterion(n: int, azure_ml: float, databricks: float, **more: object) -> Criterion:
    cells = {
        option: Cell(finding="supported" if score else "not_documented", score=score)
        for option, score in (("azure_ml", azure_ml), ("databricks", databricks))
    }
    return Criterion.model_validate({"id": f"c{n}", "text": f"need {n}", "cells": cells} | more)


@settings(max_examples=50, deadline=None)
@given(BODIES, st.randoms(use_true_random=False))
def test_neither_the_order_of_the_criteria_nor_of_their_cells_matters(bodies, random) -> None:  # type: ignore[no-untyped-def]
    criteria = criteria_of(bodies)
    shuffled = [c.model_copy(update={"cells": dict(reversed(c.cells.items()))}) for c in criteria]
    random.shuffle(shuffled)
    assert decide(shuffled) == decide(criteria)


@settings(max_examples=50, deadline=None)
@given(BODIES)
def test_the_options_are_treated_alike(bodies: list[dict[str, object]]) -> None:
    criteria = criteria_of(bodies)
    swap = {"azure_ml": "databricks", "databricks": "azure_ml"}
    mirrored = [c.model_copy(update={"cells": {swap[o]: cell for o, cell in c.cells.items()}}) for c in criteria]
    one, other = decide(criteria), decide(mirrored)
    assert one.choice is None or other.choice == swap.get(one.choice, one.choice)
    assert (one.confidence, len(one.would_change)) == (other.confidence, len(other.would_change))


@settings(max_examples=50, deadline=None)
@given(BODIES)
def test_a_criterion_without_weight_never_decides(bodies: list[dict[str, object]]) -> None:
    criteria = criteria_of(bodies)
    assert decide(criteria).choice == decide([c for c in criteria if c.weight > 0]).choice
    assert decide([c.model_copy(update={"weight": 0.0}) for c in criteria]).choice is None


@settings(max_examples=50, deadline=None)
@given(BODIES)
def test_what_would_change_the_verdict_does(bodies: list[dict[str, object]]) -> None:
    criteria = criteria_of(bodies)
    verdict = decide(criteria)
    assert len(verdict.would_change) <= 2
    for change in verdict.would_change:
        factor = 0.0 if "did not matter" in change.text else 3.0
        moved = [
            c.model_copy(update={"weight": c.weight * factor}) if c.id == change.criterion else c for c in criteria
        ]
        assert decide(moved).choice == change.to != verdict.choice


@settings(max_examples=50, deadline=None)
@given(BODIES)
def test_confidence_is_a_probability_and_a_choice_has_its_reason(bodies: list[dict[str, object]]) -> None:
    verdict = decide(criteria_of(bodies))
    assert 0.0 <= verdict.confidence <= 1.0
    assert bool(verdict.reason) == (verdict.choice is not None)
    assert set(verdict.parts) == ({"azure_ml", "databricks"} if verdict.choice == "both" else set())


def test_moving_a_weight_moves_the_verdict() -> None:
    streams, serves = criterion(1, 0.1, 0.9), criterion(2, 0.9, 0.1)
    assert decide([streams, serves]).choice == "both"
    assert decide([streams, serves.model_copy(update={"weight": 0.2})]).choice == "databricks"
    assert decide([streams.model_copy(update={"weight": 0.2}), serves]).choice == "azure_ml"
    assert decide([streams.model_copy(update={"weight": 0.0}), serves]).choice == "azure_ml"


def test_what_is_unwanted_takes_its_advantage_away() -> None:
    assert decide([criterion(1, 0.1, 0.9)]).choice == "databricks"
    assert decide([criterion(1, 0.1, 0.9, polarity="unwanted")]).choice == "azure_ml"


def test_nothing_even_and_rejected_are_three_things() -> None:
    assert decide([]).choice is None
    assert decide([criterion(1, 0.0, 0.0)]).choice is None
    assert decide([criterion(1, 0.5, 0.5)]).choice == "either"
    assert decide([criterion(1, 0.5, 0.5, together=True)]).choice == "both"
    no = Cell(finding="not_supported")
    rejected = Criterion(id="c1", text="train a toy", cells={"azure_ml": no, "databricks": no})
    assert decide([rejected]).choice == "neither"


def test_what_is_unwanted_is_nobodys_part() -> None:
    streams, serves = criterion(1, 0.1, 0.9), criterion(2, 0.9, 0.1)
    verdict = decide([streams, serves, criterion(3, 0.2, 0.8, polarity="unwanted")])
    assert verdict.choice == "both"
    assert verdict.parts == {"azure_ml": "need 2", "databricks": "need 1"}


def test_no_verdict_is_certain() -> None:
    whole = criterion(9, 1.0, 0.0, weight=3.0, calls_for={"azure_ml": 1.0})
    found = decide([*(criterion(n, 1.0, 0.0, weight=3.0) for n in range(1, 9)), whole])
    assert (found.choice, found.confidence) == ("azure_ml", SUREST)
