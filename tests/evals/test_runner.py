"""A run: every case accounted for, asked once, resumable, and the test split kept to figures."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.answer import Answer, Question, Turn
from evals.asking import Asker, replay
from evals.cache import ResultCache
from evals.golden import GoldenSet
from evals.retrieval import RankedLeg
from evals.runner import RunOptions, System, run_golden
from evals.runs import load_run, save_run
from evals.suite import note_look
from kb.errors import UsageError
from kb.records import Corpus

Respond = Callable[[Question], Answer]
SystemFor = Callable[..., System]


def test_every_case_ends_scored_unscored_or_errored(sample: GoldenSet, script: Respond, system_for: SystemFor) -> None:
    def respond(question: Question) -> Answer:
        if "endpoints" in question.text:
            raise ValueError("no route")
        return script(question)

    run = run_golden(sample, system_for(respond), RunOptions(), cache=None)
    assert run.counts == {"scored": 3, "unscored": 1, "errored": 1}
    by_case = run.by_case()
    assert by_case["s-endpoint"].reason == "ValueError: no route"
    assert by_case["s-talk"].reason == "nothing about the answer is labelled"
    assert by_case["s-stream"].passed
    assert not by_case["s-endpoint"].passed
    assert run.figures["verdict"].value == 1.0
    assert run.figures["verdict"].n == 2
    assert run.figures["refusal_recall_near"].value == 1.0
    assert run.confusion == {"databricks": {"databricks": 2}}


def test_a_second_run_asks_nothing_and_says_the_same(
    tmp_path: Path, sample: GoldenSet, script: Respond, system_for: SystemFor
) -> None:
    asked: list[str] = []

    def respond(question: Question) -> Answer:
        asked.append(question.text)
        return script(question)

    with ResultCache(tmp_path / "cache.sqlite3") as cache:
        first = run_golden(sample, system_for(respond), RunOptions(), cache=cache)
        count = len(asked)
        second = run_golden(sample, system_for(respond), RunOptions(), cache=cache)
        assert count > 5
        assert len(asked) == count
        assert second.figures == first.figures
        run_golden(sample, system_for(respond, identity="another snapshot"), RunOptions(), cache=cache)
        assert len(asked) == 2 * count


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path, script: Respond) -> None:
    questions = [Question(text=f"Events {n}?") for n in range(6)]
    asked: list[str] = []

    def respond(question: Question) -> Answer:
        if len(asked) == 4:
            raise KeyboardInterrupt
        asked.append(question.text)
        return script(question)

    with ResultCache(tmp_path / "cache.sqlite3") as cache:
        with pytest.raises(KeyboardInterrupt):
            Asker(lambda: respond, identity="x", cache=cache, workers=1).ask_all(questions)
        again: list[str] = []

        def rest(question: Question) -> Answer:
            again.append(question.text)
            return script(question)

        done = Asker(lambda: rest, identity="x", cache=cache, workers=1).ask_all(questions)
    assert again == ["Events 4?", "Events 5?"]
    assert [found.answer.question for found in done if found.answer] == [question.text for question in questions]


def test_progress_counts_every_question(sample: GoldenSet, script: Respond, system_for: SystemFor) -> None:
    told: list[tuple[str, int, int]] = []
    run_golden(sample, system_for(script), RunOptions(), cache=None, progress=lambda *news: told.append(news))
    assert ("questions", 5, 5) in told
    assert ("swaps", 4, 4) in told


def test_open_turns_of_a_history_are_answered_by_the_system(script: Respond) -> None:
    seen: list[int] = []

    def respond(question: Question) -> Answer:
        seen.append(len(question.history))
        return script(question)

    history = (
        Turn(role="user", content="Events come in."),
        Turn(role="user", content="And the price?"),
        Turn(role="assistant", content="Not known."),
    )
    played = replay(Question(text="and models?", history=history), respond)
    assert [(turn.role, turn.content) for turn in played.history] == [
        ("user", "Events come in."),
        ("assistant", "Spark [1]"),
        ("user", "And the price?"),
        ("assistant", "Not known."),
    ]
    assert seen == [0]


def test_a_flip_on_swapped_options_is_seen(
    sample: GoldenSet, answer: Callable[..., Answer], system_for: SystemFor
) -> None:
    def first_named(question: Question) -> Answer:
        ml, databricks = question.text.rfind("Azure M"), question.text.rfind("Databricks")
        choice = "azure_ml" if -1 < ml < databricks else "databricks"
        return answer(question.text, choice=choice, cite=["Streaming"])

    steady = run_golden(sample, system_for(lambda q: answer(q.text, choice="both")), RunOptions(), cache=None)
    led = run_golden(sample, system_for(first_named, identity="led"), RunOptions(), cache=None)
    assert steady.figures["swap_flips"].value == 0.0
    assert led.figures["swap_flips"].value == 1.0
    assert led.figures["swap_flips"].n == 2


def test_an_answer_that_changes_is_not_repeatable(
    sample: GoldenSet, answer: Callable[..., Answer], system_for: SystemFor
) -> None:
    count = iter(range(1000))

    def moody(question: Question) -> Answer:
        return answer(question.text, choice="both", text=f"For the {next(count)}th time.")

    def steady(question: Question) -> Answer:
        return answer(question.text, choice="both", timings_ms={"all": next(count)}, id=str(next(count)))

    assert run_golden(sample, system_for(moody), RunOptions(), cache=None).figures["repeatable"].value == 0.0
    assert run_golden(sample, system_for(steady), RunOptions(), cache=None).figures["repeatable"].value == 1.0


def test_paraphrases_with_different_verdicts_are_counted_by_pair(
    sample: GoldenSet, answer: Callable[..., Answer], system_for: SystemFor
) -> None:
    def respond(question: Question) -> Answer:
        return answer(question.text, choice="databricks" if "Events" in question.text else "azure_ml")

    run = run_golden(sample, system_for(respond), RunOptions(swaps=False), cache=None)
    assert (run.figures["paraphrase_flips"].value, run.figures["paraphrase_flips"].n) == (1.0, 1)


def test_a_choice_where_none_should_be_made_is_a_wrong_one(
    sample: GoldenSet, answer: Callable[..., Answer], system_for: SystemFor
) -> None:
    def respond(question: Question) -> Answer:
        return answer(question.text, choice="databricks" if "one has" not in question.text else None)

    run = run_golden(sample, system_for(respond), RunOptions(swaps=False), cache=None)
    assert run.figures["verdict"].n == 2
    assert (run.figures["auroc"].value, run.figures["auroc"].n) == (0.5, 3)


def test_legs_rank_targets_once_each(sample: GoldenSet, script: Respond, system_for: SystemFor, pages: Corpus) -> None:
    order = [section.id for section in pages.sections]  # Streaming, Tables, Endpoints, Registry
    legs = {
        "good": RankedLeg("1", lambda question: order),
        "late": RankedLeg("2", lambda question: list(reversed(order))),
        "none": RankedLeg("3", lambda question: []),
    }
    run = run_golden(sample, system_for(script, legs=legs), RunOptions(swaps=False), cache=None)
    found = run.by_case()["s-stream"].retrieval
    assert found["good"]["ndcg@10"] == 1.0
    assert found["good"]["recall@5"] == 1.0
    assert found["late"]["mrr@10"] == pytest.approx(1 / 3)
    assert found["late"]["gold_first"] == 0.0
    assert found["none"]["ndcg@10"] == 0.0
    assert run.by_case()["s-talk"].retrieval == {}
    assert run.figures["good.gold_first"].value == pytest.approx(2 / 3)


def test_the_test_split_keeps_figures_only(
    tmp_path: Path, sample: GoldenSet, script: Respond, system_for: SystemFor
) -> None:
    run = run_golden(sample, system_for(script), RunOptions(split="test"), cache=None)
    text = save_run(run, tmp_path).joinpath("run.json").read_text(encoding="utf-8")
    assert run.figures["verdict"].value == 1.0
    assert "s-hidden" not in text
    assert "serve our model" not in text
    note_look(run, tmp_path / "looks.jsonl")
    note_look(run, tmp_path / "looks.jsonl")
    looks = [json.loads(line) for line in (tmp_path / "looks.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(look["set"], look["n"], look["date"]) for look in looks] == [("guide", 1, run.started[:10])] * 2


def test_a_label_that_no_longer_holds_stops_the_run_unless_live(
    sample: GoldenSet, script: Respond, system_for: SystemFor
) -> None:
    first = sample.questions[0]
    gone = first.gold[0].model_copy(update={"quote": "drinks an event stream"})
    changed = sample.model_copy(
        update={"questions": (first.model_copy(update={"gold": (gone,)}), *sample.questions[1:])}
    )
    with pytest.raises(
        UsageError, match=r"'s-stream': 'drinks an event stream' does not stand in 'pages/data#Streaming'"
    ):
        run_golden(changed, system_for(script), RunOptions(), cache=None)
    assert run_golden(changed, system_for(script), RunOptions(live=True), cache=None).counts["scored"] == 4


def test_a_run_is_found_again(tmp_path: Path, sample: GoldenSet, script: Respond, system_for: SystemFor) -> None:
    run = run_golden(sample, system_for(script), RunOptions(), cache=None)
    save_run(run, tmp_path)
    assert load_run("latest", tmp_path, set_name="guide", split="dev") == run
    assert load_run(run.id[:20], tmp_path) == run
    left_out = run.model_copy(update={"id": f"2999{run.id[4:]}".replace("-guide-", "-guide-left-out-")})
    save_run(left_out, tmp_path)
    assert load_run("latest", tmp_path, set_name="guide", split="dev") == run
    assert load_run("latest", tmp_path) == left_out
    for name in ("latest-ish", "2030"):
        with pytest.raises(UsageError, match=f"no run '{name}'; runs: {run.id}, {left_out.id}"):
            load_run(name, tmp_path)
    with pytest.raises(UsageError, match="no run 'latest'"):
        load_run("latest", tmp_path, split="test")
    assert {"python", "packages", "seed", "golden", "commit"} <= set(run.made_by)
