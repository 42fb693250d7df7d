"""What is sent for each kind of answer, and each modal, as it is kept in `snapshots/`.

A snapshot that is missing is written, and the test fails once: delete those that ought to change, run, and read them.
"""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from slack_limits import problems, view_problems
from slack_office import Sample

from bot.answer import Answer, Clarification, NotCovered, Verdict, WouldChange
from bot.slack.blocks import Message, best_case, render
from bot.slack.style import Style
from bot.slack.views import Held, Place, feedback_view, share_view, weights_view, with_weights
from kb.settings import DecisionSettings

FOLDER = Path(__file__).parent / "snapshots"
STYLE = Style(DecisionSettings().options, date(2026, 11, 23), "https://ask.example.org")
HELD = Held("answer-rec-1", Place("C1", "1.2", "U1"), {"c1": 0.0})
NOTHING = Verdict(choice=None, confidence=0.0, reason="")
CHANGE = WouldChange(text="If streaming did not matter", criterion="c1", to="azure_ml")
CHOSEN = Verdict(choice="databricks", confidence=0.8, reason="The sources favour it.", would_change=(CHANGE,))
MOVED = Verdict(choice="azure_ml", confidence=0.7, reason="The sources favour this one now.")


@pytest.fixture
def answer(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Its verdicts are given: what the criteria come to changes with what is learnt, and is tested elsewhere."""
    monkeypatch.setattr("bot.slack.views.decide", lambda criteria: MOVED)
    return sample().model_copy(update={"verdict": CHOSEN})


def changed(answer: Answer, **fields: object) -> Answer:
    return answer.model_copy(update=fields)


def both(answer: Answer) -> Answer:
    parts = {"databricks": "prepares the data", "azure_ml": "serves the models"}
    verdict = Verdict(choice="both", confidence=0.7, reason="Each half asks for another one.", parts=parts)
    return changed(answer, verdict=verdict)


def question_back(answer: Answer) -> Answer:
    asked = Clarification(question="What matters most?", choices=("Streaming data", "Serving models"))
    return Answer(id="a1", question="q", standalone_question="q", kind="clarification", clarification=asked)


def small_talk(answer: Answer) -> Answer:
    return Answer(id="a1", question="hey", standalone_question="hey", kind="smalltalk", text="Hello to you.")


def not_covered(answer: Answer) -> Answer:
    return Answer(
        id="a1",
        question="What is it in euros?",
        standalone_question="What is it in euros?",
        kind="not_covered",
        not_covered=NotCovered(reason="figure_missing", nearest=(3,)),
        citations=answer.citations[2:],
        text="The nearest passage is about serving. [3]",
    )


ANSWERS: dict[str, Callable[[Answer], list[Message]]] = {
    "recommendation": lambda answer: render(answer, STYLE),
    "private": lambda answer: render(answer, STYLE, private=True, lead="> which one?"),
    "other weights": lambda answer: render(with_weights(answer, {"c1": 0.0}), STYLE, weights={"c1": 0.0}),
    "both": lambda answer: render(both(answer), STYLE),
    "no clear choice": lambda answer: render(changed(answer, verdict=NOTHING), STYLE),
    "comparison": lambda answer: render(changed(answer, kind="comparison", verdict=NOTHING), STYLE),
    "fact": lambda answer: render(
        changed(answer, kind="fact", verdict=NOTHING, criteria=(), contradictions=(), applies_to=("databricks",)), STYLE
    ),
    "not covered": lambda answer: render(not_covered(answer), STYLE),
    "question back": lambda answer: render(question_back(answer), STYLE),
    "small talk": lambda answer: render(small_talk(answer), STYLE),
    "notices": lambda answer: render(changed(answer, notices=("The model did not answer in time.",)), STYLE),
    "best case": lambda answer: best_case(answer, STYLE, "azure_ml"),
    "no case": lambda answer: best_case(changed(answer, claims=(), criteria=()), STYLE, "azure_ml"),
}
MODALS: dict[str, Callable[[Answer], dict[str, Any]]] = {
    "weights modal": lambda answer: weights_view(answer, HELD, STYLE),
    "share modal": lambda answer: share_view(HELD),
    "feedback modal": lambda answer: feedback_view(HELD),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_s_messages_are_as_they_were_and_slack_takes_them(name: str, answer: Answer) -> None:
    messages = ANSWERS[name](answer)
    for message in messages:
        assert problems(message.all_blocks) == []
    compare(name, [{"summary": message.summary, "blocks": message.all_blocks} for message in messages])


@pytest.mark.parametrize("name", MODALS)
def test_a_modal_is_as_it_was_and_slack_takes_it(name: str, answer: Answer) -> None:
    view = MODALS[name](answer)
    assert view_problems(view) == []
    compare(name, view)


def test_no_snapshot_is_left_over() -> None:
    assert {path.stem.replace("-", " ") for path in FOLDER.glob("*")} == {*ANSWERS, *MODALS}


def compare(name: str, made: object) -> None:
    path = FOLDER / f"{name.replace(' ', '-')}.json"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        pytest.fail(f"{path.name} was missing and is written: read it, and run again")
    assert made == json.loads(path.read_text(encoding="utf-8"))
