"""What a chat model writes reaches the page sentence by sentence, before the answer is done."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

from bs4 import BeautifulSoup
from langchain_core.runnables import RunnableConfig, RunnableLambda

from bot.answer import Answer, Question
from bot.chain import ExtractiveChain
from bot.desk import Desk
from bot.store import AnswerStore
from bot.web.page import PageAsker
from bot.web.status import WORDS, StatusWatcher
from kb.settings import Settings


def test_sentences_are_shown_as_they_come_and_the_answer_takes_their_place(
    home: Path, sample: Callable[..., Answer]
) -> None:
    seen = threading.Event()

    def chain(question: Question, config: RunnableConfig) -> Answer:
        on_text = config["configurable"]["on_text"]
        on_text("First sentence. [1] ")
        assert seen.wait(10), "the page shows a sentence before the answer is done"
        on_text("Second sentence. [2] ")
        return sample(question.text)

    store = AnswerStore(home)
    asker = PageAsker(Desk(RunnableLambda(chain), Settings(home=home), store))

    async def read() -> list[BeautifulSoup]:
        turns = []
        async for turn in asker.turns({"question": "Which?", "key": "k"}):
            turns.append(BeautifulSoup(turn, "lxml"))
            if "First sentence. [1]" in turn:
                seen.set()
        return turns

    turns = asyncio.run(read())
    store.close()
    assert turns[0].select_one(".pending .words") is None
    assert any(turn.select_one(".pending .words") for turn in turns)
    assert turns[-1].select_one(".pending") is None
    assert "First sentence" not in turns[-1].get_text()
    assert {turn.article["data-turn"] for turn in turns if turn.article} == {"k"}


def test_there_are_words_for_every_step_of_the_chain_and_for_no_other() -> None:
    unbuilt = object.__new__(ExtractiveChain)  # its steps are named before it has an index
    steps = [name for name, _step in unbuilt._steps()]
    assert set(WORDS) == {"standalone", *steps, "compose", "write", "model"}


def test_the_words_follow_the_steps() -> None:
    watcher = StatusWatcher()
    seen: list[str] = []
    note = RunnableLambda(lambda given: seen.append(watcher.words))
    chain = note
    for name in ("standalone", "retrieve", "judge", "compose", "unknown"):
        chain = chain | RunnableLambda(lambda given: None, name=name) | note
    chain.invoke("which?", {"callbacks": [watcher]})
    assert seen == [
        "Reading your question",
        "Reading your question",
        "Searching the sources",
        "Weighing both sides",
        "Writing the answer",
        "Writing the answer",
    ]
