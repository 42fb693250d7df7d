import time
from collections.abc import Callable

import pytest
from fake_openai import FakeOpenAI, Reaction
from model_scripts import replying

from bot.answer import Answer
from bot.chat_model import Draft, Writer, model_step, write_with_model
from bot.model.account import Account
from bot.model.breaker import FAILURES, PAUSE_SECONDS, Breaker
from bot.model.failures import NOTICES, ModelFailedError
from bot.model.ledger import Ledger
from kb.errors import UsageError
from kb.settings import ModelSettings, Settings

Make = Callable[..., Answer]
Set = Callable[..., Settings]
PASSAGE = "Azure Databricks reads an event stream with the same Spark code as a batch."
LONG = '{"claims": [{"text": "' + PASSAGE + '", "labels": ["kaaaa"]}, {"text": "Azure Data'

FAULTS = {
    "slow": (Reaction(text=LONG, wait=30), "timeout"),
    "trickling": (Reaction(text=LONG * 50, piece=1, pause=0.05), "timeout"),
    "401": (Reaction(status=401), "unauthorised"),
    "403": (Reaction(status=403), "unauthorised"),
    "404": (Reaction(status=404), "rejected"),
    "429": (Reaction(status=429), "rate_limited"),
    "500": (Reaction(status=500), "server_error"),
    "503": (Reaction(status=503), "server_error"),
    "garbage": (Reaction(text="%PDF-1.7 \u0000 lorem {{{ ]]"), "garbled"),
    "garbage instead of events": (Reaction(raw=b"<html>502</html>"), None),
    "empty": (Reaction(text=""), "empty"),
    "blank": (Reaction(text="  \n "), "empty"),
    "refusal": (Reaction(refusal="I cannot help with that."), "refused"),
    "refusal in prose": (Reaction(text="I'm sorry, but I can't help with that."), "refused"),
    "filtered": (Reaction(text="Azure", finish="content_filter"), "refused"),
    "cut stream": (Reaction(text=LONG, cut_after=90), "cut"),
    "ended in the middle": (Reaction(text=LONG), "cut"),
    "no labels": (Reaction(text=PASSAGE), "garbled"),
}


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    """The provider's package takes seconds to import on a busy machine: not part of any answer's time."""
    import langchain.chat_models  # noqa: F401
    import langchain_openai  # noqa: F401


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_gives_the_whole_extractive_answer_in_time(
    fault: str, answer_of: Make, settings_for: Set, fake: FakeOpenAI
) -> None:
    reaction, kind = FAULTS[fault]
    fake.script = lambda request: reaction
    quick = kind == "timeout"
    writer = Writer(settings_for(fake.url, timeout_seconds=1.0 if quick else 30))
    writer.open()
    answer = answer_of([PASSAGE])
    begun = time.monotonic()
    done = write_with_model(answer, settings=settings_for(fake.url), writer=writer)
    took = time.monotonic() - begun
    assert done.model_copy(update={"notices": ()}) == answer
    assert len(done.notices) == 1
    if kind is not None:
        assert done.notices[0] == f"{NOTICES[kind]}; this answer is quoted from the sources."
    assert "scripted" not in done.notices[0]
    if quick:
        assert 0.5 < took < 10


def test_a_server_that_is_not_there(answer_of: Make, settings_for: Set) -> None:
    done = write_with_model(answer_of([PASSAGE]), settings=settings_for("http://127.0.0.1:9/v1"))
    assert done.notices == (f"{NOTICES['unreachable']}; this answer is quoted from the sources.",)
    assert done.text == "The extractive text."


def test_a_model_that_only_invents_leaves_the_extractive_answer(
    answer_of: Make, settings_for: Set, fake: FakeOpenAI
) -> None:
    fake.script = replying([(PASSAGE, "Azure Databricks was founded on the moon in 1969.")])
    done = write_with_model(answer_of([PASSAGE]), settings=settings_for(fake.url))
    assert done.made_by.mode == "extractive"
    assert done.notices == (f"{NOTICES['unsupported']}; this answer is quoted from the sources.",)


