"""Each measure against an answer whose score is plain to see."""

from collections.abc import Callable

import numpy as np
import pytest

from bot.answer import Answer, Cell, Claim, Criterion, Verdict, WouldChange
from evals.gold_sections import SectionMap
from evals.golden import GoldenSet
from evals.judgements import Judgement, Judgements
from evals.scorers import Rules, score_answer, unjudged

Make = Callable[..., Answer]


@pytest.fixture
def rules(sections: SectionMap) -> Rules:
    return Rules(sections, Judgements())


def test_a_right_answer_scores_full(sample: GoldenSet, answer: Make, rules: Rules) -> None:
    found = score_answer(
        sample.questions[0],
        answer(choice="databricks", applies_to=("databricks",), cite=["Streaming"], text="With Spark [1]."),
        rules,
    )
    full = (
        "crag",
        "verdict",
        "applies_to",
        "gold_cited",
        "gold_first",
        "facts",
        "forbidden",
        "citations_valid",
        "kind",
    )
    assert {name: found[name].value for name in full} == dict.fromkeys(full, 1.0)
    assert found["criteria"].value is None
    assert found["criteria"].reason == "no encoder to compare criteria with"


def test_what_would_change_the_verdict_is_told_too(sample: GoldenSet, answer: Make, rules: Rules) -> None:
    change = WouldChange(text="If “Azure Machine Learning streams” did not matter", criterion="c1", to="both")
    made = answer(verdict=Verdict(choice="databricks", would_change=(change,)), text="Spark [1]", cite=["Streaming"])
    assert score_answer(sample.questions[0], made, rules)["forbidden"].value == 0.0


@pytest.mark.parametrize(
    ("made", "crag"),
    [
        ({"choice": "databricks", "cite": ["Streaming"], "text": "Spark [1]"}, 1.0),
        ({"choice": "both", "cite": ["Streaming"], "text": "Spark [1]"}, 0.5),
        ({"choice": "databricks", "cite": ["Registry"], "text": "Spark [1]"}, 0.5),
        ({"choice": "databricks", "cite": ["Streaming"], "text": "No engine named."}, 0.5),
        ({"choice": "azure_ml", "cite": ["Streaming"], "text": "Spark [1]"}, -1.0),
        ({"choice": "databricks", "cite": ["Streaming"], "text": "Spark. Azure Machine Learning streams too."}, -1.0),
        ({"refuse": "no_evidence"}, 0.0),
        ({"kind": "clarification"}, 0.0),
    ],
)
def test_crag_grades_a_recommendation(
    sample: GoldenSet, answer: Make, rules: Rules, made: dict[str, object], crag: float
) -> None:
    assert score_answer(sample.questions[0], answer(**made), rules)["crag"].value == crag


@pytest.mark.parametrize(
    ("made", "crag", "reason"),
    [
        ({"refuse": "figure_missing"}, 1.0, 1.0),
        ({"refuse": "off_topic"}, 0.5, 0.0),
        ({"choice": "databricks"}, -1.0, None),
    ],
)
def test_crag_grades_a_refusal(
    sample: GoldenSet, answer: Make, rules: Rules, made: dict[str, object], crag: float, reason: float | None
) -> None:
    found = score_answer(sample.questions[3], answer(**made), rules)
    assert (found["crag"].value, found["refusal_reason"].value) == (crag, reason)


def test_a_fact_is_judged_by_the_options_it_applies_to(sample: GoldenSet, answer: Make, rules: Rules) -> None:
    case = sample.questions[2]
    right = score_answer(case, answer(applies_to=("azure_ml",), cite=["Endpoints"]), rules)
    half = score_answer(case, answer(applies_to=("azure_ml", "databricks"), cite=["Endpoints"]), rules)
    wrong = score_answer(case, answer(applies_to=("databricks",), cite=["Endpoints"]), rules)
    assert [found["crag"].value for found in (right, half, wrong)] == [1.0, 0.5, -1.0]
    assert [found["applies_to"].value for found in (right, half, wrong)] == [1.0, 0.0, 0.0]
    assert right["verdict"].reason == "asks for no choice"


def test_only_the_first_six_citations_count(sample: GoldenSet, answer: Make, rules: Rules) -> None:
    late = answer(choice="databricks", cite=["Registry"] * 6 + ["Streaming"], text="Spark")
    assert score_answer(sample.questions[0], late, rules)["gold_cited"].value == 0.0
    assert late.citations[6].section == ("Streaming",)


def test_nearest_passages_of_a_refusal_are_no_ground(sample: GoldenSet, answer: Make, rules: Rules) -> None:
    refused = answer(refuse="no_evidence", cite=["Streaming"])
    assert score_answer(sample.questions[0], refused, rules)["gold_cited"].value == 0.0


def test_precision_counts_judged_sections_and_reports_holes(
    sample: GoldenSet, answer: Make, sections: SectionMap
) -> None:
    given = answer(choice="databricks", cite=["Streaming", "Registry", "Endpoints"], text="Spark")
    registry = given.citations[1].section_id
    useless = Judgement("s-stream", sections.name(registry), sections.digest(registry), 0, "ann", "2026-11-23")
    rules = Rules(sections, Judgements([useless]))
    found = score_answer(sample.questions[0], given, rules)
    assert found["citation_precision"].value == 0.5  # gold and useless; the third is a hole
    assert found["citation_grade"].value == 0.5  # 2 and 0 of 2
    assert found["citation_holes"].value == pytest.approx(1 / 3)
    assert unjudged(sample.questions[0], given, rules) == (given.citations[2].section_id,)
    # a paraphrase shares the judgements of its original, and other words undo a judgement
    assert rules.judged.grade(sample.questions[1], registry, sections) == 0
    stale = Judgements([Judgement("s-stream", sections.name(registry), "other words", 0, "ann", "2026-11-23")])
    assert stale.grade(sample.questions[0], registry, sections) is None


def test_a_quote_that_is_not_in_its_section_is_caught(sample: GoldenSet, answer: Make, rules: Rules) -> None:
    good = answer(choice="databricks", cite=["Streaming"], text="Spark [1]")
    shifted = good.citations[0].model_copy(update={"start": 1})
    for bad in (
        good.model_copy(update={"citations": (shifted,)}),
        good.model_copy(update={"text": "Spark [2]"}),
        good.model_copy(update={"claims": (Claim(text="Spark", citations=(7,)),)}),
    ):
        assert score_answer(sample.questions[0], bad, rules)["citations_valid"].value == 0.0


def test_facts_are_looked_for_in_all_that_is_shown(sample: GoldenSet, answer: Make, rules: Rules) -> None:
    cell = Cell(finding="supported", text="Flink runs there.")
    told = answer(choice="databricks", criteria=(Criterion(id="c1", text="events", cells={"databricks": cell}),))
    assert score_answer(sample.questions[0], told, rules)["facts"].value == 1.0


def test_criteria_are_matched_one_to_one(sample: GoldenSet, answer: Make, sections: SectionMap) -> None:
    def similarity(first: object, second: object) -> np.ndarray:
        return np.array([[0.9, 0.8]], dtype=np.float32)

    given = answer(
        choice="databricks", criteria=(Criterion(id="c1", text="events"), Criterion(id="c2", text="more events"))
    )
    found = score_answer(sample.questions[0], given, Rules(sections, Judgements(), similarity))
    assert found["criteria"].value == pytest.approx(2 / 3)
