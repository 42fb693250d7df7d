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
        ((LOGS,), "Compare the two on cost", "no", ("Compare the two on cost",)),
        ((LOGS,), "And how do they differ in governance?", "no", ("differ in governance",)),
        ((LOGS,), "Compare them on that", "adds", ("petabytes", "on that")),
        ((LOGS,), "We also have people who write Scala.", "adds", ("petabytes", "Scala")),
        ((BATCH, "And for real-time?"), "So if we need both kinds?", "adds", ("batch scoring", "real-time", "both")),
        ((LOGS, "And for the models?"), "One team has to do both.", "adds", ("petabytes", "the models", "both")),
        ((LOGS,), "Why?", "repeats", ("petabytes",)),
        ((LOGS,), "thanks a lot", "no", ("thanks",)),
        ((LOGS,), "Correction: gigabytes, and somebody else cleans them.", "adds", ("petabytes", "gigabytes")),
        ((LOGS,), "The auditors put one more on the list, every access logged.", "adds", ("petabytes", "auditors")),
        ((LOGS,), "New project: the photos of it. Which one for those?", "anew", ("photos",)),
        ((LOGS, "New project: the photos. Which one?"), "And what if there are few?", "adds", ("photos", "few")),
        ((LOGS,), "One other thing: we also have no administrators.", "adds", ("petabytes", "administrators")),
        ((LOGS,), "The other project of ours already runs on Spark, does that change it?", "adds", ("petabytes",)),
    ],
)
def test_what_a_follow_up_carries_over(
    options: OptionFinder, before: tuple[str, ...], text: str, follows: str, holds: tuple[str, ...]
) -> None:
    made = standalone(text, told(*before), options)
    assert made.follows == follows
    assert [words for words in holds if words not in made.text] == []
    if follows in ("replaces", "no", "anew") or "photos" in holds:
        assert "petabytes" not in made.text
    assert made.text[made.since :] == text if follows == "adds" else made.since == 0


def test_of_a_long_conversation_the_end_is_kept(options: OptionFinder) -> None:
    story = "We keep petabytes of logs. " + "And then there is more of the story to tell. " * 60
    made = standalone("And does it cost extra?", told(story), options)
    assert made.text[made.since :] == "And does it cost extra?"
    assert len(made.text) < 2000
    short = standalone("And does it cost extra?", told("We keep petabytes of logs."), options)
    assert short.text.startswith("We keep petabytes")


def test_a_question_of_its_own_ends_what_was_asked_before(options: OptionFinder) -> None:
    history = told(BATCH, "And for real-time?", "Does Azure Databricks bill in DBUs?")
    made = standalone("Do we need both?", history, options)
    assert "batch" not in made.text
