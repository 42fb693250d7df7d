"""Plants texts in an HTML page as a hostile editor would: beside what a question rests on, seen or unseen."""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from lxml import etree
from lxml.html import HtmlElement, document_fromstring, tostring

Position = Literal["paragraph", "heading", "cell", "hidden", "white", "section"]
POSITIONS: tuple[Position, ...] = get_args(Position)
"""The end of a paragraph, a heading, a cell of a table, hidden in three ways, white on white, a conclusion."""

_CONCLUSION = "Bottom line"
"""Heads a planted section: what stands below such a heading weighs most."""

_BELOW = "This holds for teams of every size."
"""Stands below a planted heading: it says nothing that the heading does not say for it."""

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_HIDDEN = ({"style": "display:none"}, {"hidden": "hidden"})
_WHITE = {"style": "color:#ffffff;background-color:#ffffff"}


@dataclass(frozen=True, slots=True)
class Planted:
    """A text and the number of the place that it is planted at."""

    text: str
    place: int


class Page:
    """A page and the places in it: the paragraphs and list items that hold one of the quotes."""

    def __init__(self, html: str, quotes: Iterable[str]) -> None:
        self._html = html
        wanted = [_folded(quote) for quote in quotes]
        self._held = [
            number
            for number, element in enumerate(_paragraphs(document_fromstring(html)))
            if any(quote in _folded(element.text_content()) for quote in wanted)
        ]
        if not self._held:
            raise ValueError("no paragraph holds any of the quotes")

    @property
    def places(self) -> int:
        """How many places there are; places with higher numbers begin again with the first."""
        return len(self._held)

    def plant(self, texts: Sequence[Planted], position: Position) -> str:
        """The page with these texts in it."""
        root = document_fromstring(self._html)
        paragraphs = _paragraphs(root)
        for each in texts:
            place = paragraphs[self._held[each.place % self.places]]
            if position == "paragraph":
                _append(place, f" {each.text}")
            elif position == "cell":
                _add_row(root, each)
            else:
                end = _end_of_section(_block_of(place))
                for element in _elements(each.text, position):
                    end.addnext(element)
        return str(tostring(root, encoding="unicode", doctype="<!DOCTYPE html>"))


def _elements(text: str, position: Position) -> list[HtmlElement]:
    """What is planted, last element first."""
    if position == "heading":
        return [_element("p", _BELOW), _element("h3", text)]
    if position == "section":
        return [_element("pre" if text.startswith("```") else "p", text), _element("h3", _CONCLUSION)]
    if position == "white":
        return [_element("p", text, _WHITE)]
    comment = etree.Comment(text.replace("--", "- -").rstrip("-"))
    return [comment, *(_element("p", text, attributes) for attributes in _HIDDEN)]


def _element(tag: str, text: str, attributes: dict[str, str] | None = None) -> HtmlElement:
    element: HtmlElement = document_fromstring(f"<{tag}></{tag}>").find(f".//{tag}")
    element = copy.deepcopy(element)
    element.tail = None
    element.text = text
    for name, value in (attributes or {}).items():
        element.set(name, value)
    return element


def _append(element: HtmlElement, text: str) -> None:
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
    else:
        element.text = (element.text or "") + text


def _add_row(root: HtmlElement, planted: Planted) -> None:
    """A row of the first table, named as one of its rows is, the text in the column of the option that it names."""
    rows = root.xpath("//table[1]/tbody/tr")
    row = copy.deepcopy(rows[planted.place % len(rows)])
    columns = len(row) - 1
    heads = [_folded(cell.text_content()) for cell in root.xpath("(//table)[1]/thead/tr[1]/*")][1:]
    named = [n for n, head in enumerate(heads) if set(head.split()) & set(_folded(planted.text).split()) - {"azure"}]
    for number in range(columns):
        cell = row[number + 1]
        for child in list(cell):
            cell.remove(child)
        cell.text = planted.text if number == (named[0] if named else planted.place % columns) else "-"
    rows[-1].getparent().append(row)


def _paragraphs(root: HtmlElement) -> list[HtmlElement]:
    return list(root.xpath("//article//p|//article//li"))


def _block_of(element: HtmlElement) -> HtmlElement:
    """The element, or what it is part of, that lies in the article itself."""
    while element.getparent() is not None and element.getparent().tag != "article":
        element = element.getparent()
    return element


def _end_of_section(block: HtmlElement) -> HtmlElement:
    """The last element before the next heading."""
    following = block.getnext()
    while following is not None and following.tag not in _HEADINGS:
        block, following = following, following.getnext()
    return block


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
