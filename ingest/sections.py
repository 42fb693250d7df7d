"""Lays blocks out as the normalised text of a document: sections are spans of it, and units spans of sections.

Headings, list marks and the bars between cells stand in the text; a unit (sentence, list item, table cell, code) is
words of the source alone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ingest.blocks import Block, Heading, ListItem, Paragraph, TableRow
from ingest.sentences import sentence_spans
from kb.pointing_back import points_back
from kb.records import Basis, StatementKind

_TITLE, _REST = 30, 15
"""Characters up to which the beginning of an item is a title, and what follows a sentence is a rest of it."""

_WIDEST_HEADER = 50
_POINTING = re.compile(
    r"^(?:next steps?|related (?:\w+ ?)+|see also|learn more|further reading|more (?:information|resources))\W*$", re.I
)


@dataclass(frozen=True, slots=True)
class Span:
    """A section: its heading path (title left out), anchor (`by_rule`: not the source's own), and place in the text."""

    path: tuple[str, ...]
    anchor: str
    start: int
    end: int
    topic: str | None = None
    by_rule: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest thing that is quoted, with all that it borrows. `section` is an index into the layout's sections.

    `block` numbers the blocks of the document, so that units of one paragraph, item or row share it.
    `label`: too little to stand alone; a unit only where its section has nothing else.
    """

    start: int
    end: int
    kind: StatementKind
    section: int
    block: int
    lead_in: str = ""
    column: str = ""
    row: str = ""
    header: tuple[str, ...] = ()
    basis: tuple[Basis, ...] = ()
    label: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """A document's text with its sections and units, in order."""

    text: str
    sections: tuple[Span, ...]
    units: tuple[Unit, ...]

    def words(self, unit: Unit) -> str:
        """The unit's own words."""
        return self.text[unit.start : unit.end]


def lay_out(blocks: tuple[Block, ...]) -> Layout:
    """The layout of a document's blocks. Offsets count code points."""
    writer = _Writer()
    for number, block in enumerate(blocks):
        writer.add(number, block)
    return writer.finish()


class _Writer:
    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._sections: list[Span] = []
        self._units: list[Unit] = []
        self._stack: list[tuple[int, str]] = []
        self._before: Block | None = None

    def add(self, number: int, block: Block) -> None:
        if isinstance(block, Heading):
            self._open(block)
        else:
            if not self._sections:
                self._sections.append(Span((), "", 0, 0))
            if isinstance(block, Paragraph):
                self._gap()
                self._sentences(block.text, number)
            elif isinstance(block, ListItem):
                self._gap("\n" if isinstance(self._before, ListItem) else "\n\n")
                self._item(block, number)
            elif isinstance(block, TableRow):
                self._row(block, number)
            else:
                self._gap()
                start = self._length
                self._write(block.text)
                self._unit(Unit(start, self._length, "code", len(self._sections) - 1, number))
        self._before = block

    def finish(self) -> Layout:
        self._close()
        return Layout("".join(self._parts), tuple(self._sections), tuple(_told(self._units)))

    def _open(self, heading: Heading) -> None:
        self._close()
        while self._stack and self._stack[-1][0] >= heading.level:
            self._stack.pop()
        self._stack.append((heading.level, heading.text))
        self._gap()
        start = self._length
        self._write(heading.text)
        path = tuple(text for _, text in self._stack)
        self._sections.append(Span(path, heading.anchor, start, start, heading.topic, heading.by_rule))

    def _close(self) -> None:
        if self._sections:
            self._sections[-1] = replace(self._sections[-1], end=self._length)

    def _gap(self, gap: str = "\n\n") -> None:
        if self._length:
            self._write(gap)

    def _write(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)

    def _unit(self, unit: Unit) -> None:
        if unit.start < unit.end:
            self._units.append(unit)

    def _sentences(self, text: str, number: int) -> None:
        start = self._length
        self._write(text)
        for first, last in sentence_spans(text):
            unit = Unit(start + first, start + last, "sentence", len(self._sections) - 1, number)
            self._unit(replace(unit, label=_is_label(text[first:last])))

    def _item(self, item: ListItem, number: int) -> None:
        self._write("  " * min(item.depth, 8) + "- ")
        path = self._sections[-1].path
        label = item.pointer and bool((path and _POINTING.match(path[-1])) or _POINTING.match(item.lead_in))
        start = self._length
        self._write(item.text)
        for first, last in ((0, len(item.text)),) if item.basis else _parts(item.text):
            section = len(self._sections) - 1
            unit = Unit(start + first, start + last, "item", section, number, item.lead_in, basis=item.basis)
            self._unit(replace(unit, label=label))

    def _row(self, row: TableRow, number: int) -> None:
        if len(row.header) > _WIDEST_HEADER:
            row = replace(row, header=())
        goes_on = isinstance(self._before, TableRow) and self._before.header == row.header
        if any(row.header) and not goes_on:
            self._gap()
            self._write(" | ".join(row.header))
            goes_on = True
        self._gap("\n" if goes_on else "\n\n")
        name = row.cells[0] if len(row.cells) > 1 and len(row.cells[0].split()) <= 12 else ""
        for index, cell in enumerate(row.cells):
            if index:
                self._write(" | ")
            column = row.header[index] if index < len(row.header) else ""
            names_row = index == 0 and bool(name)
            start = self._length
            self._write(cell)
            label = names_row or not re.search(r"\w", cell)
            for first, last in sentence_spans(cell) if " • " in cell else _parts(cell):
                section = len(self._sections) - 1
                unit = Unit(start + first, start + last, "cell", section, number, "", column, "", row.header)
                self._unit(replace(unit, label=label, row="" if names_row else name))


def _parts(text: str) -> Iterator[tuple[int, int]]:
    """Spans of what an item or a cell says, one thing each.

    A title and its text are one, a question and what follows it, and what points back to the sentence before.
    """
    found: list[tuple[int, int]] = []
    for start, end in sentence_spans(text):
        if found:
            first, last = found[-1]
            titled = len(found) == 1 and last - first < _TITLE
            if titled or text[last - 1] in "?？" or end - start < _REST or points_back(text[start:end]):
                found[-1] = (first, end)
                continue
        found.append((start, end))
    yield from found


def _is_label(text: str) -> bool:
    """Whether words of a paragraph are a caption rather than a statement."""
    return not re.search(r"\w", text) or (len(text.split()) <= 8 and not re.search(r"[.!?:;)”\"]$", text))


def _told(units: list[Unit]) -> Iterator[Unit]:
    """The units that tell something: labels only where their section has nothing else."""
    telling = {unit.section for unit in units if not unit.label}
    return (unit for unit in units if not unit.label or unit.section not in telling)
