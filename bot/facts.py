"""Finds the statements that answer a question about a fact, over every document of the index."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bot.asking_part import asking_part
from bot.assessing import Assessor, shown
from bot.evidence import WeighingStatements, usable
from bot.masking import masked
from kb.index import Index
from kb.lexical import tokens
from kb.matching import Matcher
from kb.options import OptionFinder
from kb.records import Statement
from kb.search import HybridSearch

BY_MEANING, BY_WORDS, BY_RANK = 0.6, 0.35, 0.05
BY_SEEKING = 0.15
"""What counts besides for a statement that the question seeks, as far as that is known."""

SEARCHED, NEAREST, MOST_SOUGHT = 14, 12, 6
"""So many passages are searched for; and statements beside theirs that are nearest, and that are most sought."""

OF_PASSAGE = 0.92
"""A statement without a vector of its own takes so much of its passage's cosine, which is a little higher."""

BY_STANDING = 0.08
"""What counts for a statement of a document about the choice as such, beside documents that are not."""

ASSESSED = 6
"""So many of the best are read by the assessor."""

BY_READING = 0.8
"""What the assessor reads counts so much for the order of those; the rest is what they resemble."""

_LOOKED_AT = 24
"""So many of the best are kept, less those that tell a reader what to answer."""

OTHER_OPTION = 0.2
"""What a statement about the other option alone loses."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A statement and how well it answers, 0 to about 1, from what it resembles: `cosine` and `covered`, its share of
    the question's words; and from what the assessor reads in it: `answers`, a probability, 0 where it was not asked.
    """

    statement: Statement
    score: float
    cosine: float
    covered: float
    answers: float = 0.0


def find_hits(
    text: str,
    *,
    vector: NDArray[np.float32],
    named: tuple[str, ...],
    sought: NDArray[np.float32] | None,
    index: Index,
    weighing: WeighingStatements,
    search: HybridSearch,
    matcher: Matcher,
) -> tuple[Hit, ...]:
    """The best statements first, equal ones by id. `named`: the options that the question is about; `sought`: how
    likely it seeks each of the weighing statements.
    """
    seeking = weighing.by_id(sought) if sought is not None else {}
    evidence = search.search(text, SEARCHED)
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
                cosine = OF_PASSAGE * (each.dense or 0.0)
            hits[statement.id] = _hit(statement, cosine, each.rank, rarity, total, index, named)
    further = weighing.nearest(vector, NEAREST)
    if sought is not None:
        further += [
            (each, weighing.similarity(each, vector) or 0.0) for each, _ in weighing.most_sought(sought, MOST_SOUGHT)
        ]
    for statement, cosine in further:
        if statement.id not in near:
            hits[statement.id] = _hit(statement, cosine, SEARCHED, rarity, total, index, named)
    beside = BY_STANDING if len(weighing.main) < len(index.documents) else 0.0
    hits = {
        id_: replace(
            h,
            score=round(
                h.score + BY_SEEKING * seeking.get(id_, 0.0) + beside * (h.statement.document_id in weighing.main),
                5,
            ),
        )
        for id_, h in hits.items()
    }
    stated = [hit for hit in hits.values() if hit.statement.kind != "heading"]
    best = sorted(stated, key=lambda hit: (-hit.score, hit.statement.id))[:_LOOKED_AT]
    kept = usable([hit.statement for hit in best], index)
    return tuple(hit for hit, use in zip(best, kept, strict=True) if use)


def read_by(
    assessor: Assessor, text: str, hits: Sequence[Hit], *, index: Index, options: OptionFinder
) -> tuple[Hit, ...]:
    """The hits with what the assessor reads in the best of them, in the order that this gives."""
    first, rest = hits[:ASSESSED], hits[ASSESSED:]
    texts = []
    for hit in first:
        section = index.section(hit.statement.section_id)
        title = index.document(section.document_id).title
        texts.append(shown(hit.statement.text, section.path, title, options))
    chances = assessor.answers(masked(asking_part(text), options).text, texts)
    read = [
        replace(hit, answers=float(p), score=round((1 - BY_READING) * hit.score + BY_READING * float(p), 5))
        for hit, p in zip(first, chances, strict=True)
    ]
    least = min((hit.score for hit in read), default=0.0)
    return (
        *sorted(read, key=lambda hit: (-hit.score, hit.statement.id)),
        *(replace(hit, score=min(hit.score, least)) for hit in rest),
    )


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
