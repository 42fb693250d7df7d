"""Golden questions with a chat model: outcomes are kept as they come, faults and moved verdicts are seen."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_openai import FakeOpenAI, Reaction
from model_scripts import claim_list, labels_in

from evals.model_run import Outcome, faulty, golden_cases, run_model, summary, with_model
from kb.settings import Settings


def truth_and_lie(request: dict[str, Any]) -> Reaction:
    """Two passages word for word, and a sentence that none of them says."""
    first, second, *_ = labels_in(request)
    said = [(first, first), (second, second), (first, "Azure Databricks was founded on the moon in 1969.")]
    return Reaction(text=json.dumps({"claims": claim_list(request, said), "judgements": []}), piece=4000)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOpenAI]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    with FakeOpenAI(truth_and_lie) as server:
        yield server


def test_a_run_goes_on_where_it_stopped(fake: FakeOpenAI, encoder_home: Path, tmp_path: Path) -> None:
    settings = with_model(Settings(home=encoder_home), "openai:fake-model")
    settings = settings.model_copy(update={"model": settings.model.model_copy(update={"base_url": fake.url})})
    out = tmp_path / "outcomes.jsonl"
    first = run_model(settings, golden_cases(1), out)
    with out.open("a", encoding="utf-8") as file:
        file.write('{"id": "cut in the mid')
    out.write_text(out.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    asked = len(fake.requests)
    heard: list[Outcome] = []
    outcomes = run_model(settings, golden_cases(2), out, each=heard.append)
    assert outcomes == heard
    assert outcomes[0] == first[0]
    assert asked < len(fake.requests) <= 2 * asked
    assert faulty(outcomes) == []
    for outcome in outcomes:
        assert (outcome.written, outcome.kept, outcome.mended, outcome.removed) == (True, 2, 0, 1)
        assert outcome.tokens > 0
    assert "kept 4 (67%), repaired 0 (0%), removed 2 (33%)" in "\n".join(summary(outcomes))


def test_a_fault_or_a_verdict_moved_without_reason_is_named() -> None:
    fine = Outcome(id="a", identity="", kind="recommendation", written=True, kept=1, choice="x", extractive_choice="x")
    fault = fine.model_copy(update={"invalid": ("[1] is not in its section",)})
    moved = fine.model_copy(update={"choice": "y", "better_supported": False})
    better = moved.model_copy(update={"better_supported": True})
    assert faulty([fine, fault, moved, better]) == [fault, moved]
    lines = "\n".join(summary([fine, fault, moved, better]))
    assert "faults 1\n  [1] is not in its section" in lines
    assert "verdicts that differ 2, of which better supported 1" in lines
    assert "questions 0" in summary([])[0]


def test_the_questions_are_always_the_same_and_of_every_kind() -> None:
    cases = golden_cases(60)
    assert cases == golden_cases(60)
    assert len(cases) == 60
    assert {case.split for case in cases} == {"dev"}
    assert {case.kind for case in cases} >= {"recommendation", "mixed", "fact", "comparison", "conversation"}
