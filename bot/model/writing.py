"""Puts the checked claims of a model into the Answer."""

from collections.abc import Sequence

from bot.answer import Answer, Citation, Claim, MadeBy
from bot.compose import comparison_text, recommendation_text
from bot.model.proposals import Judged
from bot.render_markdown import escaped
from bot.verdict import decide
from kb.records import Option


def marked(claim: Claim) -> str:
    """A claim as Markdown with its numbers."""
    return escaped(claim.text) + " " + "".join(f"[{n}]" for n in claim.citations)


def written(
    answer: Answer,
    claims: Sequence[Claim],
    judged: Judged,
    cited: Sequence[Citation],
    *,
    options: Sequence[Option],
    made_by: MadeBy,
    notices: Sequence[str],
) -> Answer:
    """The extractive answer with the model's claims and judgements in it, its verdict decided anew."""
    verdict = decide(judged.criteria) if answer.kind == "recommendation" else answer.verdict
    ids = [option.id for option in options]
    applies = answer.applies_to
    if answer.kind == "recommendation":
        applies = (verdict.choice,) if verdict.choice in ids else tuple(ids)
    ordered = _by_option(claims)
    known = {c.n: c for c in (*answer.citations, *judged.cited, *cited)}
    used = {n for claim in ordered for n in claim.citations}
    used |= {n for c in judged.criteria for cell in c.cells.values() for n in cell.citations}
    used |= {n for contradiction in answer.contradictions for n in contradiction.between}
    changed = answer.model_copy(
        update={
            "verdict": verdict,
            "criteria": judged.criteria,
            "claims": ordered,
            "applies_to": applies,
            "citations": tuple(known[n] for n in sorted(used) if n in known),
            "grounding": "grounded",
            "notices": (*answer.notices, *notices),
            "made_by": made_by,
        }
    )
    return changed.model_copy(update={"text": _text(changed, options)})


def _by_option(claims: Sequence[Claim]) -> tuple[Claim, ...]:
    """First what is said of neither option alone, then each option's claims together, in the model's order."""
    order = [None, *dict.fromkeys(claim.option for claim in claims if claim.option)]
    return tuple(sorted(claims, key=lambda claim: order.index(claim.option)))


def _text(answer: Answer, options: Sequence[Option]) -> str:
    names = {option.id: option.name for option in options}
    parts: list[str] = []
    for option in dict.fromkeys(claim.option for claim in answer.claims):
        own = " ".join(marked(claim) for claim in answer.claims if claim.option == option)
        headed = option is not None and answer.kind == "recommendation"
        parts.append(f"**The case for {names[str(option)]}**\n\n{own}" if headed else own)
    if answer.kind == "recommendation":
        rest = recommendation_text(answer.criteria, (), answer.verdict, options)
        if rest and rest != answer.verdict.reason:
            parts.append(rest)
    elif answer.kind == "comparison":
        parts.append(comparison_text(answer.criteria, (), options))
    return "\n\n".join(parts)