def test_a_failing_model_is_left_alone_and_tried_again_later(
    answer_of: Make, settings_for: Set, fake: FakeOpenAI
) -> None:
    fake.script = lambda request: Reaction(status=500)
    clock = [0.0]
    writer = Writer(settings_for(fake.url), now=lambda: clock[0])
    step = model_step(settings_for(fake.url), writer=writer)
    draft = Draft(answer_of([PASSAGE]))
    for _ in range(FAILURES):
        step.invoke(draft)
    asked = len(fake.requests)
    assert step.invoke(draft).notices == (f"{NOTICES['paused']}; this answer is quoted from the sources.",)
    assert len(fake.requests) == asked
    clock[0] += PAUSE_SECONDS + 1
    fake.script = replying([(PASSAGE, PASSAGE)])
    assert step.invoke(draft).made_by.mode == "model"


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_one_rejected_request_does_not_turn_structured_output_off(
    status: int, answer_of: Make, settings_for: Set, fake: FakeOpenAI
) -> None:
    settings = settings_for(fake.url)
    writer = Writer(settings)
    fake.script = lambda request: Reaction(status=status)
    done = write_with_model(answer_of([PASSAGE]), settings=settings, writer=writer)
    assert done.notices == (f"{NOTICES['rejected']}; this answer is quoted from the sources.",)
    fake.script = replying([(PASSAGE, PASSAGE)])
    assert write_with_model(answer_of([PASSAGE]), settings=settings, writer=writer).made_by.mode == "model"
    assert ["response_format" in request for request in fake.requests] == [True, False, True]


def test_structured_output_is_left_out_for_good_once_a_request_without_it_was_taken(
    answer_of: Make, settings_for: Set, fake: FakeOpenAI
) -> None:
    settings = settings_for(fake.url)
    writer = Writer(settings)
    answering = replying([(PASSAGE, PASSAGE)])
    fake.script = lambda request: Reaction(status=400) if "response_format" in request else answering(request)
    for question in ("Which one for streams?", "Which one for batches?"):
        done = write_with_model(answer_of([PASSAGE], question=question), settings=settings, writer=writer)
        assert done.made_by.mode == "model"
    assert ["response_format" in request for request in fake.requests] == [True, False, False]


def test_refused_credentials_open_the_breaker_at_once_and_pauses_grow() -> None:
    clock = [0.0]
    breaker = Breaker(now=lambda: clock[0])
    breaker.failed("unauthorised")
    with pytest.raises(ModelFailedError, match="left alone"):
        breaker.check()
    clock[0] = PAUSE_SECONDS + 1
    breaker.check()
    breaker.failed("unauthorised")
    clock[0] += PAUSE_SECONDS + 1
    with pytest.raises(ModelFailedError, match="left alone"):
        breaker.check()


def test_budgets_stop_before_anything_is_sent(answer_of: Make, settings_for: Set, fake: FakeOpenAI) -> None:
    fake.script = replying([(PASSAGE, PASSAGE)])
    over = f"{NOTICES['over_budget']}; this answer is quoted from the sources."
    done = write_with_model(answer_of([PASSAGE]), settings=settings_for(fake.url, tokens_per_answer=600))
    assert done.notices == (over,)
    done = write_with_model(answer_of([PASSAGE]), settings=settings_for(fake.url, tokens_per_day=1000))
    assert done.notices == (over,)
    assert fake.requests == []
    settings = settings_for(fake.url, tokens_per_day=5000)
    assert write_with_model(answer_of([PASSAGE]), settings=settings).made_by.mode == "model"
    for n in range(8):
        done = write_with_model(answer_of([PASSAGE], question=f"Which one for job {n}?"), settings=settings)
    assert done.notices == (over,)
    assert len(fake.requests) < 8


def test_what_a_failed_request_took_is_counted_and_what_nobody_read_is_not(
    answer_of: Make, settings_for: Set, fake: FakeOpenAI
) -> None:
    settings = settings_for(fake.url, tokens_per_day=10_000)
    accounts: list[Account] = []
    writer = Writer(settings, on_account=accounts.append)
    for reaction in (Reaction(status=500), Reaction(text="")):
        fake.script = lambda request, reaction=reaction: reaction
        write_with_model(answer_of([PASSAGE]), settings=settings, writer=writer)
    down, empty = accounts
    assert (down.failure, down.tokens) == ("server_error", 0)
    assert (empty.failure, empty.tokens_out) == ("empty", 0)
    assert empty.tokens_in > 100
    assert Ledger(settings.home).spent_today() == empty.tokens


def test_a_service_that_answers_after_the_pause_is_trusted_again_whatever_it_says() -> None:
    clock = [0.0]
    breaker = Breaker(now=lambda: clock[0])
    for _ in range(FAILURES):
        breaker.failed("timeout")
    clock[0] = PAUSE_SECONDS + 1
    breaker.check()
    breaker.failed("refused")
    breaker.check()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gpt-4.1", "provider:model"),
        ("anthropic:claude", r"pip install 'whichway\[anthropic\]'"),
        ("nosuch:model", "docs/models.md"),
    ],
)
def test_a_model_that_cannot_be_opened_names_what_to_do(name: str, words: str, answer_of: Make, home: object) -> None:
    settings = Settings(home=home, model=ModelSettings(name=name))
    with pytest.raises(UsageError, match=words):
        write_with_model(answer_of([PASSAGE]), settings=settings)
