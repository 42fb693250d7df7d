"""Answers one request: status, history, chain, reply, memory. Whatever happens, something is said."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from slack_sdk import WebClient

from bot.answer import QUESTION_LIMIT, Answer, Question, Turn
from bot.desk import Desk
from bot.desk import reply as spoken_turn
from bot.slack.blocks import Message, render
from bot.slack.history import history, lost_reply
from bot.slack.inbox import Inbox
from bot.slack.intake import Request
from bot.slack.replies import PrivateReply, Reply, SlackFailure, ThreadReply, is_lasting
from bot.slack.style import Style
from bot.slack.text import markdown

logger = logging.getLogger(__name__)

ATTEMPTS = 3
"""Times that a request is begun, across restarts."""

DELIVERIES = 6
"""Times that a reply is sent where Slack is away: half a minute in all, beside the time that each takes."""

PAUSE = 1.0
"""Seconds before a reply that Slack did not take is sent again; doubled each time."""

APOLOGY = (
    "Sorry, that went wrong on my side. Please ask again; if it happens again, tell whoever runs me the reference `{}`."
)
TOO_LONG = "Your question has {:,} characters and I read at most {:,}. Please shorten it."
STOPPED = "I’ll stay quiet in this thread. Mention me to bring me back."
STOPPED_DIRECT = "All right. I answer whenever you write to me."


@dataclass(frozen=True, slots=True)
class Worker:
    """Everything that an answer needs; calling it answers a request."""

    desk: Desk
    inbox: Inbox
    client: WebClient
    bot_user: str
    pause: float = PAUSE

    def __call__(self, request: Request) -> None:
        """Answers it and marks it done. Where the process ends first, or Slack is away, the next start answers it."""
        attempts = self.inbox.claim(request.key)
        if request.kind == "limited":
            self._refuse(request)
            self.inbox.finish(request.key)
        elif self._answer(request, attempts):
            self.inbox.finish(request.key)
        else:
            logger.error("left for the next start", extra={"reference": request.reference})

    def _answer(self, request: Request, attempts: int) -> bool:
        """Whether something is said, or never will be."""
        reply = self._reply(request, again=attempts > 1)
        try:
            reply.working()
            messages, answer = self._say(request, attempts)
            self._deliver(request, reply, messages)
            if answer is not None:
                self._remember(request, answer)
        except Exception as error:
            logger.exception("request failed", extra={"reference": request.reference})
            # What was half sent is edited, not followed by an apology.
            again = attempts > 1 or isinstance(error, SlackFailure)
            return self._apologise(request, self._reply(request, again=again))
        else:
            return True
        finally:
            reply.idle()

    def style(self) -> Style:
        """How answers are rendered today."""
        settings = self.desk.settings
        return Style(settings.decision.options, datetime.now(UTC).date(), settings.web.public_url)

    def _say(self, request: Request, attempts: int) -> tuple[list[Message], Answer | None]:
        if request.kind == "stop":
            return [_said(STOPPED_DIRECT if request.place == "direct" else STOPPED)], None
        if len(request.text) > QUESTION_LIMIT:
            return [_said(TOO_LONG.format(len(request.text), QUESTION_LIMIT))], None
        if attempts > ATTEMPTS:
            logger.error("given up after several attempts", extra={"reference": request.reference})
            return [_said(APOLOGY.format(request.reference))], None
        before = history(request, self.inbox, self.client, bot_user=self.bot_user)
        question = Question(text=request.text, history=before, request_id=request.reference)
        answer = self.desk.ask(question, channel="slack")
        lead = f"> {markdown(request.text)}" if request.quoted else ""
        return render(answer, self.style(), private=request.place != "channel", lead=lead), answer

    def _deliver(self, request: Request, reply: Reply, messages: Sequence[Message]) -> None:
        for attempt in range(1, DELIVERIES + 1):
            try:
                reply.show(messages)
                return
            except SlackFailure as error:
                if attempt == DELIVERIES or is_lasting(error):
                    raise
                logger.warning("reply not taken, trying again", extra={"reference": request.reference})
                time.sleep(self.pause * 2 ** (attempt - 1))
                reply = self._reply(request, again=True)

    def _refuse(self, request: Request) -> None:
        """Tells the person, and in a channel nobody else, that it was not answered."""
        try:
            if request.place == "channel":
                self.client.chat_postEphemeral(
                    channel=request.channel, thread_ts=request.thread, user=request.user, text=request.notice
                )
            else:
                self._reply(request, again=False).show([_said(request.notice)])
        except SlackFailure as error:
            logger.warning("notice not taken", extra={"reference": request.reference, "why": type(error).__name__})

    def _apologise(self, request: Request, reply: Reply) -> bool:
        try:
            reply.show([_said(APOLOGY.format(request.reference))])
        except SlackFailure as error:
            logger.warning("apology not taken", extra={"reference": request.reference, "why": type(error).__name__})
            return is_lasting(error)
        return True

    def _remember(self, request: Request, answer: Answer) -> None:
        turns = [Turn(role="user", content=request.text), spoken_turn(answer, self.desk.settings.decision.options)]
        self.inbox.add_turns(request.lane, request.ts, turns)

    def _reply(self, request: Request, *, again: bool) -> Reply:
        if request.response_url is not None:
            return PrivateReply(request.response_url)
        return ThreadReply(
            self.client,
            request,
            posted=self.inbox.posted(request.key),
            record=lambda posted: self.inbox.record_posted(request.key, posted),
            find_lost=(lambda: lost_reply(request, self.inbox, self.client, bot_user=self.bot_user)) if again else None,
        )


def _said(text: str) -> Message:
    return Message((text,), (), text)
