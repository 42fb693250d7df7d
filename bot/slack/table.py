"""The criteria of an answer as Slack's table block: a row a criterion, a column an option."""

from typing import Any

from bot.answer import Answer, Cell, Criterion
from bot.render_words import FINDING_WORDS, POLARITY_WORDS, is_weighed, weight_words
from bot.slack.style import Style
from bot.slack.text import address, cut, plain

ROWS = 20
CELL = 120
"""Bounds that keep the table far under Slack's 100 rows and 10,000 characters, and readable."""

SIGNS = {"supported": "✓", "not_supported": "✗", "not_documented": "–"}


def criteria_table(answer: Answer, style: Style) -> list[dict[str, Any]]:
    """The table block, and a line where rows are left out; empty for an answer without criteria."""
    criteria = [criterion for criterion in answer.criteria if criterion.cells]
    if not criteria:
        return []
    weighed = is_weighed(answer.criteria)
    names = [option.name for option in style.options]
    rows = [[_cell([_words(name, bold=True)]) for name in ("Need", *names)]]
    for criterion in criteria[:ROWS]:
        findings = (_finding(criterion.cells.get(option.id), answer, style) for option in style.options)
        rows.append([_cell(_need(criterion, weighed=weighed)), *(_cell(elements) for elements in findings)])
    table = {"type": "table", "rows": rows, "column_settings": [{"is_wrapped": True}] * len(rows[0])}
    left_out = len(criteria) - ROWS
    if left_out <= 0:
        return [table]
    note = {"type": "mrkdwn", "text": f"{left_out} more needs are not shown here."}
    return [table, {"type": "context", "elements": [note]}]


def _need(criterion: Criterion, *, weighed: bool) -> list[dict[str, Any]]:
    notes = [] if criterion.polarity == "wanted" else [POLARITY_WORDS[criterion.polarity]]
    if weighed and criterion.weight != 1:
        notes.append(weight_words(criterion.weight))
    elements = [_words(cut(plain(criterion.text), CELL) or "–")]
    return [*elements, _words(f" ({', '.join(notes)})", italic=True)] if notes else elements


def _finding(cell: Cell | None, answer: Answer, style: Style) -> list[dict[str, Any]]:
    if cell is None:
        return [_words("–")]
    elements = [_words(f"{SIGNS[cell.finding]} {FINDING_WORDS[cell.finding]}", bold=cell.finding == "supported")]
    if cell.text:
        elements.append(_words(f": {cut(plain(cell.text), CELL)}"))
    for n in cell.citations[:4]:
        target = address(style.url_of(answer, n) or "")
        elements.append(_words(" "))
        elements.append({"type": "link", "url": target, "text": f"[{n}]"} if target else _words(f"[{n}]"))
    return elements


def _words(text: str, **marks: bool) -> dict[str, Any]:
    element: dict[str, Any] = {"type": "text", "text": text}
    wanted = {mark: True for mark, on in marks.items() if on}
    return element | {"style": wanted} if wanted else element


def _cell(elements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}
