"""Puts questions to a system: cached, two at a time, never losing one."""

import itertools
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bot.answer import Answer, Question, Turn
from evals.cache import ResultCache, key_of

Answerer = Callable[[Question], Answer]
Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""

WORKERS = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a question: an answer and its time, or the error that the system raised."""

    answer: Answer | None
    error: str | None
    ms: float | None


class Asker:
    """Asks one system. `identity` is what the answers depend on besides the question."""

    def __init__(
        self,
        make_answerer: Callable[[], Answerer],
        *,
        identity: str,
        cache: ResultCache | None,
        workers: int = WORKERS,
        progress: Progress | None = None,
    ) -> None:
        self._make = make_answerer
        self._answerer: Answerer | None = None
        self._identity = identity
        self._cache = cache
        self._workers = workers
        self._progress = progress or (lambda what, done, total: None)

    def ask_all(self, questions: Sequence[Question], *, label: str = "asking", variant: str = "") -> list[Asked]:
        """One Asked a question, in order. `variant` sets a second asking of the same questions apart in the cache."""
        keys = [key_of("answer", self._identity, variant, _essence(question)) for question in questions]
        found = [self._kept(key) for key in keys]
        missing = [index for index, asked in enumerate(found) if asked is None]
        done = len(questions) - len(missing)
        self._progress(label, done, len(questions))
        if missing and self._answerer is None:
            self._answerer = self._make()

        def work(index: int) -> tuple[int, Asked]:
            asked = self._ask(questions[index])
            if self._cache is not None and asked.answer is not None:
                self._cache.put(keys[index], {"answer": asked.answer.model_dump(mode="json"), "ms": asked.ms})
            return index, asked

        with ThreadPoolExecutor(max_workers=self._workers) as pool:
            for index, asked in pool.map(work, missing):
                found[index] = asked
                done += 1
                self._progress(label, done, len(questions))
        return [asked for asked in found if asked is not None]

    def _kept(self, key: str) -> Asked | None:
        kept = self._cache.get(key) if self._cache is not None else None
        return Asked(Answer.model_validate(kept["answer"]), None, kept["ms"]) if kept else None

    def _ask(self, question: Question) -> Asked:
        if self._answerer is None:
            raise RuntimeError("asked before the system was made")
        try:
            played = replay(question, self._answerer)
            started = time.perf_counter()
            answer = self._answerer(played)
            return Asked(answer, None, round((time.perf_counter() - started) * 1000, 2))
        except Exception as error:  # noqa: BLE001 - a system that raises is a recorded result, not a lost case
            return Asked(None, f"{type(error).__name__}: {error}", None)


def replay(question: Question, answerer: Answerer) -> Question:
    """The question with each unanswered user turn of its history answered by the system itself."""
    turns: list[Turn] = []
    for turn, following in itertools.zip_longest(question.history, question.history[1:]):
        if turn.role == "user" and (following is None or following.role == "user"):
            reply = answerer(Question(text=turn.content, history=tuple(turns)))
            turns += [turn, Turn(role="assistant", content=reply.text)]
        else:
            turns.append(turn)
    return question.model_copy(update={"history": tuple(turns)})


def same_bytes(first: Answer, second: Answer) -> bool:
    """Whether two answers are the same, ids and timings aside."""
    blank: dict[str, object] = {"id": "", "request_id": None, "timings_ms": {}}
    return first.model_copy(update=blank).model_dump_json() == second.model_copy(update=blank).model_dump_json()


def _essence(question: Question) -> object:
    return question.model_dump(mode="json", exclude={"request_id"})
