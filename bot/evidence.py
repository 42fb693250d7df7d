"""Finds the statements that speak to a need: by meaning, by topic and by words, among those that weigh the options."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bot.leanings import Leaning, Weighted, concluded, is_conclusion, weigh
from bot.needs import Need
from bot.steering import are_steering, is_steering_label
from bot.strays import astray
from kb.head_to_head import is_head_to_head
from kb.index import Index
from kb.options import OptionFinder
from kb.recogniser import Recogniser
from kb.records import Statement
from kb.understanding import topic_matrix

BY_MEANING, BY_TOPIC, BY_WORDS = 0.6, 0.4, 0.15
"""How much of a statement's relevance comes from its cosine, its topics and its words: tuned on dev."""

BY_NEED, BY_QUESTION = 0.8, 0.4
"""How much counts that a statement is near the need, and that the question as a whole seeks it: tuned on dev."""

UNSOUGHT = 0.08
"""A statement that the question seeks with less than this probability is no evidence for any of its needs."""

ASIDE = 0.5
"""How much a statement counts of a document that is not about the choice as such, beside one that is."""

FRAGMENT = 0.8
"""How much a statement counts that is no sentence, as in a cell of a table."""

_FLOOR = 0.15
"""A cosine at or below this says nothing: it counts as 0."""

_FEW = 7

_ABOUT = 0.2
"""A statement bears on a topic from this much on."""


def usable(statements: Sequence[Statement], index: Index) -> list[bool]:
    """Which statements may be weighed and quoted: neither they nor what they borrow tell a reader what to answer.

    A guide is the operator's own word and is not doubted.
    """
    doubted = [each for each in statements if index.document(each.document_id).standing != "guide"]
    steering: set[str] = set()
    for statement, steers in zip(doubted, are_steering([each.text for each in doubted]), strict=True):
        section = index.section(statement.section_id)
        borrowed = (statement.context, index.document(statement.document_id).title, *section.path)
        if steers or any(is_steering_label(text) for text in borrowed):
            steering.add(statement.id)
    return [statement.id not in steering for statement in statements]


def is_fragment(text: str) -> bool:
    """Whether a statement is a few words without an end."""
    return len(text.split()) < _FEW and not text.rstrip().endswith((".", "!", "?"))


