"""The verdict card and the table of needs, as HTML."""

from collections.abc import Mapping, Sequence

from bot.answer import Answer, Cell, Criterion
from bot.render_markdown import reweighed
from bot.render_words import (
    FINDING_WORDS,
    NOT_COVERED_WORDS,
    POLARITY_WORDS,
    choice_name,
    confidence_words,
    headline,
    is_weighed,
    weight_words,
)
from bot.verdict import decide
from bot.web.html import e
from kb.records import Option

HEAVIEST = 3.0
_FINDING_MARKS = {"supported": "✓", "not_supported": "✕", "not_documented": "–"}


def side(choice: str | None, options: Sequence[Option]) -> str:
    """The colour of a choice: `a`, `b`, `both` or `none`."""
    if choice == options[0].id:
        return "a"
    if choice == options[1].id:
        return "b"
    return "both" if choice in ("both", "either") else "none"


def verdict_card(answer: Answer, options: Sequence[Option], weights: Mapping[str, float] | None = None) -> str:
    """The card with choice, confidence, reason, parts and what would change it. `` where there is nothing to say."""
    criteria = reweighed(answer.criteria, weights)
    moved = criteria != answer.criteria
    verdict = decide(criteria) if moved else answer.verdict
    title = headline(answer, options, verdict)
    if not title or answer.kind in ("clarification", "comparison", "smalltalk"):
        return ""
    chosen = side(verdict.choice, options)
    parts = [f'<p class="choice">{e(title)}</p>']
    if answer.kind == "fact" and answer.applies_to:
        parts = [f'<p class="choice"><span class="lead">On</span> {e(title)}</p>']
    if answer.not_covered:
        parts.append(f'<p class="reason">{e(NOT_COVERED_WORDS[answer.not_covered.reason])}</p>')
    if verdict.choice:
        percent = round(verdict.confidence * 100)
        words = confidence_words(verdict.confidence)
        parts.append(
            f'<p class="confidence"><span class="meter" data-level="{percent // 10}" aria-hidden="true">'
            f'<span></span></span><span>{words}</span> <span class="number">{percent}%</span></p>'
        )
        parts.append(f'<p class="reason">{e(verdict.reason)}</p>')
    elif moved:
        parts.append('<p class="reason">With these weights, no need is left that could decide.</p>')
    if shares := [(option, text) for option, text in sorted(verdict.parts.items()) if text]:
        rows = "".join(
            f'<div class="part" data-side="{side(option, options)}"><dt>{e(choice_name(option, options))}</dt>'
            f"<dd>{e(text)}</dd></div>"
            for option, text in shares
        )
        parts.append(f'<dl class="parts">{rows}</dl>')
    if verdict.would_change:
        rows = "".join(
            f'<li>{e(change.text)} <span class="flip" data-side="{side(change.to, options)}">'
            f"{e(choice_name(change.to, options))}</span></li>"
            for change in verdict.would_change
        )
        parts.append(f'<div class="change"><h3>What would change this</h3><ul>{rows}</ul></div>')
    if moved:
        before = choice_name(answer.verdict.choice, options) or "no choice"
        parts.append(
            f'<p class="moved">With your weights. The answer as it was given: {e(before)}. '
            '<button type="button" class="text" data-do="reset">Put the weights back</button></p>'
        )
    label = "Verdict" if verdict.choice else "Answer"
    return f'<section class="verdict" data-side="{chosen}" aria-label="{label}">{"".join(parts)}</section>'


def needs_table(answer: Answer, options: Sequence[Option]) -> str:
    """The criteria: what each option offers for each need, and a slider for how much the need matters."""
    if not answer.criteria:
        return ""
    weighed = is_weighed(answer.criteria)
    head = "".join(
        f'<th scope="col" data-side="{side(option.id, options)}">{e(option.name)}</th>' for option in options
    )
    rows = "".join(_row(answer, criterion, options, weighed) for criterion in answer.criteria)
    title = "How your needs weigh" if weighed else "Side by side"
    hint = '<p class="hint">Move a slider: the verdict follows at once.</p>' if weighed else ""
    return (
        f'<section class="needs"><header><h3>{title}</h3>{hint}</header>'
        f'<table><thead><tr><th scope="col">{"Need" if weighed else "Topic"}</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></section>"
    )


def citation_link(answer: Answer, n: int) -> str | None:
    """The numbered link that opens a citation of this answer; None where it has no such number."""
    found = [citation for citation in answer.citations if citation.n == n]
    if not found:
        return None
    where = " › ".join((found[0].title, *found[0].section[-1:]))
    return (
        f'<a class="cite" href="./?a={e(answer.id)}&amp;c={n}" data-answer="{e(answer.id)}" data-cite="{n}" '
        f'aria-label="Source {n}: {e(where)}" title="{e(where)}">{n}</a>'
    )


def citation_links(answer: Answer, numbers: Sequence[int]) -> str:
    """The links for several numbers; a number without a citation shows nothing."""
    return "".join(citation_link(answer, n) or "" for n in numbers)


def _row(answer: Answer, criterion: Criterion, options: Sequence[Option], weighed: bool) -> str:
    about = f'<span class="need">{e(criterion.text)}</span>'
    if criterion.polarity != "wanted":
        about += f'<span class="tag">{POLARITY_WORDS[criterion.polarity]}</span>'
    if weighed:
        name, value = f"w-{e(answer.id)}-{e(criterion.id)}", f"{criterion.weight:g}"
        most = max(HEAVIEST, criterion.weight)
        about += (
            f'<span class="weight"><input type="range" id="{name}" min="0" max="{most:g}" step="0.25" value="{value}" '
            f'data-criterion="{e(criterion.id)}" data-weight="{value}" aria-label="How much this matters: '
            f'{e(criterion.text)}"><output for="{name}">{weight_words(criterion.weight)}</output></span>'
        )
    cells = "".join(_cell(answer, criterion.cells.get(option.id), option, options) for option in options)
    return f'<tr data-row="{e(criterion.id)}"><th scope="row">{about}</th>{cells}</tr>'


def _cell(answer: Answer, cell: Cell | None, option: Option, options: Sequence[Option]) -> str:
    chosen = side(option.id, options)
    if cell is None:
        return f'<td data-side="{chosen}" data-option="{e(option.name)}"></td>'
    mark, words = _FINDING_MARKS[cell.finding], FINDING_WORDS[cell.finding]
    text = e(cell.text) if cell.text else f'<span class="quiet">{words}</span>'
    return (
        f'<td data-side="{chosen}" data-option="{e(option.name)}" data-finding="{cell.finding}">'
        f'<span class="finding" title="{words}"><span aria-hidden="true">{mark}</span>'
        f'<span class="unseen">{words}:</span></span> {text} {citation_links(answer, cell.citations)}</td>'
    )
