"""The page: complete, harmless whatever an answer holds, and small enough to send."""

import re
from collections.abc import Callable

from bot.answer import Answer, Question
from evals.compare import compare
from evals.golden import GoldenSet
from evals.report import render
from evals.results import Run
from evals.runner import RunOptions, System, run_golden

SystemFor = Callable[..., System]
PLANTED = "<img src=x onerror=alert(1)> ${alert(2)} {{ 7*7 }}"


def run_of(sample: GoldenSet, system: System, split: str = "dev") -> Run:
    return run_golden(sample, system, RunOptions(split=split), cache=None)  # type: ignore[arg-type]


def test_the_page_shows_figures_and_every_dev_case(
    sample: GoldenSet, script: Callable[[Question], Answer], system_for: SystemFor
) -> None:
    page = render(run_of(sample, system_for(script)))
    for case in sample.of_split("dev"):
        assert case.question in page
        assert all(gold.section in page for gold in case.gold)
    assert "Right verdict" in page
    assert "n = 2" in page
    assert "takes an event stream with Spark" in page
    assert len(re.findall("<svg ", page)) >= 1


def test_nothing_is_loaded_from_elsewhere_and_nothing_planted_runs(
    sample: GoldenSet, answer: Callable[..., Answer], system_for: SystemFor
) -> None:
    def planted(question: Question) -> Answer:
        given = answer(PLANTED, choice="both", cite=["Streaming"], text=PLANTED)
        bad = given.citations[0].model_copy(update={"url": "javascript:alert(3)", "title": PLANTED})
        return given.model_copy(update={"citations": (bad,)})

    page = render(run_of(sample, system_for(planted)))
    assert "<img" not in page
    assert "javascript:" not in page
    assert "{{ 7*7 }}" in page
    assert not re.search(r'(?:src|href)="(?!https://example\.org)[^"#]', page.replace("xlink:href", "x"))
    assert "default-src 'none'" in page


def test_the_test_split_shows_no_question(
    sample: GoldenSet, script: Callable[[Question], Answer], system_for: SystemFor
) -> None:
    page = render(run_of(sample, system_for(script), "test"))
    assert "its questions are not shown" in page
    assert "serve our model" not in page


def test_two_runs_are_shown_side_by_side(
    sample: GoldenSet, script: Callable[[Question], Answer], answer: Callable[..., Answer], system_for: SystemFor
) -> None:
    before = run_of(sample, system_for(script))
    after = run_of(sample, system_for(lambda q: answer(q.text, choice="azure_ml", text="Always this."), identity="y"))
    page = render(after, comparison=compare(before, after))
    assert f"Against {before.id}" in page
    assert "4 broken" in page
    assert "before: databricks" in page
    assert "now: azure_ml" in page


def test_three_hundred_cases_stay_under_three_megabytes(
    sample: GoldenSet, answer: Callable[..., Answer], system_for: SystemFor
) -> None:
    base = sample.questions[0]
    many = sample.model_copy(
        update={"questions": tuple(base.model_copy(update={"id": f"q-{n}", "family": f"f-{n}"}) for n in range(300))}
    )

    def long(question: Question) -> Answer:
        given = answer(question.text, choice="both", cite=["Streaming"] * 6, text="A sentence of an answer. " * 60)
        quoted = tuple(c.model_copy(update={"quote": "A quoted sentence. " * 200}) for c in given.citations)
        return given.model_copy(update={"citations": quoted})

    run = run_golden(many, system_for(long), RunOptions(swaps=False), cache=None)
    assert len(render(run).encode()) < 3_000_000