class WeighingStatements:
    """The statements of an index that were embedded one by one, with what each is about. Immutable.

    Statements that tell a reader what to answer, or that stray from their document, are left out: they are no
    evidence. A guide's are not doubted.
    """

    def __init__(self, index: Index, known: Recogniser | None) -> None:
        self._index = index
        self._known = known
        embedded = index.embedded_statements
        vectors = np.asarray(index.statement_vectors, np.float32)
        doubted = [index.document(each.document_id).standing != "guide" for each in embedded]
        told = zip(usable(embedded, index), astray(embedded, vectors), doubted, strict=True)
        rows = [row for row, (use, strays, doubt) in enumerate(told) if use and not (strays and doubt)]
        self.statements: tuple[Statement, ...] = tuple(embedded[row] for row in rows)
        self.vectors: NDArray[np.float32] = vectors[rows]
        self.origins: tuple[str, ...] = tuple(self.origin(statement) for statement in self.statements)
        finder = OptionFinder(index.options)
        self.main = frozenset(document.id for document in index.documents if is_head_to_head(document, finder))
        self._weight = np.array(
            [1.0 if not self.main or each.document_id in self.main else ASIDE for each in self.statements], np.float32
        ) * np.array([FRAGMENT if is_fragment(each.text) else 1.0 for each in self.statements], np.float32)
        self._row = {statement.id: row for row, statement in enumerate(self.statements)}
        self._about: NDArray[np.float32] | None = None
        self.leanings: dict[str, Leaning] = {}
        if known is not None:
            topics = [index.section(statement.section_id).topic for statement in self.statements]
            self._about = topic_matrix(known, self.vectors, topics)
            self.leanings = {topic: self._leaning(column) for column, topic in enumerate(known.classes[:-1])}

    def origin(self, statement: Statement) -> str:
        """What evidence is counted by: the first source that a guide statement rests on, else its own document."""
        return statement.basis[0].url if statement.basis else self._index.document(statement.document_id).source_id

    def relevance(self, need: Need, sought: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """How relevant each statement is to the need, shape (n,). `sought`: how likely the whole question seeks it."""
        if not self.statements:
            return np.zeros(0, np.float32)
        total = BY_MEANING * np.maximum(self.vectors @ need.vector - _FLOOR, 0.0) / (1.0 - _FLOOR)
        if self._about is not None and self._known is not None and need.topics:
            wanted = np.zeros(self._about.shape[1], np.float32)
            for topic, chance in need.topics:
                wanted[self._known.classes.index(topic)] = chance
            total += BY_TOPIC * np.minimum(self._about @ wanted, 1.0)
        total += BY_WORDS * self._by_words(need.text)
        if sought is not None:
            total = np.where(sought < UNSOUGHT, 0.0, BY_NEED * total + BY_QUESTION * sought)
        result: NDArray[np.float32] = (total * self._weight).astype(np.float32)
        return result

    def find(self, need: Need, sought: NDArray[np.float32] | None = None, *, least: float) -> tuple[Weighted, ...]:
        """Every statement with at least this relevance, most relevant first, equal ones by id."""
        scores = np.round(self.relevance(need, sought), 4)
        rows = np.flatnonzero(scores >= least)
        found = [Weighted(self.statements[int(r)], min(float(scores[r]), 1.0), self.origins[int(r)]) for r in rows]
        return tuple(sorted(found, key=lambda each: (-each.relevance, each.statement.id)))

    def similarity(self, statement: Statement, vector: NDArray[np.float32]) -> float | None:
        """The cosine of a statement to a query vector; None where the statement has no vector of its own."""
        row = self._row.get(statement.id)
        return None if row is None else float(self.vectors[row] @ vector)

    def nearest(self, vector: NDArray[np.float32], k: int) -> list[tuple[Statement, float]]:
        """The `k` statements nearest to a query vector with their cosines, nearest first, equal ones by id."""
        cosines = np.round(self.vectors @ vector, 6) if self.statements else np.zeros(0, np.float32)
        rows = sorted(range(len(cosines)), key=lambda row: (-float(cosines[row]), self.statements[row].id))[:k]
        return [(self.statements[row], float(cosines[row])) for row in rows]

    def most_sought(self, sought: NDArray[np.float32], k: int) -> list[tuple[Statement, float]]:
        """The `k` statements that a question seeks most, with how likely it does; equal ones by id."""
        chances = np.round(sought * self._weight, 4)
        rows = sorted(range(len(chances)), key=lambda row: (-float(chances[row]), self.statements[row].id))[:k]
        return [(self.statements[row], float(chances[row])) for row in rows]

    def strongest(self, option: str, vector: NDArray[np.float32], k: int) -> tuple[Weighted, ...]:
        """The `k` statements that speak most for an option, whatever the need; equal ones by nearness to a vector."""
        cosines = np.round(self.vectors @ vector, 4) if self.statements else np.zeros(0, np.float32)
        rows = [row for row, each in enumerate(self.statements) if each.stance == option and each.strength > 0]
        worth = {row: float(self._weight[row]) * self.statements[row].strength for row in rows}
        rows.sort(key=lambda row: (-worth[row], -float(cosines[row]), self.statements[row].id))
        return tuple(Weighted(self.statements[row], min(worth[row], 1.0), self.origins[row]) for row in rows[:k])

    def by_id(self, values: NDArray[np.float32]) -> dict[str, float]:
        """A value for each statement, by its id."""
        return {statement.id: float(value) for statement, value in zip(self.statements, values, strict=True)}

    def _leaning(self, column: int) -> Leaning:
        assert self._about is not None
        rows = np.flatnonzero(self._about[:, column] >= _ABOUT)
        found = [Weighted(self.statements[int(r)], float(self._about[r, column]), self.origins[int(r)]) for r in rows]
        # What the documents about the choice say of a topic settles it; the others speak where those are silent.
        found = [each for each in found if each.statement.document_id in self.main] or found
        concluding = sorted(
            (each for each in found if is_conclusion(self._index.section(each.statement.section_id).path)),
            key=lambda each: (each.statement.document_id, each.statement.start),
        )
        for each in concluding:
            leaning = concluded(each.statement, self._index.options)
            if leaning is not None:
                return leaning
        return weigh(found, self._index.options)

    def _by_words(self, text: str) -> NDArray[np.float32]:
        scores = np.zeros(len(self.statements), np.float32)
        found = self._index.lexical_statements(text, 60)
        if found:
            best = found[0][1]
            for id_, score in found:
                row = self._row.get(id_)
                if row is not None:
                    scores[row] = score / best
        return scores
