"""Reads the YAML landing pages of Microsoft Learn: their titles, summaries and the texts of their cards."""

from typing import Any
from urllib.parse import urljoin

from ingest.blocks import Block, Heading, ListItem, Metadata, Paragraph, Parsed
from ingest.readers.words import decode, iso_date, tidy

_PROSE = ("summary", "description", "text")


def read_landing(data: bytes, url: str = "") -> Parsed:
    """The page in YAML bytes. ValueError, with the reason, where it is no page of text."""
    import yaml

    text = decode(data)
    if not text.lstrip().startswith("### YamlMime:"):
        raise ValueError("a YAML file that is no page")
    try:
        page = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"broken YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(page, dict):
        raise ValueError("a YAML page without content")
    metadata = page.get("metadata")
    about: dict[str, Any] = metadata if isinstance(metadata, dict) else {}
    title = tidy(str(page.get("title") or about.get("title") or ""))
    blocks: list[Block] = []
    links: dict[str, None] = {}
    summary = tidy(str(page.get("summary") or page.get("brand") or ""))
    if summary:
        blocks.append(Paragraph(summary))
    for key, value in page.items():
        if key not in ("metadata", "title", "summary", "brand"):
            _walk(value, 2, url, blocks, links, 0)
    return Parsed(
        Metadata(
            title=title, published=iso_date(about.get("ms.date")), description=tidy(str(about.get("description") or ""))
        ),
        tuple(blocks),
        tuple(links),
    )


def _walk(node: Any, level: int, url: str, blocks: list[Block], links: dict[str, None], depth: int) -> None:
    if depth > 20:
        return
    if isinstance(node, list):
        for child in node:
            _walk(child, level, url, blocks, links, depth + 1)
    elif isinstance(node, dict):
        address = node.get("url") or node.get("href")
        words = tidy(str(node.get("text") or node.get("title") or node.get("question") or ""))
        if isinstance(address, str):
            links.setdefault(urljoin(url, address))
        if isinstance(node.get("text"), str) and isinstance(address, str):
            blocks.append(ListItem(words, pointer=True))
        elif words:
            blocks.append(Heading(min(level, 6), words))
            blocks += [
                Paragraph(tidy(str(node[key])))
                for key in (*_PROSE, "answer")
                if isinstance(node.get(key), str) and key != "text"
            ]
        for value in node.values():
            if isinstance(value, list | dict):
                _walk(value, level + 1, url, blocks, links, depth + 1)
