"""The vocabulary: frozen values that pass from source to answer.

    source -> document -> section -> chunk -> statement -> evidence

Every offset counts Unicode code points into `Document.text`, so `document.text[x.start:x.end]` is the text of a
section, chunk or statement. What a chunk borrows (title, headings, table header, list lead-in) is its `context`:
embedded and indexed with the text, shown beside a quote, never part of one.
"""

from dataclasses import dataclass
from typing import Literal

StatementKind = Literal["sentence", "item", "cell", "code", "heading"]

Standing = Literal["guide", "comparison", "reference"]
"""How a document speaks: our guide, a text that weighs the options, or a page about one thing."""


@dataclass(frozen=True, slots=True)
class Option:
    """One side of the decision: its id, its full name, and the other names people use."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Basis:
    """What a guide statement rests on. `published` and `read` are ISO dates; None: the source gives none."""

    title: str
    section: str
    url: str
    published: str | None
    read: str


@dataclass(frozen=True, slots=True)
class Document:
    """One source text, normalised.

    `source_id` is what evidence is counted by: its canonical address, or its path when it has none.
    `origin` is the configured source that brought it, as written in the configuration.
    Dates are ISO dates; None: not known.
    """

    id: str
    source_id: str
    origin: str
    title: str
    url: str
    text: str
    standing: Standing
    published: str | None
    fetched: str
    licence: str | None = None
    language: str | None = None
    state: str = "current"
    """`current`, or `stale: <reason>` where the last fetch failed and the last good version is kept."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the text under it, up to the next heading of any level.

    `path` is the headings from the document's title (left out) down to this one; empty for the text before the
    first heading. `url` opens this section. `topic` is the guide topic that it belongs to, if any.
    """

    id: str
    document_id: str
    path: tuple[str, ...]
    anchor: str
    url: str
    start: int
    end: int
    ordinal: int
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of statements of one section, short enough that the encoder reads context and text whole."""

    id: str
    document_id: str
    section_id: str
    start: int
    end: int
    context: str
    text: str

    @property
    def indexed_text(self) -> str:
        """What is embedded and indexed: the borrowed context, then the chunk's own words."""
        return f"{self.context}\n{self.text}" if self.context else self.text


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence, list item or table cell: the smallest thing that is quoted.

    `stance` is the option that it speaks for (an option id), None where it speaks for neither or for both.
    `options` are the options that it is about. `strength` says how far it weighs the options against each other:
    1.0 a verdict ("choose X if"), 0.5 a plain merit or fact, negative where it states a limit of `stance`.
    `context` is what has to be read with it: column header, list lead-in or heading.
    """

    id: str
    chunk_id: str
    section_id: str
    document_id: str
    start: int
    end: int
    kind: StatementKind
    text: str
    stance: str | None
    options: tuple[str, ...]
    strength: float
    context: str
    basis: tuple[Basis, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """A chunk that retrieval found, best first: rank counts from 1, score is higher for better."""

    rank: int
    score: float
    chunk: Chunk
    dense: float | None = None
    lexical: float | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that was found and not indexed, and why: one line for the user.

    `failed`: an address, or a source by its label, that could not be had this time, so that its last good version is
    kept. `vanished`: an address that is no more, so that what the index holds of it goes.
    """

    source_id: str
    reason: str
    kind: Literal["unread", "failed", "vanished"] = "unread"


@dataclass(frozen=True, slots=True)
class Corpus:
    """All that one index holds, in order: what ingest hands to the index, and what the index gives back."""

    documents: tuple[Document, ...]
    sections: tuple[Section, ...]
    chunks: tuple[Chunk, ...]
    statements: tuple[Statement, ...]
    left_out: tuple[LeftOut, ...] = ()
