"""What a channel hands on is bounded: the newest turns, each no longer than a question may be."""

from pathlib import Path

import pytest

from bot.answer import QUESTION_LIMIT, Question, Turn
from bot.desk import HISTORY_LIMIT, QuestionTooLongError, checked
from bot.factory import LiveChain
from ingest.pipeline import run_ingest
from kb.errors import UsageError
from kb.settings import EmbeddingSettings, Settings, SourceSettings


def test_the_newest_turns_are_kept_and_cut_to_the_length_of_a_question() -> None:
    turns = tuple(Turn(role="user", content=f"{number} {'<!---->' * 20_000}") for number in range(HISTORY_LIMIT + 5))
    kept = checked(Question(text=" and now? ", history=turns))
    assert kept.text == "and now?"
    assert [turn.content[:2].strip() for turn in kept.history] == [str(n) for n in range(5, HISTORY_LIMIT + 5)]
    assert {len(turn.content) for turn in kept.history} == {QUESTION_LIMIT}


def test_nothing_and_too_much_are_refused() -> None:
    with pytest.raises(UsageError, match="the question is empty"):
        checked(Question(text=" "))
    with pytest.raises(QuestionTooLongError, match="4,001 characters, at most 4,000"):
        checked(Question(text="x" * 4001))


def test_what_was_cited_can_be_opened_after_the_index_has_changed(home: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Streams\n\nChoose Azure Databricks if an event stream has to be processed with Spark.\n")
    settings = Settings(
        home=home,
        embedding=EmbeddingSettings(model="hashed"),
        source=(SourceSettings(path=str(page), standing="comparison"),),
    )
    run_ingest(settings)
    live = LiveChain(settings)
    try:
        answer = live.invoke(Question(text="Which platform should process our event stream with Spark?"))
        assert answer.citations
        page.write_text("# Lakes\n\nAzure Databricks keeps tables in a lake.\n")
        run_ingest(settings)
        texts = live.section_texts(answer)
    finally:
        live.close()
    assert all(texts[each.section_id][each.start : each.end] == each.quote for each in answer.citations)
