"""From a tree of HTML elements to blocks: the one walk that HTML and, rendered, Markdown share."""

import re
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement

from ingest.blocks import Block, Code, Heading, ListItem, Paragraph, TableRow
from ingest.readers.words import tidy

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SKIPPED = frozenset(
    """
    script style noscript template head title meta link svg canvas iframe object embed audio video map img picture
    form button input select option textarea label dialog menu math
    """.split()  # noqa: SIM905
)
_BLOCKS = frozenset(
    """
    html body main article section div header footer aside nav p blockquote ul ol dl table pre details summary
    figure figcaption hr address center fieldset legend dt dd li thead tbody tfoot tr td th caption hgroup search
    """.split()  # noqa: SIM905
) | frozenset(_HEADINGS)
PLACE_OF_IMAGE = "\ufffc"
"""Stands in a heading for an image until its anchor is made: sites make a hyphen of the space beside it."""
_DEEPEST = 80
_LEAD_IN_WORDS = 40


class TreeReader:
    """Collects blocks and links from an element; `base` resolves relative links."""

    def __init__(self, base: str = "") -> None:
        self.base = base
        self.blocks: list[Block] = []
        self._links: dict[str, None] = {}
        self._inline: list[str] = []
        self._last_words = ""
        self._outer_id = ""

    @property
    def links(self) -> tuple[str, ...]:
        """The links met so far, absolute, each once."""
        return tuple(self._links)

    def walk(self, element: HtmlElement, depth: int = 0) -> None:
        """Add the blocks in an element, in reading order."""
        self._inline.append(_flat(element.text))
        for child in element:
            self._child(child, depth)
            self._inline.append(_flat(child.tail))
        if depth == 0:
            self._flush()

    def _child(self, child: HtmlElement, depth: int) -> None:
        tag = child.tag if isinstance(child.tag, str) else ""
        if not tag or tag in _SKIPPED:
            return
        if tag not in _BLOCKS and not (depth < _DEEPEST and _has_block(child)):
            self._inline.append(self._words(child))
            return
        self._flush()
        if depth >= _DEEPEST:
            self._paragraph(self._words(child))
        elif tag in _HEADINGS:
            self._heading(child, _HEADINGS[tag])
        elif tag in ("ul", "ol"):
            self._list(child, 0, depth)
        elif tag == "dl":
            self._definitions(child, depth)
        elif tag == "table":
            self._table(child, depth)
        elif tag == "pre":
            self._code(child)
        elif tag != "hr":
            if tag == "section" and child.get("id"):
                self._outer_id = child.get("id", "")
            self.walk(child, depth + 1)
            self._flush()

    def _flush(self) -> None:
        words, self._inline = "".join(self._inline), []
        self._paragraph(words)

    def _paragraph(self, words: str) -> None:
        if text := tidy(words):
            self.blocks.append(Paragraph(text))
            self._last_words = text

    def _heading(self, element: HtmlElement, level: int) -> None:
        anchor = element.get("id") or self._outer_id
        if not anchor:
            marks = [a.get("id") or a.get("name") for a in element.iter("a", "span")]
            anchor = next((mark for mark in marks if mark), "")
        self._outer_id = ""
        words = self._words(element, images=True)
        if text := tidy(words).replace("\n", " ").rstrip(" ¶#").rstrip():
            self.blocks.append(Heading(level, text, anchor))
            self._last_words = ""

    def _code(self, element: HtmlElement) -> None:
        text = "".join(element.itertext()).replace("\r\n", "\n").replace("\x00", "").strip("\n")
        if text.strip():
            self.blocks.append(Code(text))

    def _list(self, element: HtmlElement, level: int, depth: int) -> None:
        lead_in = lead_in_of(self._last_words)
        for item in element:
            if not isinstance(item.tag, str) or item.tag in _SKIPPED:
                continue
            if item.tag in ("ul", "ol") and depth < _DEEPEST:
                self._list(item, level + 1, depth + 1)
            else:
                self._item(item, lead_in, level, depth + 1)
        self._last_words = ""

    def _item(self, item: HtmlElement, lead_in: str, level: int, depth: int) -> None:
        """The item's first words are the item; what blocks follow in it keep their own kind."""
        first: list[str] = [_flat(item.text)]
        rest = list(item)
        while rest:
            child = rest[0]
            tag = child.tag if isinstance(child.tag, str) else ""
            if tag in _BLOCKS and not (tag in ("p", "div") and not tidy("".join(first)) and not _has_block(child)):
                break
            rest.pop(0)
            if tag and tag not in _SKIPPED:
                first.append(self._words(child))
            first.append(_flat(child.tail))
            if tag in ("p", "div"):
                break
        text = tidy("".join(first))
        if text:
            self.blocks.append(ListItem(text, lead_in, level, _is_pointer(item, text)))
            self._last_words = text
        for child in rest:
            if isinstance(child.tag, str) and child.tag in ("ul", "ol") and depth < _DEEPEST:
                self._flush()
                self._list(child, level + 1, depth)
            else:
                self._child(child, depth)
            self._inline.append(_flat(child.tail))
        self._flush()

    def _definitions(self, element: HtmlElement, depth: int) -> None:
        term = ""
        for child in element.iter("dt", "dd"):
            if child.tag == "dt":
                term = tidy(self._words(child))
            else:
                before = len(self.blocks)
                self._item(child, term, 0, depth + 1)
                if len(self.blocks) == before and term:
                    self.blocks.append(ListItem(term))

    def _table(self, element: HtmlElement, depth: int) -> None:
        rows = [row for row in element.iter("tr") if _nearest_table(row) is element]
        if element.get("role") in ("presentation", "none") or all(len(row) <= 1 for row in rows):
            for row in rows:
                for cell in row:
                    if isinstance(cell.tag, str):
                        self.walk(cell, depth + 1)
                        self._flush()
            return
        grid = [self._cells(row) for row in rows]
        header: tuple[str, ...] = ()
        if rows and (_in_head(rows[0]) or all(cell.tag == "th" for cell in rows[0] if isinstance(cell.tag, str))):
            header, grid = grid[0], grid[1:]
        for cells in grid:
            if any(cells):
                padded = header[: len(cells)] + ("",) * (len(cells) - len(header)) if header else ()
                self.blocks.append(TableRow(cells, padded))
        if header and not grid:
            self._paragraph(" | ".join(header))
        self._last_words = ""

    def _cells(self, row: HtmlElement) -> tuple[str, ...]:
        cells: list[str] = []
        for cell in row:
            if isinstance(cell.tag, str) and cell.tag in ("td", "th"):
                parts = [re.sub(r"^[-*•·]\s+", "", part) for part in tidy(self._words(cell)).split("\n")]
                text = " • ".join(part for part in parts if part.strip(" -*•"))
                span = cell.get("colspan", "1")
                cells.extend([text] * (int(span) if span.isdecimal() and 0 < int(span) <= 20 else 1))
        return tuple(cells)

    def _words(self, element: HtmlElement, *, images: bool = False) -> str:
        """The words of an element; line breaks and inner blocks become newlines, images their place or nothing."""
        words: list[str] = []
        # An explicit stack: hostile pages nest deeper than Python's own.
        stack: list[HtmlElement | str] = [element]
        while stack:
            node = stack.pop()
            if isinstance(node, str):
                words.append(node)
                continue
            tag = node.tag if isinstance(node.tag, str) else ""
            if not tag or tag in _SKIPPED:
                words.append(PLACE_OF_IMAGE if images and tag == "img" else "")
                continue
            if tag == "a":
                self._link(node)
            edge = "\n" if tag in _BLOCKS or tag == "br" else ""
            inner: list[HtmlElement | str] = [edge, _flat(node.text)]
            for child in node:
                inner += [child, _flat(child.tail)]
            stack.extend(reversed([*inner, edge]))
        return "".join(words)

    def _link(self, element: HtmlElement) -> None:
        target = (element.get("href") or "").strip()
        if not target or target.startswith(("#", "mailto:", "javascript:", "data:", "tel:")):
            return
        try:
            address = urljoin(self.base, target)
            if urlsplit(address).scheme in ("http", "https"):
                self._links.setdefault(address.split("#")[0])
        except ValueError:
            return


