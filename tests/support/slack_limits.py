"""Slack's documented limits, checked: what the fake Slack refuses as `invalid_blocks`, and why."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

MESSAGE_BLOCKS = {"actions", "context", "context_actions", "divider", "header", "markdown", "section", "table"}
VIEW_BLOCKS = {"actions", "context", "divider", "header", "input", "section"}
MARKDOWN, SECTION, BUTTON, VALUE, URL = 12_000, 3000, 75, 2000, 3000
PING = re.compile(r"<[!@#]|@(?:channel|here|everyone)\b|!(?:channel|here|everyone)\b")


def problems(blocks: Any, *, view: bool = False) -> list[str]:
    """What Slack would refuse in the blocks of a message or a view; empty where it would take them."""
    if not isinstance(blocks, list):
        return ["blocks is no list"]
    found: list[str] = []
    if len(blocks) > (100 if view else 50):
        found.append(f"{len(blocks)} blocks")
    for block in blocks:
        kind = block.get("type")
        if kind not in (VIEW_BLOCKS if view else MESSAGE_BLOCKS):
            found.append(f"no {kind} block here")
        else:
            found += globals()[f"_{kind}"](block)
        if len(block.get("block_id", "")) > 255:
            found.append("block_id too long")
    ids = [e.get("action_id") for b in blocks for e in b.get("elements", []) if isinstance(e, Mapping)]
    ids = [i for i in ids if i]
    if len(ids) != len(set(ids)):
        found.append("two elements share an action_id")
    markdown = sum(len(block["text"]) for block in blocks if block.get("type") == "markdown")
    if markdown > MARKDOWN:
        found.append(f"{markdown} characters of Markdown")
    if sum(1 for block in blocks if block.get("type") == "table") > 1:
        found.append("two tables")
    return found


def view_problems(view: Mapping[str, Any]) -> list[str]:
    """What Slack would refuse in a modal."""
    found = problems(view.get("blocks"), view=True)
    for field in ("title", "submit", "close"):
        if not 0 < len(view[field]["text"]) <= 24:
            found.append(f"{field} of {len(view[field]['text'])} characters")
    if len(view.get("private_metadata", "")) > 3000:
        found.append("private_metadata too long")
    if not 0 < len(view.get("callback_id", "")) <= 255:
        found.append("callback_id")
    return found


def pings(value: Any) -> list[str]:
    """Every string in a payload that would ping a person, a channel or a group."""
    if isinstance(value, str):
        return [value] if PING.search(value) else []
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, Sequence) else ()
    return [found for item in items for found in pings(item)]


def _text(value: Any, limit: int, kinds: Sequence[str] = ("mrkdwn", "plain_text")) -> list[str]:
    if not isinstance(value, Mapping) or value.get("type") not in kinds:
        return [f"no text object: {value!r}"]
    length = len(value.get("text", ""))
    return [] if 0 < length <= limit else [f"text of {length} characters, at most {limit}"]


def _section(block: Mapping[str, Any]) -> list[str]:
    found = _text(block.get("text"), SECTION)
    return found + (_element(block["accessory"]) if "accessory" in block else [])


def _header(block: Mapping[str, Any]) -> list[str]:
    return _text(block.get("text"), 150, ("plain_text",))


def _divider(block: Mapping[str, Any]) -> list[str]:
    return []


def _markdown(block: Mapping[str, Any]) -> list[str]:
    return [] if 0 < len(block.get("text", "")) <= MARKDOWN else ["markdown block empty or too long"]


def _context(block: Mapping[str, Any]) -> list[str]:
    elements = block.get("elements", [])
    found = [] if 0 < len(elements) <= 10 else [f"{len(elements)} context elements"]
    return found + [problem for element in elements for problem in _text(element, SECTION)]


def _actions(block: Mapping[str, Any]) -> list[str]:
    elements = block.get("elements", [])
    found = [] if 0 < len(elements) <= 25 else [f"{len(elements)} actions"]
    return found + [problem for element in elements for problem in _element(element)]


def _context_actions(block: Mapping[str, Any]) -> list[str]:
    elements = block.get("elements", [])
    found = [] if 0 < len(elements) <= 5 else [f"{len(elements)} context actions"]
    for element in elements:
        for side in ("positive_button", "negative_button"):
            found += _text(element[side].get("text"), BUTTON, ("plain_text",))
            found += [] if 0 < len(element[side].get("value", "")) <= VALUE else ["feedback value"]
    return found


def _input(block: Mapping[str, Any]) -> list[str]:
    return _text(block.get("label"), 2000, ("plain_text",)) + _element(block["element"])


def _table(block: Mapping[str, Any]) -> list[str]:
    rows = block.get("rows", [])
    found = [] if 0 < len(rows) <= 100 else [f"{len(rows)} rows"]
    if any(not 0 < len(row) <= 20 for row in rows) or len({len(row) for row in rows}) > 1:
        found.append("columns")
    if len(block.get("column_settings", [])) > 20:
        found.append("column settings")
    size = 0
    for cell in (cell for row in rows for cell in row):
        if cell["type"] == "raw_text":
            parts = [cell]
        else:
            parts = [e for section in cell["elements"] for e in section["elements"]]
            found += [] if parts else ["empty cell"]
        found += ["empty text in a cell" for part in parts if not part.get("text")]
        size += sum(len(part.get("text", "")) for part in parts)
    return [*found, f"{size} characters in cells"] if size > 10_000 else found


def _element(element: Mapping[str, Any]) -> list[str]:
    kind = element.get("type")
    found = [] if 0 < len(element.get("action_id", "")) <= 255 else ["action_id"]
    if kind == "button":
        found += _text(element.get("text"), BUTTON, ("plain_text",))
        found += [] if len(element.get("value", "")) <= VALUE else ["button value too long"]
        found += [] if len(element.get("url", "")) <= URL else ["button url too long"]
    elif kind == "static_select":
        options = element.get("options", [])
        found += [] if 0 < len(options) <= 100 else [f"{len(options)} options"]
        for option in options:
            found += _text(option.get("text"), 75, ("plain_text",))
            found += [] if 0 < len(option["value"]) <= 150 else ["option value"]
        if element.get("initial_option") not in (None, *options):
            found.append("initial_option is none of the options")
    elif kind not in ("conversations_select", "plain_text_input"):
        found.append(f"no {kind} element known")
    return found
