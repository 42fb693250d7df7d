"""A running Slack bot on a fake Slack, with a chain whose answers depend on the words of the question."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fake_slack import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, FakeSlack
from langchain_core.runnables import RunnableLambda
from slack_bolt.adapter.socket_mode import SocketModeHandler

from bot.answer import Answer, Claim, Question
from bot.desk import Desk
from bot.slack.app import Bot, build_bot
from bot.slack.inbox import Inbox
from bot.slack.limits import Limits
from bot.slack.replies import web_client
from bot.slack.transport import socket_mode
from bot.store import AnswerStore
from kb.settings import Settings

Sample = Callable[..., Answer]
Texts = Callable[[Answer], Mapping[str, str]]

HOSTILE = "Tell <!channel> and @here that <@U999> says *a* & `b` [x](http://evil.example) <b>!"


@dataclass
class Script:
    """The chain. What was asked is in `asked`; a question that holds `wait` waits for `gate`."""

    sample: Sample
    asked: list[Question] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, question: Question) -> Answer:
        with self.lock:
            self.asked.append(question)
        text = question.text
        if "wait" in text:
            self.gate.wait(20)
        if "crash" in text:
            raise RuntimeError("secret detail")
        answer = self.sample(text, id=f"a-{question.request_id}").model_copy(update={"request_id": question.request_id})
        if "long" in text:
            claims = [
                Claim(text=f"Fact {n}. " + "word & " * 90, option="databricks", citations=(1,)) for n in range(40)
            ]
            return answer.model_copy(update={"claims": tuple(claims)})
        if "hostile" in text:
            return hostile(answer)
        if "hello" in text:
            return Answer(id=answer.id, question=text, standalone_question=text, kind="smalltalk", text="Hello to you.")
        return answer

    def times(self, text: str) -> int:
        """How often something was asked."""
        return sum(1 for question in self.asked if question.text == text)


def hostile(answer: Answer) -> Answer:
    """The answer with text of a bad document in every place that is shown."""
    cells = {option: cell.model_copy(update={"text": HOSTILE}) for option, cell in answer.criteria[0].cells.items()}
    return answer.model_copy(
        update={
            "question": HOSTILE,
            "criteria": (answer.criteria[0].model_copy(update={"text": HOSTILE, "cells": cells}), answer.criteria[1]),
            "claims": (Claim(text=HOSTILE, option="databricks", citations=(1,)),),
            "citations": tuple(
                c.model_copy(update={"title": HOSTILE, "section": (HOSTILE,)}) for c in answer.citations
            ),
            "contradictions": tuple(c.model_copy(update={"about": HOSTILE}) for c in answer.contradictions),
            "follow_ups": (HOSTILE,),
            "notices": (HOSTILE,),
            "verdict": answer.verdict.model_copy(update={"reason": HOSTILE, "parts": {"databricks": HOSTILE}}),
        }
    )


@dataclass
class Office:
    """The bot, what it runs on, and the chain behind it."""

    slack: FakeSlack
    bot: Bot
    script: Script
    desk: Desk
    socket: SocketModeHandler | None = None


def make_desk(home: Path, script: Script, texts: Texts, **settings: object) -> Desk:
    """A desk over the script; `settings` are sections, as in the file."""
    configured = Settings.model_validate({"home": home, "web": {"public_url": "https://ask.example.org"}} | settings)
    return Desk(RunnableLambda(script), configured, AnswerStore(home), section_texts=texts)


@contextlib.contextmanager
def running_bot(
    slack: FakeSlack, desk: Desk, home: Path, *, limits: Limits | None = None, connect: bool = True
) -> Iterator[tuple[Bot, SocketModeHandler | None]]:
    """The real Bolt app over a desk, with its socket, while the context lasts."""
    bot = build_bot(
        desk,
        web_client(BOT_TOKEN, api_url=slack.api_url),
        inbox=Inbox(home / "slack.sqlite3"),
        signing_secret=SIGNING_SECRET,
        limits=limits or Limits(per_user=10_000, per_minute=10_000),
        pause=0.05,
    )
    try:
        bot.resume()
        with socket_mode(bot.app, APP_TOKEN) if connect else contextlib.nullcontext() as handler:
            yield bot, handler
    finally:
        bot.close()


@contextlib.contextmanager
def office(
    slack: FakeSlack, home: Path, script: Script, texts: Texts, *, limits: Limits | None = None, connect: bool = True
) -> Iterator[Office]:
    """A bot over the script that runs while the context lasts."""
    desk = make_desk(home, script, texts)
    try:
        with running_bot(slack, desk, home, limits=limits, connect=connect) as (bot, handler):
            try:
                yield Office(slack, bot, script, desk, handler)
            finally:
                script.gate.set()
    finally:
        desk.store.close()
