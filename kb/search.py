"""Finds evidence: dense and lexical search fused, few chunks a section, and room for sources that weigh the options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kb.embedders import Vector
from kb.index import Index, LiveIndex
from kb.reader import Rows
from kb.records import Evidence

RRF_K = 10
"""Reciprocal rank fusion adds 1 / (RRF_K + rank) for each leg."""

DENSE_WEIGHT = 0.5
WEIGHING = ("guide", "comparison")


@dataclass(frozen=True, slots=True)
class HybridSearch:
    """Searches an `Index` or a `LiveIndex`. Deterministic: ties are broken by chunk id.

    `k` pieces of evidence, at most `per_section` of one section; at least the share `reserved` of them from guides
    and comparisons where there are as many, so that hundreds of reference pages do not crowd them out. `depth` is how
    many each leg brings.
    """

    index: Index | LiveIndex
    k: int = 12
    per_section: int = 2
    reserved: float = 0.5
    depth: int = 60

    def search(
        self,
        query: str,
        k: int | None = None,
        *,
        per_section: int | None = None,
        standing: Sequence[str] | None = None,
        options: Sequence[str] | None = None,
        reserved: float | None = None,
    ) -> tuple[Evidence, ...]:
        """The evidence, best first; `standing` and `options` keep only such documents and chunks."""
        if isinstance(self.index, LiveIndex):
            with self.index.reading() as index:
                return self._search(index, query, k, per_section, standing, options, reserved)
        return self._search(self.index, query, k, per_section, standing, options, reserved)

    def _search(
        self,
        index: Index,
        query: str,
        k: int | None,
        per_section: int | None,
        standing: Sequence[str] | None,
        options: Sequence[str] | None,
        reserved: float | None,
    ) -> tuple[Evidence, ...]:
        k = self.k if k is None else k
        per_section = self.per_section if per_section is None else per_section
        share = self.reserved if reserved is None else reserved
        if k <= 0 or not query.strip():
            return ()
        vector = index.embedder.embed_query(query)
        rows = None if standing is None and options is None else index.rows(standing=standing, options=options)
        found = self._fused(index, query, vector, max(self.depth, 2 * k), rows)
        chosen = _capped(index, found, per_section, k)
        weighing = _weighing_rows(index, rows)
        room = min(round(share * k), len(weighing))
        if room and sum(index.document(index.chunk(id_).document_id).standing in WEIGHING for id_ in chosen) < room:
            own = self._fused(index, query, vector, max(self.depth, 2 * k), weighing)
            first = _capped(index, own, per_section, room)
            rest = [id_ for id_ in chosen if id_ not in set(first)][: k - len(first)]
            chosen = [*first, *rest]
            found = {**own, **found}
        chosen.sort(key=lambda id_: (-found[id_][0], id_))
        return tuple(
            Evidence(
                rank=rank,
                score=round(found[id_][0], 6),
                chunk=index.chunk(id_),
                dense=found[id_][1],
                lexical=found[id_][2],
            )
            for rank, id_ in enumerate(chosen, 1)
        )

    def _fused(
        self, index: Index, query: str, vector: Vector, depth: int, rows: Rows | None
    ) -> dict[str, tuple[float, float | None, float | None]]:
        """Chunk id to fused score, cosine and BM25, best first."""
        dense = index.dense(vector, depth, rows=rows)
        words = index.lexical(query, depth, rows=rows)
        return fuse(dense, words)


def fuse(
    dense: Sequence[tuple[str, float]], words: Sequence[tuple[str, float]], *, dense_weight: float = DENSE_WEIGHT
) -> dict[str, tuple[float, float | None, float | None]]:
    """Two ranked lists as one: id to (score, cosine, BM25), best first, ties by id."""
    scores: dict[str, float] = {}
    for leg, weight in ((dense, dense_weight), (words, 1 - dense_weight)):
        for rank, (id_, _score) in enumerate(leg, 1):
            scores[id_] = scores.get(id_, 0.0) + weight / (RRF_K + rank)
    cosines: Mapping[str, float] = dict(dense)
    counts: Mapping[str, float] = dict(words)
    order = sorted(scores, key=lambda id_: (-scores[id_], id_))
    return {id_: (scores[id_], cosines.get(id_), counts.get(id_)) for id_ in order}


def _capped(index: Index, found: Mapping[str, object], per_section: int, k: int) -> list[str]:
    taken: dict[str, int] = {}
    chosen: list[str] = []
    for id_ in found:
        section = index.chunk(id_).section_id
        if taken.get(section, 0) < per_section:
            taken[section] = taken.get(section, 0) + 1
            chosen.append(id_)
            if len(chosen) == k:
                break
    return chosen


def _weighing_rows(index: Index, rows: Rows | None) -> Rows:
    weighing = index.rows(standing=WEIGHING)
    return weighing if rows is None else np.intersect1d(weighing, rows)
