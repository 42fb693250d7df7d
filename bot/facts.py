"""Finds the statements that answer a question about a fact, over every document of the index."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.evidence import WeighingStatements, is_usable
from kb.index import Index
from kb.lexical import tokens
from kb.matching import Matcher
from kb.records import Statement
from kb.retriever import HybridRetriever

BY_MEANING, BY_WORDS, BY_RANK = 0.6, 0.35, 0.05
OTHER_OPTION = 0.2
"""What a statement about the other option alone loses."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A statement and how well it answers, 0 to about 1; `cosine` and `covered` are its two main signals."""

    statement: Statement
    score: float
    cosine: float
    covered: float


def find_hits(
    text: str,
    *,
    vector: NDArray[np.float32],
    named: tuple[str, ...],
    index: Index,
    weighing: WeighingStatements,
    retriever: HybridRetriever,
    matcher: Matcher,
) -> tuple[Hit, ...]:
    """The best statements first, equal ones by id. `named`: the options that the question is about."""
    evidence = retriever.search(text, 14)
    wanted = set(tokens(matcher.nameless(text))) or set(tokens(text))
    rarity = {word: min(index.rarity(word), 1.0) for word in wanted}
    total = sum(rarity.values()) or 1.0
    near = set()
    hits: dict[str, Hit] = {}
    for each in evidence:
        for statement in index.statements_of_chunk(each.chunk.id):
            near.add(statement.id)
            cosine = weighing.similarity(statement, vector)
            if cosine is None:
                cosine = 0.92 * (each.dense or 0.0)
            hits[statement.id] = _hit(statement, cosine, each.rank, rarity, total, index, named)
    for statement, cosine in weighing.nearest(vector, 12):
        if statement.id not in near:
            hits[statement.id] = _hit(statement, cosine, 14, rarity, total, index, named)
    usable = [hit for hit in hits.values() if hit.statement.kind != "heading" and is_usable(hit.statement, index)]
    return tuple(sorted(usable, key=lambda hit: (-hit.score, hit.statement.id)))


def _hit(
    statement: Statement,
    cosine: float,
    rank: int,
    rarity: dict[str, float],
    total: float,
    index: Index,
    named: tuple[str, ...],
) -> Hit:
    around = " ".join((*index.section(statement.section_id).path, statement.context))
    own, borrowed = set(tokens(statement.text)), set(tokens(around))
    covered = (
        sum(weight * (1.0 if word in own else 0.5 if word in borrowed else 0.0) for word, weight in rarity.items())
        / total
    )
    score = BY_MEANING * max(cosine, 0.0) + BY_WORDS * covered + BY_RANK / rank
    if len(named) == 1 and statement.options and named[0] not in statement.options:
        score -= OTHER_OPTION
    return Hit(statement, round(score, 5), round(cosine, 4), round(covered, 4))
