"""What a reader makes of any format: a flat list of blocks, free of markup, and what the document says of itself."""

from dataclasses import dataclass, field

from kb.records import Basis


@dataclass(frozen=True, slots=True)
class Heading:
    """A section's heading. `level` counts from 1; `anchor` is the id that the source gives it, else one by rule.

    `topic` is the guide topic that starts here; `by_rule`: the source gives no anchor.
    """

    level: int
    text: str
    anchor: str = ""
    topic: str | None = None
    by_rule: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; a newline in it is a hard break."""

    text: str


@dataclass(frozen=True, slots=True)
class ListItem:
    """One item. `lead_in` is the words that it completes; `pointer`: it is a link and nothing else."""

    text: str
    lead_in: str = ""
    depth: int = 0
    pointer: bool = False
    basis: tuple[Basis, ...] = ()


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of a table below its header; `header` has one entry a cell, or none at all."""

    cells: tuple[str, ...]
    header: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Code:
    """Preformatted text, its lines kept."""

    text: str


Block = Heading | Paragraph | ListItem | TableRow | Code


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a document says of itself; dates are ISO dates, `url` is its canonical address."""

    title: str = ""
    url: str = ""
    published: str | None = None
    updated: str | None = None
    licence: str | None = None
    language: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document as blocks. `links` are the absolute addresses that it points to, each once, in order."""

    metadata: Metadata
    blocks: tuple[Block, ...]
    links: tuple[str, ...] = field(default=())