def lead_in_of(words: str) -> str:
    """What a list goes on from: the last sentence before it, where that announces one, or a caption."""
    last = re.split(r"(?<=[.!?])\s+(?=[A-Z])|\n", words)[-1] if words else ""
    size = len(last.split())
    announces = last.endswith((":", "：")) or re.search(r"\b(?:following|these|below|such as)\b", last, re.I)
    caption = size <= 8 and not last.endswith((".", "!", "?"))
    return last if last and size <= _LEAD_IN_WORDS and (announces or caption) else ""


def _flat(text: str | None) -> str:
    """Text of the source on one line: there a newline is a space; in the walk it stands for a hard break."""
    return text.replace("\n", " ") if text else ""


def _has_block(element: HtmlElement) -> bool:
    return any(isinstance(child.tag, str) and child.tag in _BLOCKS for child in element.iterdescendants())


def _is_pointer(item: HtmlElement, text: str) -> bool:
    anchors = [a for a in item.iter("a") if a.get("href")]
    return len(anchors) == 1 and tidy("".join(anchors[0].itertext())).strip(" .") == text.strip(" .")


def _nearest_table(row: HtmlElement) -> HtmlElement | None:
    parent = row.getparent()
    while parent is not None and parent.tag != "table":
        parent = parent.getparent()
    return parent


def _in_head(row: HtmlElement) -> bool:
    parent = row.getparent()
    return parent is not None and parent.tag == "thead"
