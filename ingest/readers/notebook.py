"""Reads Jupyter notebooks: Markdown cells as text, code cells as code; outputs are left out."""

import json
from typing import Any

from ingest.blocks import Parsed
from ingest.readers.markdown import read_text_of_markdown
from ingest.readers.words import decode


def read_notebook(data: bytes, url: str = "") -> Parsed:
    """The document in a notebook's bytes. ValueError where it is no notebook."""
    try:
        notebook = json.loads(decode(data))
    except (json.JSONDecodeError, RecursionError):
        raise ValueError("a damaged notebook") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise ValueError("a notebook without cells")
    return read_text_of_markdown("\n\n".join(part for part in map(_cell, cells) if part), url=url)


def _cell(cell: Any) -> str:
    if not isinstance(cell, dict):
        return ""
    source = cell.get("source", "")
    text = "".join(str(line) for line in source) if isinstance(source, list) else str(source)
    if cell.get("cell_type") == "markdown":
        return text
    fence = "`" * 3
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}" if cell.get("cell_type") == "code" and text.strip() else ""
