"""The sources of an answer as a footer: numbered as in the text, each with its age."""

from collections.abc import Iterable
from typing import Any

from bot.answer import Answer, Citation
from bot.render_words import GUIDE_NAME, age, heading_path
from bot.slack.style import Style
from bot.slack.text import cut, mrkdwn, mrkdwn_link

LINES = 2800
"""Characters of one context element, under Slack's 3,000."""

SHOWN = 20


def sources_footer(answer: Answer, style: Style) -> list[dict[str, Any]]:
    """Context blocks: a line a citation, in the order of their numbers."""
    ordered = sorted(answer.citations, key=lambda citation: citation.n)
    lines = [source_line(citation, answer, style) for citation in ordered[:SHOWN]]
    if len(ordered) > SHOWN:
        lines.append(f"{len(ordered) - SHOWN} more sources are not shown here.")
    return [{"type": "context", "elements": [{"type": "mrkdwn", "text": group}]} for group in grouped(lines)]


def grouped(lines: Iterable[str]) -> list[str]:
    """Lines joined into texts that a block may hold; each line is shorter than that."""
    groups: list[str] = []
    for line in lines:
        if groups and len(groups[-1]) + len(line) < LINES:
            groups[-1] += f"\n{line}"
        else:
            groups.append(line)
    return groups


def source_line(citation: Citation, answer: Answer, style: Style) -> str:
    """One source in mrkdwn: a page, or the guide with what it is based on, and how old that is.

    Addresses so long that the line would not fit are left out.
    """
    line = _line(citation, style, style.url_of(answer, citation.n) or "", 160)
    return line if len(line) < LINES else _line(citation, style, None, 60)


def _line(citation: Citation, style: Style, url: str | None, width: int) -> str:
    def linked(label: str, target: str) -> str:
        return mrkdwn_link(cut(label, width), target if url is not None else "")

    old = age(citation, style.today)
    ending = f" · {mrkdwn(old)}" if old else " · no date"
    if not citation.basis:
        return f"[{citation.n}] {linked(heading_path(citation), url or '')}{ending}"
    grounds = list(dict.fromkeys((basis.title, basis.url) for basis in citation.basis))
    based = ", ".join(linked(title, target) for title, target in grounds[:3])
    more = f" and {len(grounds) - 3} more" if len(grounds) > 3 else ""
    where = linked(f"{GUIDE_NAME} › {heading_path(citation)}", url or "")
    return f"[{citation.n}] {where}, based on {based}{more}{ending}"
