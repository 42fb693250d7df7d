import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fake_openai import FakeOpenAI, Reaction
from hypothesis import given, settings, strategies
from model_scripts import replying

from bot.answer import Answer, Cell, Criterion
from bot.chat_model import Draft, model_step, privacy, write_with_model
from bot.model import ledger as ledgers
from bot.model.labels import SIGN, labelled, shown, split_labels
from bot.model.ledger import Ledger
from bot.model.plain_text import plain_sentence
from bot.model.prompts import load_prompt, prompt_hash
from bot.model.reply import read_reply
from bot.verdict import decide
from bot.verification import Checker, Passage
from evals.judge import Judge, judge_run, read_verdicts
from evals.results import CaseResult, Run
from evals.show import judged_line
from kb.errors import UsageError
from kb.settings import DecisionSettings, ModelSettings, Settings

OPTIONS = DecisionSettings().options
STREAM = "Azure Databricks reads an event stream with the same Spark code as a batch."
SERVE = "Azure Machine Learning endpoints can divide traffic between two deployments."


@given(strategies.text(alphabet="<>[]()!&;:/.#\"'=` abjs{}$%|\\*_~-\n", max_size=80))
@settings(max_examples=400, deadline=None)
def test_no_text_becomes_a_link_an_image_a_tag_or_a_template(text: str) -> None:
    done = plain_sentence(f"Start {text} javascript:x https://a.example end")
    assert not re.search(r"<[a-z/!?]|\]\(|!\[|://|javascript:|\$\{|\{\{|[\[\]]|\n", done, re.I), done


def test_comparisons_and_names_survive_cleaning() -> None:
    assert plain_sentence("Under 5 < 6 ms, **CI/CD** of `mlflow` is ready & fine (really).") == (
        "Under 5 < 6 ms, CI/CD of mlflow is ready & fine (really)."
    )


@given(strategies.integers(min_value=1, max_value=400))
@settings(max_examples=60, deadline=None)
def test_a_reply_read_while_it_is_written_never_gives_a_sentence_that_changes_later(cut: int) -> None:
    whole = json.dumps({
        "claims": [{"text": f"{STREAM} {SERVE}", "labels": ["kabcd", "kbcde"]}, {"text": "A third.", "labels": []}],
        "judgements": [],
    })  # fmt: skip
    final = read_reply(whole).sentences
    part = read_reply(whole[:cut], ended=False).sentences
    assert final[: len(part)] == part
    assert len(final) == 3


def test_labels_are_read_in_every_way_that_models_write_them() -> None:
    assert split_labels("One [kab2c]. ")[1] == ("kab2c",)
    assert split_labels("One (kab2c, kzzzz) two 【kaaaa】") == ("One two", ("kab2c", "kzzzz", "kaaaa"))
    found = read_reply("First is so. [kab2c] Second is so [kaaaa].").sentences
    assert [(s.text, s.labels) for s in found] == [("First is so.", ("kab2c",)), ("Second is so.", ("kaaaa",))]


def test_passages_are_marked_as_data_and_labels_do_not_count_up(answer_of: Callable[..., Answer]) -> None:
    evidence = labelled(answer_of([STREAM, SERVE]).citations, Checker(OPTIONS), about={})
    text = shown(evidence)
    assert STREAM.replace(" ", SIGN) in text
    assert all(re.fullmatch(r"k[a-z2-7]{4}", each.label) for each in evidence)
    assert [each.passage.about for each in evidence] == [{"databricks"}, {"azure_ml"}]


def test_the_opening_may_name_the_need_in_the_askers_words_only() -> None:
    checker = Checker(OPTIONS)
    passage = [Passage(STREAM, "", frozenset(["databricks"]))]
    sentence = "For sensor data from our factory, Azure Databricks reads an event stream with Spark code."
    assert checker.check(sentence, passage, asked="What fits sensor data from our factory?").enough
    assert not checker.check(sentence, passage, asked="What fits?").enough


def test_an_inference_model_has_the_last_word() -> None:
    passage = [Passage(STREAM, "", frozenset(["databricks"]))]
    sentence = "Azure Databricks reads an event stream with Spark code."
    assert Checker(OPTIONS, entails=lambda premise, said: (0.9, 0.02)).check(sentence, passage).enough
    contradicted = Checker(OPTIONS, entails=lambda premise, said: (0.1, 0.8)).check(sentence, passage)
    assert (contradicted.score, contradicted.problem) == (0.0, "the passage contradicts it")


def test_a_prompt_is_known_by_the_hash_of_its_text() -> None:
    assert load_prompt("answer").hash != load_prompt("repair").hash
    assert prompt_hash("answer", "repair") != prompt_hash("answer")
    assert "{passages}" in load_prompt("answer").text


