"""Takes over a model's judgements of needs where the passages bear them out; the verdict stays `decide(criteria)`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.answer import Answer, Cell, Citation, Criterion
from bot.model.labels import Labelled
from bot.model.plain_text import plain_sentence
from bot.model.reply import Proposal
from bot.model.wording import read
from bot.verdict import decide
from bot.verification import Checker
from kb.options import OptionFinder

STEP = 0.25
"""How far a model may move the score of a cell that has evidence."""

FRESH = 0.6
"""The highest score that a cell gets which only the model filled."""

MOST_NEW = 2


@dataclass(frozen=True, slots=True)
class Judged:
    """The criteria after the proposals, the citations that they now need, and how many proposals were (not) taken."""

    criteria: tuple[Criterion, ...]
    cited: tuple[Citation, ...]
    taken: int
    refused: int


def take_over(
    answer: Answer,
    proposals: Sequence[Proposal],
    evidence: Mapping[str, Labelled],
    checker: Checker,
    finder: OptionFinder,
) -> Judged:
    """The criteria with what the proposals add. Another choice needs more passages for it than the old one had."""
    criteria = {criterion.id: criterion for criterion in answer.criteria}
    cited: dict[int, Citation] = {}
    taken = new = 0
    for proposal in proposals:
        own = [evidence[label] for label in proposal.labels if label in evidence]
        own = [each for each in own if proposal.option in each.passage.about]
        text = plain_sentence(proposal.text)
        if not own or not _borne_out(proposal, text, own, checker, finder):
            continue
        criterion = criteria.get(proposal.criterion)
        if criterion is None:
            if new >= MOST_NEW or not _asked_for(proposal.need, answer, finder):
                continue
            criterion = _new(proposal, answer, criteria)
            new += 1
        cell = _moved(criterion.cells.get(proposal.option), proposal, text, own)
        if cell is None:
            continue
        criteria[criterion.id] = criterion.model_copy(update={"cells": criterion.cells | {proposal.option: cell}})
        cited |= {each.citation.n: each.citation for each in own}
        taken += 1
    judged = tuple(criteria.values())
    if taken and not _allowed(answer, judged, [*answer.citations, *cited.values()]):
        return Judged(answer.criteria, (), 0, len(proposals))
    return Judged(judged, tuple(cited.values()), taken, len(proposals) - taken)


def _borne_out(proposal: Proposal, text: str, own: Sequence[Labelled], checker: Checker, finder: OptionFinder) -> bool:
    if not checker.check(text, [each.passage for each in own], option=proposal.option).enough:
        return False
    denies = read(text, finder).negations % 2 == 1
    return denies == (proposal.finding == "not_supported")


def _asked_for(need: str, answer: Answer, finder: OptionFinder) -> bool:
    """A new need has to be in the question, and not among the needs that are there."""
    stems = read(need, finder).stems
    asked = read(answer.standalone_question, finder).stems
    if not stems or len(stems & asked) < 0.6 * len(stems):
        return False
    known = (read(criterion.text, finder).stems for criterion in answer.criteria)
    return all(len(stems & other) < 0.6 * len(stems) for other in known)


def _new(proposal: Proposal, answer: Answer, criteria: Mapping[str, Criterion]) -> Criterion:
    options = sorted({option for criterion in answer.criteria for option in criterion.cells} | {proposal.option})
    weight = 1.0 if answer.kind == "recommendation" else 0.0
    cells = {option: Cell(finding="not_documented") for option in options}
    return Criterion(id=f"c{len(criteria) + 1}", text=plain_sentence(proposal.need), weight=weight, cells=cells)


def _moved(cell: Cell | None, proposal: Proposal, text: str, own: Sequence[Labelled]) -> Cell | None:
    numbers = tuple(each.citation.n for each in own)
    score = proposal.score if proposal.finding == "supported" else 0.0
    if cell is None or cell.finding == "not_documented":
        return Cell(finding=proposal.finding, score=round(min(score, FRESH), 3), text=text, citations=numbers)
    if cell.finding != proposal.finding:
        return None
    moved = round(min(max(score, cell.score - STEP), cell.score + STEP, 1.0), 3)
    if moved == cell.score:
        return None
    return cell.model_copy(update={"score": max(moved, 0.0), "citations": (*cell.citations, *_others(numbers, cell))})


def _others(numbers: Sequence[int], cell: Cell) -> tuple[int, ...]:
    return tuple(n for n in numbers if n not in cell.citations)


def _allowed(answer: Answer, judged: Sequence[Criterion], citations: Sequence[Citation]) -> bool:
    before, after = answer.verdict.choice, decide(judged).choice
    if before == after:
        return True
    origins = {c.n: c.basis[0].url if c.basis else c.source_id for c in citations}

    def grounds(criteria: Sequence[Criterion], choice: str | None) -> int:
        cells = [
            cell
            for criterion in criteria
            for option, cell in criterion.cells.items()
            if cell.finding != "not_documented" and (option == choice or choice not in criterion.cells)
        ]
        return len({origins[n] for cell in cells for n in cell.citations if n in origins})

    return after is not None and grounds(judged, after) > grounds(answer.criteria, before)
