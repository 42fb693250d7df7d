"""An Answer as Markdown: to copy, as a comparison table, and as a decision record."""

import re
from collections.abc import Mapping, Sequence

from bot.answer import Answer, Citation, Criterion
from bot.render_words import (
    FINDING_WORDS,
    NOT_COVERED_WORDS,
    POLARITY_WORDS,
    besides,
    case_for,
    choice_name,
    confidence_words,
    heading_path,
    headline,
    is_weighed,
    origin,
    plain,
    told,
)
from bot.verdict import decide
from kb.records import Option

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


def to_markdown(answer: Answer, options: Sequence[Option], *, link: str = "") -> str:
    """The whole answer with its numbered sources. `link` opens it in the browser."""
    parts = [f"**{escaped(answer.question)}**"]
    title = headline(answer, options)
    if title:
        parts.append(f"## {escaped(title)}")
    if answer.verdict.choice:
        parts.append(_verdict(answer, options))
    if answer.not_covered:
        parts.append(NOT_COVERED_WORDS[answer.not_covered.reason])
    if text := told(answer):
        parts.append(text)
    if answer.clarification:
        parts.append("\n".join(f"- {escaped(choice)}" for choice in answer.clarification.choices))
    if answer.criteria:
        parts.append(comparison_table(answer, options))
    if more := besides(answer):
        parts.append(more)
    if answer.contradictions:
        parts.append("### Sources that disagree\n\n" + _disagreements(answer))
    parts += [f"> {escaped(notice)}" for notice in answer.notices]
    if answer.citations:
        parts.append("### Sources\n\n" + "\n".join(_source(citation) for citation in answer.citations))
    if link:
        parts.append(f"[Open this answer]({link})")
    return "\n\n".join(parts) + "\n"


def comparison_table(answer: Answer, options: Sequence[Option], *, weights: Mapping[str, float] | None = None) -> str:
    """The criteria as a table: a row a need, a column an option."""
    weighed = is_weighed(answer.criteria)
    head = ["Need", *(["Weight"] if weighed else []), *(option.name for option in options)]
    rows = [head, ["---"] * len(head)]
    for criterion in reweighed(answer.criteria, weights):
        cells = [_cell(criterion, option.id) for option in options]
        need = escaped(criterion.text)
        if criterion.polarity != "wanted":
            need += f" ({POLARITY_WORDS[criterion.polarity]})"
        rows.append([need, *([f"{criterion.weight:g}"] if weighed else []), *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def decision_record(
    answer: Answer,
    options: Sequence[Option],
    *,
    at: str,
    weights: Mapping[str, float] | None = None,
    link: str = "",
) -> str:
    """A record to keep beside the code: context, needs and weights, decision, the other case, evidence.

    `at` is the day of the answer (ISO). `weights`, by criterion id, are those that the reader moved.
    """
    criteria = reweighed(answer.criteria, weights)
    moved = criteria != answer.criteria
    verdict = decide(criteria) if moved else answer.verdict
    title = headline(answer, options, verdict)
    parts = [
        f"# Decision: {escaped(title or 'no choice')}",
        f"- Status: proposed\n- Date: {at[:10]}\n- Question: {escaped(answer.question)}",
        "## Context and needs",
        comparison_table(answer, options, weights=weights) if criteria else "No needs were weighed.",
    ]
    if moved:
        parts.append("The weights were set by the reader; the verdict below follows from them.")
    parts.append("## Decision")
    if verdict.choice:
        words = confidence_words(verdict.confidence).lower()
        parts.append(f"**{escaped(title)}** ({words}, {verdict.confidence:.0%}). {escaped(verdict.reason)}")
        parts += [f"- {escaped(choice_name(o, options))}: {escaped(p)}" for o, p in sorted(verdict.parts.items()) if p]
    else:
        parts.append(answer.text.strip() or "The sources do not decide this.")
    for option in options:
        if option.id != verdict.choice and (points := case_for(answer, option.id)):
            parts.append(f"## The case for {escaped(option.name)}")
            parts.append("\n".join(f"- {escaped(text)}{_marks(numbers)}" for text, numbers in points))
    if verdict.would_change:
        parts.append("## What would change this")
        changes = [f"- {escaped(c.text)}: {escaped(choice_name(c.to, options))}" for c in verdict.would_change]
        parts.append("\n".join(changes))
    if answer.contradictions:
        parts += ["## Sources that disagree", _disagreements(answer)]
    if answer.citations:
        parts.append("## Evidence")
        quotes = (f"{_source(c)}\n\n   > {escaped(' '.join(c.quote.split()))}" for c in answer.citations)
        parts.append("\n\n".join(quotes))
    made = answer.made_by
    made_by = "quoted from the sources, no model" if made.mode == "extractive" else f"model {escaped(str(made.model))}"
    parts.append(
        f"---\n\nMade by whichway ({made_by}); answer `{answer.id}`, knowledge base `{made.snapshot or 'unknown'}`"
        f", configuration `{made.config or 'unknown'}`." + (f" [Open the answer]({link})" if link else "")
    )
    return "\n\n".join(parts) + "\n"


def reweighed(criteria: tuple[Criterion, ...], weights: Mapping[str, float] | None) -> tuple[Criterion, ...]:
    """The criteria with the weights, by criterion id, put in place of their own."""
    if not weights:
        return criteria
    return tuple(
        c.model_copy(update={"weight": weights[c.id]}) if c.id in weights and weights[c.id] != c.weight else c
        for c in criteria
    )


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(plain(text).split()))


def _verdict(answer: Answer, options: Sequence[Option]) -> str:
    verdict = answer.verdict
    lines = [f"{confidence_words(verdict.confidence)} ({verdict.confidence:.0%}). {escaped(verdict.reason)}"]
    lines += [
        f"- {escaped(choice_name(o, options))}: {escaped(part)}" for o, part in sorted(verdict.parts.items()) if part
    ]
    lines += [f"- {escaped(c.text)}: {escaped(choice_name(c.to, options))}" for c in verdict.would_change]
    return "\n".join((lines[0], "", *lines[1:])) if lines[1:] else lines[0]


def _disagreements(answer: Answer) -> str:
    return "\n".join(f"- [{c.between[0]}] and [{c.between[1]}] on {escaped(c.about)}" for c in answer.contradictions)


def _cell(criterion: Criterion, option: str) -> str:
    cell = criterion.cells.get(option)
    if cell is None:
        return ""
    text = escaped(cell.text) or FINDING_WORDS[cell.finding]
    if cell.text and cell.finding == "not_supported":
        text = f"{FINDING_WORDS[cell.finding]}: {text}"
    return text + _marks(cell.citations)


def _marks(numbers: Sequence[int]) -> str:
    return "".join(f" [{n}]" for n in numbers)


def _source(citation: Citation) -> str:
    label = escaped(heading_path(citation))
    where = f"[{label}]({citation.url})" if citation.url.startswith(("https://", "http://")) else label
    based = f": {escaped(origin(citation))}" if citation.basis else ""
    links = "".join(f" [{escaped(b.title)}]({b.url})" for b in citation.basis if b.url.startswith("http"))
    return f"{citation.n}. {where}{based}{' (' + links.strip() + ')' if links else ''}"
