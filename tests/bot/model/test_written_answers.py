import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from fake_openai import FakeOpenAI, Reaction
from model_scripts import claim_list, labels_in, replying

from bot.answer import Answer
from bot.chat_model import Draft, Writer, model_step, write_with_model
from bot.model.account import Account
from bot.model.ledger import Ledger
from bot.verdict import decide
from kb.settings import Settings

Make = Callable[..., Answer]
Set = Callable[..., Settings]
TWO = (
    "Azure Databricks reads an event stream with the same Spark code as a batch.",
    "Azure Machine Learning endpoints can divide traffic between two deployments.",
)


def test_supported_sentences_of_an_ideal_model_survive(
    cases: list[Any], answer_of: Make, settings_for: Set, fake: FakeOpenAI
) -> None:
    said = survived = 0
    for start in range(0, len(cases), 8):
        batch = cases[start : start + 8]
        fake.script = replying([(c.passage, s) for c in batch for s in c.supported])
        answer = answer_of([case.passage for case in batch])
        done = write_with_model(answer, settings=settings_for(fake.url))
        assert done.made_by.mode == "model"
        texts = {claim.text for claim in done.claims}
        said += sum(len(case.supported) for case in batch)
        survived += sum(s in texts for case in batch for s in case.supported)
        quotes = {c.n: c.quote for c in done.citations}
        for claim in done.claims:
            case = next(c for c in batch if claim.text in c.supported)
            assert [quotes[n] for n in claim.citations] == [case.passage]
            assert f"[{claim.citations[0]}]" in done.text
    assert said >= 60
    assert survived / said >= 0.95


def test_the_answer_says_which_model_and_prompt_wrote_it_and_keeps_the_verdict_a_function_of_the_criteria(
    answer_of: Make, settings_for: Set, fake: FakeOpenAI
) -> None:
    fake.script = replying([(TWO[0], "Azure Databricks reads an event stream with Spark code."), (TWO[1], TWO[1])])
    answer = answer_of(TWO)
    done = write_with_model(answer, settings=settings_for(fake.url))
    assert done.made_by.mode == "model"
    assert done.made_by.model == "openai:fake-model"
    assert re.fullmatch(r"[0-9a-f]{12}", done.made_by.prompt or "")
    assert done.verdict == decide(done.criteria) == answer.verdict
    assert [claim.support for claim in done.claims][1] == 1.0
    assert 0.6 <= done.claims[0].support < 1.0
    assert done.grounding == "grounded"
    assert done.notices == ()


def test_sentences_are_streamed_checked_and_with_numbers_never_with_labels(
    answer_of: Make, settings_for: Set, fake: FakeOpenAI
) -> None:
    wrong = "Azure Machine Learning reads an event stream with the same Spark code."
    fake.script = replying([(TWO[0], TWO[0]), (TWO[0], wrong), (TWO[1], TWO[1])], piece=3)
    heard: list[str] = []
    step = model_step(settings_for(fake.url))
    done = step.invoke(Draft(answer_of(TWO)), {"configurable": {"on_text": heard.append}})
    assert len(heard) == 2
    assert heard[0].startswith("Azure Databricks reads an event stream")
    assert heard[0].rstrip().endswith("[1]")
    assert not re.search(r"\bk[a-z2-7]{4}\b", "".join(heard))
    assert wrong not in done.text
    assert done.notices == ("One sentence of the chat model was removed: the cited passages do not bear it out.",)


def test_text_arrives_before_the_model_has_finished(answer_of: Make, settings_for: Set, fake: FakeOpenAI) -> None:
    fake.script = replying([(TWO[0], TWO[0]), (TWO[1], TWO[1])], piece=40, pause=0.05)
    order: list[str] = []
    real = fake.script
    writer = Writer(settings_for(fake.url))
    writer.write(answer_of(TWO), on_text=lambda text: order.append(f"{text[:16]} {fake.released.is_set()}"))
    assert real is fake.script
    assert [text[:16] for text in order] == ["Azure Databricks", "Azure Machine Le"]


def test_a_model_without_structured_output_is_read_from_prose(
    answer_of: Make, settings_for: Set, fake: FakeOpenAI
) -> None:
    def script(request: dict[str, Any]) -> Reaction:
        if "response_format" in request or "tools" in request:
            return Reaction(status=400)
        labels = labels_in(request)
        return Reaction(text=f"Sure! {TWO[0]} [{labels[TWO[0]]}] {TWO[1][:-1]} [{labels[TWO[1]]}].")

    fake.script = script
    done = write_with_model(answer_of(TWO), settings=settings_for(fake.url))
    assert [claim.text for claim in done.claims] == list(TWO)
    assert len(fake.requests) >= 2


def test_fenced_json_amid_prose_is_read(answer_of: Make, settings_for: Set, fake: FakeOpenAI) -> None:
    def script(request: dict[str, Any]) -> Reaction:
        body = json.dumps({"claims": claim_list(request, [(TWO[0], TWO[0])])})
        return Reaction(text=f"Here it is:\n```json\n{body}\n```\nI hope that helps.")

    fake.script = script
    done = write_with_model(answer_of(TWO), settings=settings_for(fake.url))
    assert [claim.text for claim in done.claims] == [TWO[0]]


