"""Chromium without a window, and an answer that tries to run things."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from bot.answer import Answer, Question

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def planted_answer(scripted_chain: Any) -> Answer:
    """An answer whose question, titles, headings, quotes and addresses all try to run something."""
    answer: Answer = scripted_chain.invoke(Question(text="planted?"))
    return answer.model_copy(update={"question": answer.citations[0].quote})


@pytest.fixture(scope="session")
def planted_text(planted_answer: Answer) -> str:
    """The text that they all are."""
    return planted_answer.citations[0].quote


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A running Chromium, for one module: while it runs, so does an event loop in this thread.

    Skips without one; under CI that is an error.
    """
    path = shutil.which("chromium")
    if path is None:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail("no chromium on the PATH; install it to run the browser tests")
        pytest.skip("no chromium on the PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()
