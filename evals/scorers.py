"""Scores one answer against one golden case: each measure is a number, or a reason why it cannot be taken."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.answer import Answer, Citation
from evals.gold_sections import SectionMap
from evals.golden import Case
from evals.judgements import Judgements
from evals.metrics import holds, holes, mean_grade, precision, set_f1

COUNTED_CITATIONS = 6
SAME_CRITERION = 0.35
"""Cosine from which a need's name and a clause are the same need: one name in twenty comes that near to a clause of
a question that has nothing to do with it."""

Similarity = Callable[[Sequence[str], Sequence[str]], NDArray[np.float32]]
_KINDS = {
    "recommendation": "recommendation",
    "mixed": "recommendation",
    "comparison": "comparison",
    "fact": "fact",
    "howto": "fact",
    "definition": "fact",
    "unanswerable": "not_covered",
    "smalltalk": "smalltalk",
}


@dataclass(frozen=True, slots=True)
class Score:
    """`value` None: this measure does not apply to the case, for the reason given."""

    value: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """What scoring leans on: the sections of the index, the judgements so far, and how texts are compared."""

    sections: SectionMap
    judged: Judgements
    similarity: Similarity | None = None


def score_answer(case: Case, answer: Answer, rules: Rules) -> dict[str, Score]:
    """Every measure of one answered case, by name."""
    refused = answer.not_covered is not None
    scores = {
        "kind": _kind(case, answer),
        "refusal": Score(float(refused == (case.unanswerable is not None))),
        "refusal_reason": _refusal_reason(case, answer),
        "verdict": _verdict(case, answer),
        "applies_to": _applies_to(case, answer),
        "criteria": _criteria(case, answer, rules.similarity),
        "facts": _facts(case, answer),
        "forbidden": _forbidden(case, answer),
        "citations_valid": _citations_valid(answer, rules.sections),
    }
    scores |= _gold(case, answer, rules)
    scores["crag"] = _crag(case, answer, scores)
    return scores


def counted_citations(answer: Answer) -> tuple[Citation, ...]:
    """The citations that count: the first six; of a refusal none, since "nearest" is no ground."""
    return () if answer.not_covered else answer.citations[:COUNTED_CITATIONS]


def shown_text(answer: Answer) -> str:
    """All that a reader is told, without the quotes in the source panel."""
    cells = [cell.text for criterion in answer.criteria for cell in criterion.cells.values()]
    claims = [claim.text for claim in answer.claims]
    verdict = answer.verdict
    changes = [change.text for change in verdict.would_change]
    return "\n".join([answer.text, verdict.reason, *verdict.parts.values(), *changes, *claims, *cells])


def unjudged(case: Case, answer: Answer, rules: Rules) -> tuple[str, ...]:
    """Ids of the cited sections that nobody has judged for this question."""
    ids = dict.fromkeys(citation.section_id for citation in counted_citations(answer))
    return tuple(i for i in ids if rules.judged.grade(case, i, rules.sections) is None)


def _kind(case: Case, answer: Answer) -> Score:
    expected = "not_covered" if case.unanswerable else _KINDS.get(case.kind)
    if expected is None:
        expected = "recommendation" if case.choice else None
    return Score(float(answer.kind == expected)) if expected else Score(None, "any kind of answer will do")


def _refusal_reason(case: Case, answer: Answer) -> Score:
    if case.unanswerable is None or answer.not_covered is None:
        return Score(None, "not rightly refused")
    return Score(float(answer.not_covered.reason == case.unanswerable))


def _verdict(case: Case, answer: Answer) -> Score:
    if case.choice is None:
        return Score(None, "asks for no choice")
    return Score(float(answer.verdict.choice in case.right_choices))


def _applies_to(case: Case, answer: Answer) -> Score:
    if case.applies_to is None:
        return Score(None, "no options are labelled")
    return Score(float(set(answer.applies_to) == set(case.applies_to) and answer.not_covered is None))


def _criteria(case: Case, answer: Answer, similarity: Similarity | None) -> Score:
    if case.criteria is None:
        return Score(None, "no criteria are labelled")
    if similarity is None:
        return Score(None, "no encoder to compare criteria with")
    given = [criterion.text for criterion in answer.criteria]
    if not given or not case.criteria:
        return Score(float(not given and not case.criteria))
    close = similarity(case.criteria, given)
    matched = 0
    while close.size and close.max() >= SAME_CRITERION:
        row, column = np.unravel_index(int(close.argmax()), close.shape)
        close = np.delete(np.delete(close, row, axis=0), column, axis=1)
        matched += 1
    return Score(2 * matched / (len(case.criteria) + len(given)))


def _facts(case: Case, answer: Answer) -> Score:
    if not case.facts_required:
        return Score(None, "no facts are required")
    text = shown_text(answer)
    hits = [any(holds(text, pattern) for pattern in group) for group in case.facts_required]
    return Score(sum(hits) / len(hits))


def _forbidden(case: Case, answer: Answer) -> Score:
    if not case.facts_forbidden:
        return Score(None, "no facts are forbidden")
    text = shown_text(answer)
    return Score(float(not any(holds(text, pattern) for pattern in case.facts_forbidden)))


def _citations_valid(answer: Answer, sections: SectionMap) -> Score:
    if not answer.citations:
        return Score(None, "cites nothing")
    numbers = {citation.n for citation in answer.citations}
    marked = {int(n) for n in re.findall(r"\[(\d+)\]", answer.text)}
    marked |= {n for claim in answer.claims for n in claim.citations}
    marked |= {n for criterion in answer.criteria for cell in criterion.cells.values() for n in cell.citations}
    verbatim = all((sections.text(c.section_id) or "")[c.start : c.end] == c.quote != "" for c in answer.citations)
    return Score(float(verbatim and marked <= numbers and len(numbers) == len(answer.citations)))


def _gold(case: Case, answer: Answer, rules: Rules) -> dict[str, Score]:
    names = ("gold_cited", "gold_first", "citation_precision", "citation_grade", "citation_holes")
    if not case.gold:
        return dict.fromkeys(names, Score(None, "no gold sections are labelled"))
    gold = frozenset[str]().union(*(rules.sections.resolve(g.section) for g in case.gold))
    if not gold:
        return dict.fromkeys(names, Score(None, "the gold sections are not in this index"))
    cited = [citation.section_id for citation in counted_citations(answer)]
    grades = [rules.judged.grade(case, section, rules.sections) for section in dict.fromkeys(cited)]
    why = "" if any(grade is not None for grade in grades) else "no cited section is judged"
    return {
        "gold_cited": Score(float(bool(gold & set(cited)))),
        "gold_first": Score(float(bool(cited) and cited[0] in gold)),
        "citation_precision": Score(precision(grades), why),
        "citation_grade": Score(mean_grade(grades), why),
        "citation_holes": Score(holes(grades)) if grades else Score(None, "cites nothing"),
    }


def _crag(case: Case, answer: Answer, scores: Mapping[str, Score]) -> Score:
    """Perfect 1, acceptable 0.5, missing 0, incorrect -1, by rule."""
    refused = answer.not_covered is not None
    if case.unanswerable is not None:
        return Score((1.0 if scores["refusal_reason"].value else 0.5) if refused else -1.0)
    if case.kind == "smalltalk":
        return Score(1.0 if answer.kind == "smalltalk" else 0.0 if refused else -1.0)
    if refused:
        return Score(0.0)
    grades: list[float] = []
    choice = answer.verdict.choice
    if case.choice is not None:
        if choice is None:
            return Score(0.0)
        grades.append(1.0 if choice == case.choice else 0.5 if choice in case.accept else -1.0)
    elif answer.kind == "clarification":
        return Score(0.0)
    elif case.applies_to is not None:
        overlap = set_f1(set(case.applies_to), set(answer.applies_to))
        grades.append(1.0 if overlap == 1 else 0.5 if overlap else -1.0)
    if (facts := scores["facts"].value) is not None:
        grades.append(1.0 if facts == 1 else 0.5 if facts or case.choice else -1.0)
    if scores["forbidden"].value == 0:
        grades.append(-1.0)
    if (cited := scores["gold_cited"].value) is not None:
        grades.append(1.0 if cited else 0.5 if grades else -1.0)
    return Score(min(grades)) if grades else Score(None, "nothing about the answer is labelled")
