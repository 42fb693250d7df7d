"""Finds the statements that speak to a need: by meaning, by topic and by words, among those that weigh the options."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.needs import Need
from kb.index import Index
from kb.recogniser import Recogniser
from kb.records import Statement
from kb.understanding import topic_matrix

BY_MEANING, BY_TOPIC, BY_WORDS = 0.5, 0.5, 0.15
"""How much of a statement's relevance comes from its cosine, its topics and its words: tuned on dev."""

_FLOOR = 0.15
"""A cosine at or below this says nothing: it counts as 0."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A statement and how relevant it is to a need, from 0 to about 1.1; `weight` is relevance times strength."""

    statement: Statement
    relevance: float
    origin: str

    @property
    def weight(self) -> float:
        """Signed: what the statement adds for the option that it speaks for."""
        return self.relevance * self.statement.strength


class WeighingStatements:
    """The statements of an index that were embedded one by one, with what each is about. Immutable."""

    def __init__(self, index: Index, known: Recogniser | None) -> None:
        self._index = index
        self._known = known
        ids = index.statement_ids
        self.statements: tuple[Statement, ...] = tuple(index.statement(id_) for id_ in ids)
        self.vectors: NDArray[np.float32] = np.asarray(index.statement_vectors, np.float32)
        self.origins: tuple[str, ...] = tuple(self.origin(statement) for statement in self.statements)
        self._row = {id_: row for row, id_ in enumerate(ids)}
        self._about = (
            topic_matrix(known, self.vectors, [index.section(s.section_id).topic for s in self.statements])
            if known is not None
            else None
        )

    def origin(self, statement: Statement) -> str:
        """What evidence is counted by: the first source that a guide statement rests on, else its own document."""
        return statement.basis[0].url if statement.basis else self._index.document(statement.document_id).source_id

    def relevance(self, need: Need) -> NDArray[np.float32]:
        """How relevant each statement is to the need, shape (n,)."""
        if not self.statements:
            return np.zeros(0, np.float32)
        cosine = np.maximum(self.vectors @ need.vector - _FLOOR, 0.0) / (1.0 - _FLOOR)
        total = BY_MEANING * cosine
        if self._about is not None and self._known is not None and need.topics:
            wanted = np.zeros(self._about.shape[1], np.float32)
            for topic, chance in need.topics:
                wanted[self._known.classes.index(topic)] = chance
            total += BY_TOPIC * np.minimum(self._about @ wanted / max(float(wanted.max()), 0.35), 1.0)
        total += BY_WORDS * self._by_words(need.text)
        result: NDArray[np.float32] = total.astype(np.float32)
        return result

    def find(self, need: Need, *, least: float) -> tuple[Finding, ...]:
        """Every statement with at least this relevance, most relevant first, equal ones by id."""
        scores = np.round(self.relevance(need), 4)
        rows = np.flatnonzero(scores >= least)
        found = [Finding(self.statements[int(r)], float(scores[r]), self.origins[int(r)]) for r in rows]
        return tuple(sorted(found, key=lambda finding: (-finding.relevance, finding.statement.id)))

    def similarity(self, statement: Statement, vector: NDArray[np.float32]) -> float | None:
        """The cosine of a statement to a query vector; None where the statement has no vector of its own."""
        row = self._row.get(statement.id)
        return None if row is None else float(self.vectors[row] @ vector)

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


def once_per_origin(findings: Sequence[Finding]) -> list[Finding]:
    """The strongest finding of each origin, strongest first: evidence counts once per origin."""
    best: dict[str, Finding] = {}
    for finding in findings:
        earlier = best.get(finding.origin)
        if earlier is None or abs(finding.weight) > abs(earlier.weight):
            best[finding.origin] = finding
    return sorted(best.values(), key=lambda finding: (-abs(finding.weight), finding.statement.id))
