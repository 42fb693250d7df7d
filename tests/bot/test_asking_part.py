"""What a long post asks, without its story and code; and the patterns that tell what a turn asks."""

import re

import pytest

from bot import asking, coverage, without_asking
from bot.asking_part import LONG, asking_part

STORY = "We moved the nightly job to the new workspace last week and since then nothing works. " * 4


def test_a_short_question_is_asked_as_it_stands() -> None:
    assert asking_part("We have little data. Is a GPU needed?") == "We have little data. Is a GPU needed?"


def test_of_a_post_the_title_and_the_questions_are_left() -> None:
    code = "```python\nis_it = spark.read? no\n```"
    post = f"Job stuck in the queue\n\n{STORY}\n{code}\n1. Why does it wait?\n2. Can I see its log? Thanks!"
    assert asking_part(post) == "Job stuck in the queue Why does it wait? Can I see its log?"


def test_a_fence_that_is_never_closed_hides_what_follows_it() -> None:
    assert asking_part(f"Broken cluster. Why?? {STORY} Is it the quota?\n```\nis that code?") == (
        "Broken cluster. Is it the quota?"
    )


def test_a_post_without_a_question_mark_and_a_log_without_marks() -> None:
    assert asking_part(STORY) == STORY
    log = " ".join(f"line{n}" for n in range(3 * LONG))
    assert len(asking_part(f"{log} and why?").split()) < LONG


@pytest.mark.parametrize("module", [asking, coverage, without_asking])
def test_no_verbose_pattern_holds_a_stray_quote(module: object) -> None:
    """A quote left in a pattern by a cut string makes the alternative beside it one that never matches."""
    patterns = [each for each in vars(module).values() if isinstance(each, re.Pattern)]
    verbose = [each for each in patterns if each.flags & re.VERBOSE]
    assert all('"' not in re.sub(r"\[[^\]]*\]", "", each.pattern) for each in verbose)
