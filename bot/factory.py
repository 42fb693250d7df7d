"""Builds the chain from the settings: over one index, or over the live one wherever it moves to."""

import contextlib
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot.answer import Answer, Citation, Question
from bot.assessing import shipped_assessor
from bot.chain import ExtractiveChain
from bot.reading import shipped_reader
from kb.errors import WhichwayError
from kb.index import Index, LiveIndex
from kb.settings import Settings
from kb.understanding import load_recogniser

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable, RunnableConfig

    from bot.chat_model import Writer


_CITED_KEPT = 256
"""Answers whose sections wait to be asked for: more than a server gives at once."""


def build_chain(settings: Settings, *, index: Index, writer: "Writer | None" = None) -> "Runnable[Question, Answer]":
    """The chain over one open index. `writer`: the chat model as it was over the index before."""
    chain = extractive_chain(settings, index)
    if not settings.model.name:
        return chain.runnable()
    from langchain_core.runnables import RunnableLambda

    from bot.chat_model import Draft, model_step

    written = model_step(settings, embed=index.embedder.embed_queries, writer=writer)

    def write(drafted: tuple[Answer, tuple[Citation, ...]], config: "RunnableConfig") -> Answer:
        answer, evidence = drafted
        if answer.kind in ("smalltalk", "not_covered", "clarification"):
            return answer
        return written.invoke(Draft(answer, evidence), config)

    return chain.drafting() | RunnableLambda(write, name="write")


def extractive_chain(settings: Settings, index: Index) -> ExtractiveChain:
    """The extractive chain over one open index, with the recogniser of its encoder."""
    embedder = index.embedder
    known = load_recogniser(settings, encoder=embedder.name, embed=embedder.embed_queries)
    return ExtractiveChain(index, known, config=settings.fingerprint())


class LiveChain:
    """The chain of a process: follows the live index, and gives the text of the sections that it cites.

    `once`: for a process that asks once and ends; it leaves out what takes longer to load than it saves. LangChain is
    loaded for a chat model only.
    """

    def __init__(self, settings: Settings, *, once: bool = False) -> None:
        self._settings = settings
        self._live = LiveIndex(settings, exactly=once)
        self._lock = threading.Lock()
        self._cited: dict[str, Mapping[str, str]] = {}
        self._built: tuple[str, ExtractiveChain | Runnable[Question, Answer]] | None = None
        # Beside the index and its encoder: each takes a core for a moment.
        for load in (shipped_reader,) if once else (shipped_reader, shipped_assessor):
            threading.Thread(target=load, name=load.__name__, daemon=True).start()
        self._writer: Writer | None = None

    @property
    def live(self) -> LiveIndex:
        """The index that is served."""
        return self._live

    def invoke(self, question: Question, config: "RunnableConfig | None" = None) -> Answer:
        """One answer over the live index."""
        with self._live.reading() as index:
            chain = self._chain(index)
            answer = chain.answer(question) if isinstance(chain, ExtractiveChain) else chain.invoke(question, config)
            # Taken here: the index that is live when they are asked for may be a newer one.
            cited = sorted({citation.section_id for citation in answer.citations})
            texts = {id_: index.section_text(id_) for id_ in cited if index.holds_section(id_)}
        with self._lock:
            self._cited[answer.id] = texts
            while len(self._cited) > _CITED_KEPT:
                self._cited.pop(next(iter(self._cited)))
        return answer

    def section_texts(self, answer: Answer) -> Mapping[str, str]:
        """The texts of the sections that one of the latest answers cites, by id; given once."""
        with self._lock:
            return self._cited.pop(answer.id, {})

    def build_beside(self) -> None:
        """Build the chain over the live index in a thread, so that the first question finds it built."""

        held = contextlib.ExitStack()  # taken here: in the thread it could open an index that was just closed
        index = held.enter_context(self._live.reading())

        def build() -> None:
            with held, contextlib.suppress(WhichwayError):  # the first question meets it again, and tells it
                self._chain(index)

        threading.Thread(target=build, name="chain", daemon=True).start()

    def close(self) -> None:
        """Leave the index."""
        self._live.close()

    def _chain(self, index: Index) -> "ExtractiveChain | Runnable[Question, Answer]":
        with self._lock:
            if self._built is None or self._built[0] != index.snapshot_id:
                if self._settings.model.name:
                    chain = build_chain(self._settings, index=index, writer=self._kept_writer(index))
                    self._built = (index.snapshot_id, chain)
                else:
                    self._built = (index.snapshot_id, extractive_chain(self._settings, index))
            return self._built[1]

    def _kept_writer(self, index: Index) -> "Writer | None":
        """One for all snapshots, so that what its breaker knows is not forgotten; the encoder stays the same too."""
        if self._writer is None and self._settings.model.name:
            from bot.chat_model import Writer

            self._writer = Writer(self._settings, embed=index.embedder.embed_queries)
        return self._writer


__all__: list[Any] = ["LiveChain", "build_chain", "extractive_chain"]
