"""Puts questions to a system: cached, two at a time, never losing one."""

import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import current_process, get_context

from bot.answer import Answer, Question, Turn
from evals.cache import ResultCache, key_of

Answerer = Callable[[Question], Answer]
Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""

CORES: tuple[int, ...] = tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()
WORKERS = min(2, len(CORES) or 2)
WORTH_PROCESSES = 40
"""From so many questions on, two processes win back the seconds that they take to start."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a question: an answer and its time, or the error that the system raised."""

    answer: Answer | None
    error: str | None
    ms: float | None


class Asker:
    """Asks one system. `identity` is what the answers depend on besides the question.

    Many questions go to processes that `elsewhere` starts the system in (it is pickled): Python computes in one
    thread at a time. A few, or those of a system that cannot be pickled, go to threads.
    """

    def __init__(
        self,
        make_answerer: Callable[[], Answerer],
        *,
        identity: str,
        cache: ResultCache | None,
        workers: int = WORKERS,
        elsewhere: Callable[[], Answerer] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._make = make_answerer
        self._answerer: Answerer | None = None
        self._identity = identity
        self._cache = cache
        self._workers = workers
        self._elsewhere = elsewhere
        self._processes: ProcessPoolExecutor | None = None
        self._progress = progress or (lambda what, done, total: None)

    def ask_all(self, questions: Sequence[Question], *, label: str = "asking", variant: str = "") -> list[Asked]:
        """One Asked a question, in order. `variant` sets a second asking of the same questions apart in the cache."""
        keys = [key_of("answer", self._identity, variant, _essence(question)) for question in questions]
        found = [self._kept(key) for key in keys]
        missing = [index for index, asked in enumerate(found) if asked is None]
        done = len(questions) - len(missing)
        self._progress(label, done, len(questions))
        for index, asked in zip(missing, self._ask_new([questions[i] for i in missing]), strict=True):
            if self._cache is not None and asked.answer is not None:
                self._cache.put(keys[index], {"answer": asked.answer.model_dump(mode="json"), "ms": asked.ms})
            found[index] = asked
            done += 1
            self._progress(label, done, len(questions))
        return [asked for asked in found if asked is not None]

    def close(self) -> None:
        """Stop the processes."""
        if self._processes is not None:
            self._processes.shutdown(cancel_futures=True)
            self._processes = None

    def __enter__(self) -> "Asker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask_new(self, questions: Sequence[Question]) -> Iterator[Asked]:
        if not questions:
            return
        if self._elsewhere is not None and self._workers > 1 and (self._processes or len(questions) >= WORTH_PROCESSES):
            if self._processes is None:
                self._processes = ProcessPoolExecutor(
                    self._workers, get_context("spawn"), initializer=_start, initargs=(self._elsewhere,)
                )
            yield from self._processes.map(_ask_here, questions)
            return
        if self._answerer is None:
            self._answerer = self._make()
        answerer = self._answerer
        with ThreadPoolExecutor(self._workers) as pool:
            yield from pool.map(lambda question: ask_once(question, answerer), questions)

    def _kept(self, key: str) -> Asked | None:
        kept = self._cache.get(key) if self._cache is not None else None
        return Asked(Answer.model_validate(kept["answer"]), None, kept["ms"]) if kept else None


def ask_once(question: Question, answerer: Answerer) -> Asked:
    """The answer and its time, or the error that was raised."""
    try:
        played = replay(question, answerer)
        started = time.perf_counter()
        answer = answerer(played)
        return Asked(answer, None, round((time.perf_counter() - started) * 1000, 2))
    except Exception as error:  # noqa: BLE001 - a system that raises is a recorded result, not a lost case
        return Asked(None, f"{type(error).__name__}: {error}", None)


def _start(make: Callable[[], Answerer]) -> None:
    global _here
    _keep_to_a_core()
    _here = make()


def _keep_to_a_core() -> None:
    """Matrix products of two processes that share their cores wait for each other's threads."""
    number = current_process()._identity[-1:]
    if CORES and number:
        os.sched_setaffinity(0, {CORES[number[0] % len(CORES)]})


def _ask_here(question: Question) -> Asked:
    if _here is None:
        raise RuntimeError("asked before the process was started")
    return ask_once(question, _here)


_here: Answerer | None = None
"""The system of a worker process."""


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