def test_a_wrong_label_is_put_right_where_another_passage_bears_the_sentence_out(
    answer_of: Make, settings_for: Set, fake: FakeOpenAI
) -> None:
    fake.script = replying([(TWO[1], TWO[0]), ("no such passage", TWO[1])])
    done = write_with_model(answer_of(TWO), settings=settings_for(fake.url))
    quotes = {c.n: c.quote for c in done.citations}
    assert {claim.text: quotes[claim.citations[0]] for claim in done.claims} == {TWO[0]: TWO[0], TWO[1]: TWO[1]}


def test_a_sentence_is_mended_once_when_the_second_try_is_borne_out(
    answer_of: Make, settings_for: Set, fake: FakeOpenAI
) -> None:
    wrong = "Azure Databricks reads an event stream within 5 milliseconds."

    def script(request: dict[str, Any]) -> Reaction:
        again = "not borne out" in str(request["messages"][-1]["content"])
        sentences = (
            [(TWO[0], "Azure Databricks reads an event stream with Spark code.")]
            if again
            else [
                (TWO[0], wrong),
                (TWO[1], TWO[1]),
            ]
        )
        return Reaction(text=json.dumps({"claims": claim_list(request, sentences), "judgements": []}))

    fake.script = script
    done = write_with_model(answer_of(TWO), settings=settings_for(fake.url))
    assert {claim.text for claim in done.claims} == {TWO[1], "Azure Databricks reads an event stream with Spark code."}
    assert done.notices == ()
    assert len(fake.requests) == 2
    accounts: list[Account] = []
    kept = Writer(settings_for(fake.url), on_account=accounts.append).write(answer_of(TWO))
    assert kept.claims == done.claims, "the second try is kept with the first"
    assert len(fake.requests) == 2
    assert (accounts[0].cached, accounts[0].kept, accounts[0].mended, accounts[0].tokens) == (True, 1, 1, 0)


def test_tokens_and_sentences_are_logged_under_the_answers_id(
    answer_of: Make, settings_for: Set, fake: FakeOpenAI, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "Azure Machine Learning reads an event stream with the same Spark code."
    fake.script = replying([(TWO[0], TWO[0]), (TWO[1], TWO[1]), (TWO[0], wrong)])
    settings = settings_for(fake.url)
    with caplog.at_level(logging.INFO, logger="bot.model.account"):
        write_with_model(answer_of(TWO), settings=settings)
    logged = vars(caplog.records[-1])
    assert {name: logged[name] for name in ("answer", "model", "cached", "kept", "mended", "removed", "failure")} == {
        "answer": "a1", "model": "openai:fake-model", "cached": False, "kept": 2, "mended": 0, "removed": 1,
        "failure": None,
    }  # fmt: skip
    assert logged["tokens_in"] == 1400, "two requests, as the server counts them"
    assert logged["tokens_in"] + logged["tokens_out"] == Ledger(settings.home).spent_today()


def test_the_same_evidence_and_prompt_are_asked_once(answer_of: Make, settings_for: Set, fake: FakeOpenAI) -> None:
    fake.script = replying([(TWO[0], TWO[0])])
    settings = settings_for(fake.url)
    first = write_with_model(answer_of(TWO), settings=settings)
    again = write_with_model(answer_of(TWO), settings=settings)
    other = write_with_model(answer_of(TWO, question="Which one for nightly jobs?"), settings=settings)
    assert first.text == again.text == other.text
    assert len(fake.requests) == 2


def test_no_secret_of_the_environment_is_in_a_prompt_and_passages_stand_between_marks(
    answer_of: Make, settings_for: Set, fake: FakeOpenAI
) -> None:
    fake.script = replying([(TWO[0], TWO[0])])
    write_with_model(answer_of(TWO), settings=settings_for(fake.url))
    body = json.dumps(fake.requests[0])
    assert "sk-test-secret" not in body
    text = str(fake.requests[0]["messages"][-1]["content"])
    marks = [m.start() for m in re.finditer(r"=== [0-9a-f]{16} ===", text)]
    assert len(marks) == 2
    assert marks[0] < text.index("readsˆanˆevent") < marks[1]
    assert "tools" not in fake.requests[0]


@pytest.mark.parametrize("kind", ["not_covered", "clarification", "smalltalk"])
def test_what_the_sources_do_not_say_is_not_put_into_other_words(
    kind: str, answer_of: Make, settings_for: Set, fake: FakeOpenAI
) -> None:
    answer = answer_of(TWO).model_copy(update={"kind": kind})
    assert write_with_model(answer, settings=settings_for(fake.url)) == answer
    assert fake.requests == []


def test_evidence_that_the_extractive_answer_did_not_cite_gets_a_number_of_its_own(
    answer_of: Make, settings_for: Set, fake: FakeOpenAI
) -> None:
    more = "Azure Databricks bills DBUs on top of the virtual machines."
    further = answer_of([more]).citations
    fake.script = replying([(more, more), (TWO[0], TWO[0])])
    done = write_with_model(answer_of(TWO), further, settings=settings_for(fake.url))
    claim = next(claim for claim in done.claims if claim.text == more)
    assert claim.citations == (3,)
    assert done.citation(3).quote == more
