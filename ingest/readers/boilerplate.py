"""Drops what a site adds to an article: its table of contents, "you may also like", author boxes, calls to act."""

import re

from ingest.blocks import Block, Code, Heading, ListItem, Paragraph, TableRow

_CONTENTS = re.compile(r"^(?:table of contents|contents|in this (?:article|page|guide|post)|on this page)\s*:?$", re.I)
_FAREWELL = re.compile(
    r"^(?:you (?:may|might) (?:also|like)\b.*|(?:related|recommended|more|similar|further) (?:articles?|posts?|reading|"
    r"stories|content)\b.{0,30}|about the author\b.*|share (?:this|on)\b.*|leave a (?:reply|comment)\b.*|"
    r"(?:read|see) (?:more|also|next)\s*[:.]?|subscribe\b.*|sign up\b.*newsletter.*|written by\b.{0,60}|"
    r"was this (?:page|article|helpful)\b.*|post navigation)$",
    re.I,
)
_BIOGRAPHY = re.compile(
    r"^(?:I am|I'm|I’m|Hi,? I|[A-Z]\w+ [A-Z]\w+ is an?) .*\b(?:years? of experience|MVP|blog|author)\b", re.S
)
_READ_MORE = re.compile(r"[\s.…]*\b(?:read more|continue reading|learn more)\s*(?:→|»|>>|…|\.\.\.)?\s*$", re.I)


def is_contents(text: str) -> bool:
    """Whether a heading or line announces a table of contents."""
    return bool(_CONTENTS.match(text.strip()))


def without_boilerplate(blocks: list[Block]) -> list[Block]:
    """The blocks of the article itself, in their order."""
    return _without_farewell(_without_contents(blocks))


def _without_contents(blocks: list[Block]) -> list[Block]:
    kept: list[Block] = []
    inside = False
    for index, block in enumerate(blocks):
        announces = isinstance(block, Heading | Paragraph) and is_contents(block.text)
        if announces and isinstance(blocks[min(index + 1, len(blocks) - 1)], ListItem):
            inside = True
        elif not (inside and isinstance(block, ListItem)):
            inside = False
            kept.append(block)
    return kept


def _without_farewell(blocks: list[Block]) -> list[Block]:
    """Cut from the first farewell after which no section of substance follows."""
    whole = len(blocks)
    for index, block in enumerate(blocks):
        if not isinstance(block, Heading | Paragraph) or not _FAREWELL.match(block.text.strip()):
            continue
        after = blocks[index + 1 :]
        if not any(isinstance(later, Heading | TableRow | Code) for later in after):
            blocks = blocks[:index]
            break
    while blocks and isinstance(blocks[-1], Paragraph) and _BIOGRAPHY.match(blocks[-1].text):
        blocks = blocks[:-1]
    if blocks and isinstance(blocks[-1], Paragraph) and _READ_MORE.fullmatch(blocks[-1].text):
        blocks = blocks[:-1]
    while len(blocks) < whole and blocks and isinstance(blocks[-1], Heading):
        blocks = blocks[:-1]
    return blocks
