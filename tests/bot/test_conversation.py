"""A follow-up is asked as if it stood alone: added to what was asked, or in its place."""

import pytest

from bot.answer import Turn
from bot.conversation import standalone
from kb.options import OptionFinder
from kb.settings import Settings

LOGS = "Which platform for cleaning petabytes of raw logs?"
BATCH = "We only do batch scoring at night. Which one?"


@pytest.fixture(scope="module")
def options() -> OptionFinder:
    return OptionFinder(Settings().decision.options)


def told(*questions: str) -> list[Turn]:
    return [Turn(role="user", content=question) for question in questions]


@pytest.mark.parametrize(
    ("before", "text", "follows", "holds"),
    [
        ((LOGS,), "And for deploying the models afterwards, blue-green?", "adds", ("petabytes", "blue-green")),
        ((LOGS,), "And if somebody has to anonymise them first?", "adds", ("petabytes", "anonymise")),
        ((LOGS,), "And for a small table?", "replaces", ("small table",)),
        ((LOGS,), "What about cost?", "replaces", ("cost",)),
        ((LOGS,), "We also have people who write Scala.", "adds", ("petabytes", "Scala")),
        ((BATCH, "And for real-time?"), "So if we need both kinds?", "adds", ("batch scoring", "real-time", "both")),
        ((LOGS, "And for the models?"), "One team has to do both.", "adds", ("petabytes", "the models", "both")),
        ((LOGS,), "Why?", "repeats", ("petabytes",)),
        ((LOGS,), "thanks a lot", "no", ("thanks",)),
    ],
)
def test_what_a_follow_up_carries_over(
    options: OptionFinder, before: tuple[str, ...], text: str, follows: str, holds: tuple[str, ...]
) -> None:
    made = standalone(text, told(*before), options)
    assert made.follows == follows
    assert [words for words in holds if words not in made.text] == []
    if follows == "replaces":
        assert "petabytes" not in made.text


def test_a_question_of_its_own_ends_what_was_asked_before(options: OptionFinder) -> None:
    history = told(BATCH, "And for real-time?", "Does Azure Databricks bill in DBUs?")
    made = standalone("Do we need both?", history, options)
    assert "batch" not in made.text
