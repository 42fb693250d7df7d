"""Renderings of an Answer: Markdown, a comparison table, a decision record, the terminal.

Each is a function of the Answer and the two options, so that every channel shows the same verdict, criteria and
citations. The browser's renderings are in `bot.web`, Slack's in `bot.slack`.
"""

from bot.render_markdown import comparison_table, decision_record, reweighed, to_markdown
from bot.render_terminal import to_terminal

__all__ = ["comparison_table", "decision_record", "reweighed", "to_markdown", "to_terminal"]
