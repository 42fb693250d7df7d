"""Ways to break the bot on purpose: a gate that still opens for one of them measures nothing."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.answer import Answer, NotCovered, Question, Verdict
from bot.chain import ExtractiveChain
from bot.reading import Reading
from evals.asking import Answerer
from kb.options import OptionFinder, other
from kb.records import Corpus, Option, Statement

SEED = 7


@dataclass(frozen=True, slots=True)
class Sabotage:
    """What is broken: the corpus before it is indexed, the index once it is open, the chain over it, or the answers."""

    says: str
    corpus: Callable[[Corpus, Sequence[Option]], Corpus] | None = None
    index: Callable[[Any], None] | None = None
    chain: Callable[[ExtractiveChain], None] | None = None
    answers: Callable[[Answerer, Sequence[Option]], Answerer] | None = None


class _NoMeaning:
    """An encoder whose queries point anywhere: the same text always the same way."""

    def __init__(self, embedder: Any) -> None:
        self._embedder = embedder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        vector = np.random.default_rng(seed).standard_normal(self._embedder.dimension)
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([self.embed_query(text) for text in texts])


def break_dense(index: Any) -> None:
    """Queries lose their meaning; words still match."""
    index._embedder = _NoMeaning(index.embedder)


def shuffle_ranks(index: Any) -> None:
    """Every search gives somebody else's results: chunks and statements change places."""
    rng = np.random.default_rng(SEED)
    chunks = [chunk.id for chunk in index.chunks]
    moved = dict(zip(chunks, rng.permutation(np.array(chunks, dtype=object)), strict=True))
    statements = list(index.statement_ids)
    order = rng.permutation(len(statements))
    stood_in = {statement: statements[place] for statement, place in zip(statements, order, strict=True)}
    vectors = index.statement_vectors[np.argsort(order)] if len(statements) else index.statement_vectors
    dense, lexical, by_words = index.dense, index.lexical, index.lexical_statements
    index.dense = lambda *a, **k: [(moved[chunk], score) for chunk, score in dense(*a, **k)]
    index.lexical = lambda *a, **k: [(moved[chunk], score) for chunk, score in lexical(*a, **k)]
    index.lexical_statements = lambda *a, **k: [(stood_in.get(s, s), score) for s, score in by_words(*a, **k)]
    index.__dict__["statement_vectors"] = vectors


class _Misreader:
    """A reader that takes every topic, and every choice that a situation calls for, for the next one in their order."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def read(self, text: str, options: OptionFinder, *, since: int = 0) -> Reading:
        reading: Reading = self._reader.read(text, options, since=since)
        topics = self._reader.topics
        turned = dict(zip(topics, (*topics[1:], topics[0]), strict=True))
        choices = list(reading.choices)
        return replace(
            reading,
            choices=dict(zip((*choices[1:], choices[0]), reading.choices.values(), strict=True)),
            stretches=tuple(
                replace(stretch, topics=tuple((turned[topic], chance) for topic, chance in stretch.topics))
                for stretch in reading.stretches
            ),
        )


def misread(chain: ExtractiveChain) -> None:
    """What a question is about and calls for is taken for something else."""
    chain.reader = _Misreader(chain.reader)  # type: ignore[assignment]


def strip_headings(corpus: Corpus, options: Sequence[Option]) -> Corpus:
    """Chunks and statements lose what they borrow: title, headings, lead-ins, topics, and the stance of a heading."""
    finder = OptionFinder(options)

    def alone(statement: Statement) -> Statement:
        if statement.stance in finder.named(statement.text):
            return replace(statement, context="")
        return replace(statement, context="", stance=None, options=())

    return replace(
        corpus,
        sections=tuple(replace(section, topic=None) for section in corpus.sections),
        chunks=tuple(replace(chunk, context="") for chunk in corpus.chunks),
        statements=tuple(alone(statement) for statement in corpus.statements),
    )


def invert_stance(corpus: Corpus, options: Sequence[Option]) -> Corpus:
    """Every statement speaks for the other option."""
    return replace(
        corpus,
        statements=tuple(
            replace(s, stance=other(options, s.stance), options=tuple(other(options, o) for o in s.options))
            if s.stance
            else s
            for s in corpus.statements
        ),
    )


def always_answer(answerer: Answerer, options: Sequence[Option]) -> Answerer:
    """What would be refused is answered with the first option."""

    def ask(question: Question) -> Answer:
        answer = answerer(question)
        if answer.not_covered is None:
            return answer
        verdict = Verdict(choice=options[0].id, confidence=0.9, reason="It is the better one.")
        return answer.model_copy(update={"kind": "recommendation", "not_covered": None, "verdict": verdict})

    return ask


def always_refuse(answerer: Answerer, options: Sequence[Option]) -> Answerer:
    """Nothing is answered."""

    def ask(question: Question) -> Answer:
        answer = answerer(question)
        nothing = {"verdict": Verdict(), "criteria": (), "claims": (), "applies_to": ()}
        refused = NotCovered(reason="no_evidence")
        return answer.model_copy(update=nothing | {"kind": "not_covered", "not_covered": refused})

    return ask


SABOTAGES: Mapping[str, Sabotage] = {
    "dense": Sabotage("queries lose their meaning", index=break_dense),
    "ranks": Sabotage("search results change places", index=shuffle_ranks),
    "reading": Sabotage("questions are misread", chain=misread),
    "headings": Sabotage("chunks lose their headings", corpus=strip_headings),
    "stance": Sabotage("statements speak for the other option", corpus=invert_stance),
    "answer": Sabotage("nothing is refused", answers=always_answer),
    "refuse": Sabotage("everything is refused", answers=always_refuse),
}
