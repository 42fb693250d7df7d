"""An Answer for the terminal: what `whichway ask` and `whichway chat` print."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from bot.answer import Answer, Cell
from bot.render_words import (
    FINDING_WORDS,
    NOT_COVERED_WORDS,
    age,
    besides,
    choice_name,
    confidence_words,
    heading_path,
    headline,
    is_weighed,
    origin,
    plain,
    told,
)
from kb.records import Option

if TYPE_CHECKING:
    from rich.console import RenderableType

_MARKS = {"supported": ("✓", "green"), "not_supported": ("✗", "red"), "not_documented": ("–", "dim")}


def to_terminal(answer: Answer, options: Sequence[Option], *, today: date | None = None) -> "RenderableType":
    """What a rich console prints; nothing of a document or question is read as markup."""
    from rich.console import Group
    from rich.markdown import Markdown
    from rich.padding import Padding
    from rich.text import Text

    today = today or date.today()
    parts: list[RenderableType] = []
    title = headline(answer, options)
    if title:
        parts.append(Text(plain(title), style="bold"))
    verdict = answer.verdict
    if verdict.choice:
        parts.append(Text(f"{confidence_words(verdict.confidence)} ({verdict.confidence:.0%})", style="cyan"))
        parts.append(Text(plain(verdict.reason)))
        for option, part in sorted(verdict.parts.items()):
            if part:
                parts.append(Text(f"  {choice_name(option, options)}: {plain(part)}"))
    if answer.not_covered:
        parts.append(Text(NOT_COVERED_WORDS[answer.not_covered.reason]))
    if text := told(answer):
        parts += [Text(""), Markdown(plain(text), hyperlinks=False)]
    if answer.clarification:
        parts += [Text(f"  {n}. {plain(choice)}") for n, choice in enumerate(answer.clarification.choices, start=1)]
    if answer.criteria:
        parts += [Text(""), _table(answer, options)]
    if more := besides(answer):
        parts += [Text(""), Markdown(plain(more), hyperlinks=False)]
    for change in verdict.would_change:
        parts.append(Text(f"{plain(change.text)}: {choice_name(change.to, options)}", style="yellow"))
    for contradiction in answer.contradictions:
        first, second = contradiction.between
        parts.append(Text(f"Sources [{first}] and [{second}] disagree on {plain(contradiction.about)}", style="yellow"))
    parts += [Text(plain(notice), style="yellow") for notice in answer.notices]
    if answer.citations:
        parts += [Text(""), Text("Sources", style="bold")]
        for citation in answer.citations:
            parts.append(Text(f"[{citation.n}] {heading_path(citation)}"))
            about = "; ".join(
                part for part in (origin(citation) if citation.basis else "", age(citation, today)) if part
            )
            lines = [Text(f"“{' '.join(plain(citation.quote).split())}”", style="italic")]
            lines += [Text(about, style="dim")] if about else []
            lines += [Text(plain(citation.url), style="dim")] if citation.url else []
            parts.append(Padding(Group(*lines), (0, 0, 0, 4)))
    if answer.follow_ups:
        parts += [Text(""), Text("You could ask", style="bold")]
        parts += [Text(f"  {plain(question)}") for question in answer.follow_ups]
    return Group(*parts)


def _table(answer: Answer, options: Sequence[Option]) -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    weighed = is_weighed(answer.criteria)
    table = Table(expand=False, show_lines=True)
    table.add_column("Need", ratio=2)
    for option in options:
        table.add_column(Text(plain(option.name)), ratio=3)
    for criterion in answer.criteria:
        need = plain(criterion.text) + (f"\n(weight {criterion.weight:g})" if weighed else "")
        cells = [_cell(criterion.cells.get(option.id)) for option in options]
        table.add_row(Text(need), *(Text.assemble(*cell) for cell in cells))
    return table


def _cell(cell: Cell | None) -> list[tuple[str, str]]:
    if cell is None:
        return [("", "")]
    mark, style = _MARKS[cell.finding]
    text = plain(cell.text) or FINDING_WORDS[cell.finding]
    return [(f"{mark} ", style), (text, ""), ("".join(f" [{n}]" for n in cell.citations), "cyan")]
