"""The desk: takes a question to the chain and keeps the answer, for the browser, the API and MCP alike."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from bot.answer import QUESTION_LIMIT, Answer, Citation, Question, Turn
from bot.listing import SourceRow
from bot.render_words import headline
from bot.store import AnswerStore, Channel
from kb.errors import UsageError, WhichwayError
from kb.records import Option
from kb.settings import Settings

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

log = logging.getLogger(__name__)

HISTORY_LIMIT = 20
"""Messages of a conversation that the chain is given, the newest."""


class Chain(Protocol):
    """What answers: a `Runnable[Question, Answer]`, or what is called like one."""

    def invoke(self, input: Question, config: "RunnableConfig | None" = None, /) -> Answer:
        """One answer."""


SectionTexts = Callable[[Answer], Mapping[str, str]]
"""The texts of an answer's cited sections, by section id."""


class QuestionTooLongError(UsageError):
    """The question is longer than `QUESTION_LIMIT`."""


class NotKeptError(WhichwayError):
    """No answer, or no citation, with this id is kept here."""


class Desk:
    """Everything that a channel needs. `section_texts` None: the chain itself keeps its answers in the store."""

    def __init__(
        self,
        chain: Chain,
        settings: Settings,
        store: AnswerStore,
        *,
        sources: Callable[[], Sequence[SourceRow]] | None = None,
        section_texts: SectionTexts | None = None,
    ) -> None:
        self.chain = chain
        self.settings = settings
        self.store = store
        self._sources = sources
        self.section_texts = section_texts

    def ask(self, question: Question, *, channel: Channel, config: "RunnableConfig | None" = None) -> Answer:
        """One answer, kept. UsageError for an empty or too long question; WhichwayError as the chain raises it."""
        answer = self.chain.invoke(checked(question), config)
        if self.section_texts is not None or self.store.answer(answer.id) is None:
            texts = self.section_texts(answer) if self.section_texts is not None else {}
            self.store.save_answer(answer, texts, channel=channel)
        if self.store.notice and self.store.notice not in answer.notices:
            answer = answer.model_copy(update={"notices": (*answer.notices, self.store.notice)})
        return answer

    def answer(self, answer_id: str) -> Answer:
        """A kept answer. NotKeptError where there is none."""
        answer = self.store.answer(answer_id)
        if answer is None:
            raise NotKeptError(f"no answer {answer_id[:40]!r} is kept here; ask the question again")
        return answer

    def section(self, answer_id: str, n: int) -> tuple[Citation, str]:
        """Citation `n` with its section's text as it was; the quote alone where the text was not kept."""
        answer = self.answer(answer_id)
        try:
            citation = answer.citation(n)
        except KeyError:
            numbers = ", ".join(str(known.n) for known in answer.citations) or "none"
            raise NotKeptError(f"answer {answer_id!r} has no citation {n}; it has {numbers}") from None
        text = self.store.section_text(answer_id, n)
        if text is None or text[citation.start : citation.end] != citation.quote:
            if text is not None:
                log.error("kept section does not hold its quote", extra={"answer": answer_id, "citation": n})
            return citation.model_copy(update={"start": 0, "end": len(citation.quote)}), citation.quote
        return citation, text

    def sources(self) -> list[SourceRow]:
        """What is in the index; empty where that is not known."""
        return list(self._sources()) if self._sources is not None else []


def reply(answer: Answer, options: Sequence[Option]) -> Turn:
    """The answer as a message of a conversation, for the history of the next question."""
    title = headline(answer, options)
    return Turn(role="assistant", content="\n\n".join(part for part in (title, answer.text) if part) or answer.kind)


def checked(question: Question) -> Question:
    """The question, trimmed, with the newest of its history. UsageError where it is empty or too long.

    Of a turn as many characters are kept as a question may have: no user turn was longer when it was asked.
    """
    text = question.text.strip()
    if not text:
        raise UsageError("the question is empty; say what you need the platform for")
    if len(text) > QUESTION_LIMIT:
        raise QuestionTooLongError(
            f"the question has {len(text):,} characters, at most {QUESTION_LIMIT:,} are read; shorten it"
        )
    history = tuple(
        turn.model_copy(update={"content": turn.content[:QUESTION_LIMIT]}) for turn in question.history[-HISTORY_LIMIT:]
    )
    return question.model_copy(update={"text": text, "history": history})
