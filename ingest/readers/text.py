"""Reads plain text: headings from its table of contents and from their shape, lists, pipe tables and sketches."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from ingest.anchors import Anchors
from ingest.blocks import Block, Code, Heading, ListItem, Metadata, Paragraph, Parsed, TableRow
from ingest.readers.boilerplate import is_contents, without_boilerplate
from ingest.readers.tree import lead_in_of
from ingest.readers.words import decode, tidy

_ITEM = re.compile(r"^(\s*)(?:[-*•–]|\d{1,2}[.)])\s+(?=\S)")
_GLUED_ITEM = re.compile(r"(?<=[.!?)])\s+-\s+(?=[A-Z][^.:]{2,60}:\s)")
_GLUED_HEADING = re.compile(r"(?<=[\])}])(?=[A-Z])")
_ARROW = re.compile(r"(?:➔|→|⟶|=>|->|-->|⇒|»)")
_SMALL = frozenset(
    """
    a an and as at but by for from if in into is it nor of on or per so than the to vs via with
    """.split()  # noqa: SIM905
)
_WRAPPED_AT = 110
_HEADING_WORDS = 14


def read_text(data: bytes, url: str = "") -> Parsed:
    """The document in plain text bytes. ValueError, with the reason, where they are no text."""
    from ingest.readers.markdown import read_text_of_markdown

    text = decode(data).replace("\r\n", "\n").replace("\r", "\n")
    if len(re.findall(r"(?m)^#{1,4} \S", text)) >= 2 and "```" not in text.split("#")[0]:
        return read_text_of_markdown(text, url=url)
    lines = _mended(_unwrapped(text.split("\n")))
    contents = _contents(lines)
    blocks = without_boilerplate(list(_blocks(lines, contents)))
    title = next((b.text for b in blocks if isinstance(b, Heading)), "")
    if blocks and isinstance(blocks[0], Heading) and blocks[0].level == 1:
        blocks = blocks[1:]
    return Parsed(Metadata(title=title), tuple(Anchors.of(urlsplit(url)).fill(blocks)))


def _unwrapped(lines: list[str]) -> list[str]:
    """One line a paragraph: in a text wrapped at a width, the lines between two blank ones belong together."""
    if any(len(line) > _WRAPPED_AT for line in lines):
        return [line for line in lines if line.strip()]
    joined: list[str] = []
    open_paragraph = False
    for line in lines:
        bare = line.strip()
        underline = re.fullmatch(r"(=|-|~)\1{2,}", bare)
        if underline and joined and joined[-1]:
            joined[-1] = f"{'#' if bare[0] == '=' else '##'} {joined[-1]}"
            open_paragraph = False
        elif not bare or underline:
            open_paragraph = False
        elif open_paragraph and not _ITEM.match(line) and "|" not in line:
            joined[-1] += " " + bare
        else:
            joined.append(line.rstrip())
            open_paragraph = "|" not in line
    return joined


def _mended(lines: list[str]) -> list[str]:
    """Lines broken inside a bracket joined; items and headings glued to the line before them set free."""
    whole: list[str] = []
    for line in lines:
        if whole and whole[-1].rstrip().endswith(("(", "[")):
            whole[-1] = whole[-1].rstrip() + line.lstrip()
        else:
            whole.append(line)
    mended: list[str] = []
    for line in whole:
        cut = next((m.start() for m in _GLUED_HEADING.finditer(line) if _shaped(line[m.start() :])), None)
        parts = [line] if cut is None else [line[:cut], line[cut:]]
        for part in parts:
            first, *others = _GLUED_ITEM.split(part)
            mended += [first, *(f"- {other}" for other in others)]
    return mended


def _contents(lines: list[str]) -> frozenset[str]:
    """The entries of the table of contents that stand again later as lines of their own."""
    for index, line in enumerate(lines):
        if is_contents(line):
            entries: list[str] = []
            for entry in lines[index + 1 :]:
                if not _ITEM.match(entry):
                    break
                entries.append(_plain(_ITEM.sub("", entry)))
            later = {_plain(after) for after in lines[index + 1 + len(entries) :]}
            return frozenset(entry for entry in entries if entry in later)
    return frozenset()


def _blocks(lines: list[str], contents: frozenset[str]) -> Iterator[Block]:
    before = ""
    header: tuple[str, ...] = ()
    lead_in = ""
    in_table = in_list = False
    for index, line in enumerate(lines):
        text = tidy(line)
        if not text:
            continue
        after = lines[index + 1] if index + 1 < len(lines) else ""
        if text.count("|") >= 2 and (text.startswith("|") or text.count("|") >= 3):
            cells = tuple(cell.strip() for cell in text.strip("|").split("|"))
            if not in_table:
                in_table, header = True, cells
            elif any(cell.strip("-: ") for cell in cells):
                yield TableRow(cells, header if len(header) == len(cells) else ())
            continue
        in_table = False
        if item := _ITEM.match(line):
            if not in_list:
                lead_in, in_list = lead_in_of(before), True
            yield ListItem(tidy(line[item.end() :]), lead_in, len(item[1].expandtabs(4)) // 2)
            continue
        in_list = False
        level = _level(text, contents, after)
        if level:
            yield Heading(level, text.lstrip("# "))
            before = ""
        elif _ARROW.search(text) and text.count("[") >= 2:
            yield Code(text)
        else:
            yield Paragraph(text)
            before = text


def _level(text: str, contents: frozenset[str], after: str) -> int:
    """The level of a line as a heading, 0 where it is none."""
    if marked := re.match(r"(#{1,4}) ", text):
        return len(marked[1])
    if _plain(text) in contents:
        return 2
    if is_contents(text):
        return 2
    if numbered := re.match(r"(\d+(?:\.\d+)*)\.?\s+[A-Z]", text):
        return min(1 + len(numbered[1].split(".")), 6) if _shaped(text[numbered.end() - 1 :]) and after else 0
    followed = len(after.split()) > _HEADING_WORDS or bool(_ITEM.match(after)) or after.count("|") >= 2
    return (3 if contents else 2) if followed and _shaped(text) else 0


def _shaped(text: str) -> bool:
    """Whether a line has the shape of a heading: short, no full stop, and its longer words in capitals."""
    text = text.strip()
    words = re.findall(r"[^\W_][\w'’&/-]*", text)
    if not words or len(words) > _HEADING_WORDS or len(text) > 110 or re.search(r"[.;,]$|[.!?]\s|\|", text):
        return False
    if not (text[0].isupper() or text[0].isdigit()):
        return False
    telling = [word for word in words if word.lower() not in _SMALL]
    capital = sum(not word[0].islower() for word in telling)
    return bool(telling) and capital >= max(1, 0.8 * len(telling)) and (len(words) > 1 or not text.endswith(":"))


def _plain(line: str) -> str:
    return tidy(line).casefold()
