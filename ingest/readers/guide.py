"""Reads a page of a guide (docs/guide.md): topics and parts as headings, statements as items with their basis."""

from pathlib import Path

from ingest.blocks import Block, Heading, ListItem, Metadata, Parsed
from kb.guidebook import GuidePage, read_page


def read_guide_page(path: Path, url: str) -> Parsed:
    """The page in `path`, whose address is `url`. SourceError, naming the line, where it breaks the format.

    A page is as old as the newest reading of the sources that it rests on.
    """
    page = read_page(path)
    return Parsed(Metadata(title=page.title, url=url, updated=_last_read(page), language="en"), tuple(_blocks(page)))


def _blocks(page: GuidePage) -> list[Block]:
    blocks: list[Block] = []
    for topic in page.topics:
        blocks.append(Heading(2, topic.title, topic.id, topic.id))
        for part in topic.parts:
            blocks.append(Heading(3, part.heading, topic.id, topic.id))
            blocks += [
                ListItem(item.text, basis=tuple(note.basis for note in item.footnotes)) for item in part.statements
            ]
    return blocks


def _last_read(page: GuidePage) -> str | None:
    read = (
        note.basis.read
        for topic in page.topics
        for part in topic.parts
        for item in part.statements
        for note in item.footnotes
    )
    return max(read, default=None)