def test_days_are_counted_apart_and_a_home_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    day = [datetime(2026, 11, 23, tzinfo=UTC)]
    ledger = Ledger(tmp_path, now=lambda: day[0])
    assert ledger.take(100, 1000)
    assert Ledger(tmp_path, now=lambda: day[0]).take(20, 120)
    assert not ledger.take(1, 120)
    assert ledger.spent_today() == 120
    ledger.give_back(30)
    assert ledger.spent_today() == 90
    day[0] = datetime(2026, 11, 24, tzinfo=UTC)
    assert ledger.spent_today() == 0
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    memory = Ledger(blocked / "home")
    assert memory.take(5, 5)
    assert not memory.take(1, 5)
    memory.keep("k", "v")
    assert (memory.spent_today(), memory.reply("k"), memory.reply("other")) == (5, "v", None)
    memory.give_back(5)
    assert memory.spent_today() == 0


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Another process holds the file and does not let go."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def _full(file: Path) -> Iterator[None]:
    """What is there can be read, and nothing be written."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        refusal = "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        other.execute(f"CREATE TRIGGER no_usage BEFORE UPDATE ON usage {refusal}")
        other.execute(f"CREATE TRIGGER no_reply BEFORE INSERT ON replies {refusal}")
        yield
        other.execute("DROP TRIGGER no_usage")
        other.execute("DROP TRIGGER no_reply")


@pytest.mark.parametrize("trouble", [_locked, _full])
def test_a_file_that_cannot_be_had_for_a_while_forgets_no_spending(
    trouble: Callable[[Path], AbstractContextManager[None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "WAIT_SECONDS", 0.01)
    Ledger(tmp_path).take(100, 1000)
    ledger = Ledger(tmp_path)
    with trouble(tmp_path / ledgers.FILE):
        assert not ledger.take(50, 120)
        assert ledger.take(10, 120)
        ledger.give_back(4)
        ledger.keep("k", "v")
        assert (ledger.spent_today(), ledger.reply("k")) == (106, "v")
    assert (ledger.spent_today(), ledger.reply("k")) == (106, "v")
    assert Ledger(tmp_path).take(20, 1000)
    assert not ledger.take(1, 126)
    assert Ledger(tmp_path).spent_today() == ledger.spent_today() == 126
    ledger.keep("k", "w")
    assert Ledger(tmp_path).reply("k") == "w"


def test_what_is_given_back_without_the_file_never_counts_below_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "WAIT_SECONDS", 0.01)
    ledger = Ledger(tmp_path)
    with _locked(tmp_path / ledgers.FILE):
        ledger.give_back(30)
        assert ledger.take(5, 5)
        assert not ledger.take(1, 5)
    ledger.give_back(0)
    assert Ledger(tmp_path).spent_today() == 5


def _judgement(**changes: object) -> dict[str, object]:
    values: dict[str, object] = {
        "criterion": "c1", "need": "", "option": "azure_ml", "finding": "supported", "score": 1.0,
        "text": SERVE, "labels": [SERVE],
    }  # fmt: skip
    return values | changes


def test_a_model_moves_a_judgement_a_little_and_the_verdict_follows_from_the_criteria(
    answer_of: Callable[..., Answer], settings_for: Callable[..., Settings], fake: FakeOpenAI
) -> None:
    answer = answer_of([STREAM, SERVE])
    fake.script = replying([(STREAM, STREAM), (SERVE, SERVE)], [_judgement()])
    done = write_with_model(answer, settings=settings_for(fake.url))
    assert answer.criteria[0].cells["azure_ml"].score == 0.3
    assert done.criteria[0].cells["azure_ml"].score == 0.55
    assert done.verdict == decide(done.criteria)
    assert done.verdict.choice == answer.verdict.choice == "databricks"


@pytest.mark.parametrize(
    "bad",
    [
        _judgement(text="Azure Machine Learning endpoints serve nine models on the moon."),
        _judgement(labels=[STREAM]),
        _judgement(labels=["not there"]),
        _judgement(option="databricks"),
        _judgement(finding="not_supported"),
        _judgement(score=7),
        _judgement(criterion="", need="quantum billing of astronauts"),
    ],
)
def test_a_judgement_that_its_passage_does_not_bear_out_changes_nothing(
    bad: dict[str, object], answer_of: Callable[..., Answer], settings_for: Callable[..., Settings], fake: FakeOpenAI
) -> None:
    answer = answer_of([STREAM, SERVE])
    fake.script = replying([(STREAM, STREAM), (SERVE, SERVE)], [bad])
    done = write_with_model(answer, settings=settings_for(fake.url))
    assert done.made_by.mode == "model"
    assert done.criteria == answer.criteria
    assert done.verdict == answer.verdict


def test_another_choice_needs_more_passages_than_the_old_one_had(
    answer_of: Callable[..., Answer], settings_for: Callable[..., Settings], fake: FakeOpenAI
) -> None:
    close = Criterion(
        id="c1",
        text="serving",
        cells={
            "azure_ml": Cell(finding="supported", score=0.45, text=SERVE, citations=(2,)),
            "databricks": Cell(finding="supported", score=0.6, text=STREAM, citations=(1,)),
        },
    )
    answer = answer_of([STREAM, SERVE]).model_copy(update={"criteria": (close,), "verdict": decide([close])})
    assert answer.verdict.choice == "databricks"
    fake.script = replying([(STREAM, STREAM), (SERVE, SERVE)], [_judgement()])
    assert write_with_model(answer, settings=settings_for(fake.url)).verdict == answer.verdict
    more = "Azure Machine Learning batch endpoints score large files in parallel."
    fake.script = replying([(SERVE, SERVE), (more, more)], [_judgement(), _judgement(text=more, labels=[more])])
    done = write_with_model(answer, answer_of([more]).citations, settings=settings_for(fake.url))
    assert done.verdict == decide(done.criteria)
    assert set(done.criteria[0].cells["azure_ml"].citations) <= {c.n for c in done.citations}


def test_privacy_names_every_address_and_tracing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2", "LANGCHAIN_TRACING",
                 "OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_API_KEY"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    rows = dict(privacy(Settings(home=home)))
    assert rows["chat model"] == "none: nothing is sent"
    assert rows["LangSmith tracing"] == "off: nothing is sent"
    configured = Settings(home=home, model=ModelSettings(name="openai:gpt-4.1", judge="smollm"))
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    rows = dict(privacy(configured))
    assert "openai:gpt-4.1 at https://api.openai.com; OPENAI_API_KEY not set" in rows["chat model"]
    assert rows["judge"] == "smollm runs in this process; nothing is sent"
    assert "api.smith.langchain.com" in rows["LangSmith tracing"]
    assert "LANGSMITH_TRACING" in rows["LangSmith tracing"]


def test_databricks_models_are_asked_through_their_openai_compatible_address(
    answer_of: Callable[..., Answer], home: Path, fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABRICKS_HOST", fake.url.removesuffix("/v1"))
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-test")
    fake.script = replying([(STREAM, STREAM)])
    configured = Settings(home=home, model=ModelSettings(name="databricks:some-endpoint", timeout_seconds=60))
    done = model_step(configured).invoke(Draft(answer_of([STREAM])))
    assert done.made_by.model == "databricks:some-endpoint"
    assert fake.requests[0]["model"] == "some-endpoint"
    assert {k.lower(): v for k, v in fake.headers[0].items()}["authorization"] == "Bearer dapi-test"


def test_a_judge_gives_a_word_of_the_menu_or_no_score(
    answer_of: Callable[..., Answer], settings_for: Callable[..., Settings], fake: FakeOpenAI
) -> None:
    replies = iter([
        Reaction(text='Sure: {"judge_grounded": "Yes", "judge_helpful": "superb"}'),
        Reaction(text="no idea"),
        Reaction(status=500),
    ])  # fmt: skip
    fake.script = lambda request: next(replies)
    judge = Judge(settings_for(fake.url, name="", judge="openai:judge-model"))
    scores = judge.score(answer_of([STREAM]))
    assert scores["judge_grounded"].value == 1.0
    assert (scores["judge_helpful"].value, scores["judge_helpful"].reason) == (None, "outside the menu: 'superb'")
    assert {s.reason for s in judge.score(answer_of([STREAM])).values()} == {"the judge's reply could not be read"}
    assert {s.reason for s in judge.score(answer_of([STREAM])).values()} == {"the judge failed: server_error"}
    assert fake.requests[0]["model"] == "judge-model"
    with pytest.raises(UsageError, match="own model"):
        Judge(settings_for(fake.url, judge="openai:fake-model"))
    assert read_verdicts('{"a": "partly"}', ["a"])["a"].value == 0.5


def test_a_judge_grades_the_answers_that_a_run_kept(
    answer_of: Callable[..., Answer], settings_for: Callable[..., Settings], fake: FakeOpenAI
) -> None:
    replies = iter(['{"judge_grounded": "yes", "judge_helpful": "no"}', '{"judge_grounded": "partly"}'])
    fake.script = lambda request: Reaction(text=next(replies))
    answers = [answer_of([STREAM]), answer_of([SERVE]), None]
    cases = tuple(
        CaseResult(case=f"q{n}", family=f"f{n}", kind="fact", state="scored", answer=answer)
        for n, answer in enumerate(answers)
    )
    run = Run(id="r", set="guide", split="dev", started="", seconds=0.0, made_by={}, counts={}, figures={}, cases=cases)
    heard: list[str] = []
    judge = Judge(settings_for(fake.url, name="", judge="openai:judge-model"))
    figures = judge_run(run, judge, each=lambda case, scores: heard.append(judged_line(case, scores)))
    assert {name: (figure.value, figure.n) for name, figure in figures.items()} == {
        "judge_grounded": (0.75, 2),
        "judge_helpful": (0.0, 1),
    }
    assert heard == [
        "q0: judge_grounded 1.0, judge_helpful 0.0",
        "q1: judge_grounded 0.5, judge_helpful outside the menu: ''",
    ]
    with pytest.raises(UsageError, match="keeps no answers"):
        judge_run(run.model_copy(update={"cases": cases[2:]}), judge, each=lambda case, scores: None)
