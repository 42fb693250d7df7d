"""Reads a snapshot's records: all of them checked against the manifest, statements parsed as they are asked for."""

import bisect
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb import plain
from kb.embedders import Vector
from kb.records import Chunk, Corpus, Document, LeftOut, Section, Statement

Rows = NDArray[np.intp]
"""Positions of chunks in `SnapshotReader.chunks`."""


_PARSED = 2000
"""Of so many chunks the parsed statements are kept: all those of a large index take more memory than its vectors."""


class SnapshotReader:
    """The records of one snapshot, by id. Safe to share between threads.

    IndexDamagedError for a file that is missing or is not what was written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest: dict[str, Any] = plain.read_manifest(folder)
        self.snapshot_id: str = self.manifest["id"]
        files = plain.read_checked(folder, self.manifest)
        self.documents = plain.decode_documents(files.pop("documents.jsonl"))
        self.sections = plain.decode_sections(files.pop("sections.jsonl"))
        self._stored = plain.decode_chunks(files.pop("chunks.jsonl"))
        self.chunks = tuple(each.chunk for each in self._stored)
        self._document_of = {document.id: document for document in self.documents}
        self._section_of = {section.id: section for section in self.sections}
        self._row_of = {chunk.id: row for row, chunk in enumerate(self.chunks)}
        self._statement_lines = files.pop("statements.jsonl").splitlines()
        self.vectors: Vector = plain.array_from(files.pop("vectors.npy")).astype(np.float32, copy=False)
        """One row of length 1 for each chunk."""
        rows = plain.array_from(files.pop("statement_vectors.npy"))
        self.statement_vectors: Vector = rows.astype(np.float32, copy=False)
        """One row of length 1 for each of `statement_ids`: what guides and comparisons say of an option."""
        self._embedded_lines: NDArray[np.int32] = plain.array_from(files.pop("statement_rows.npy"))
        self._left_out = files["left_out.jsonl"]
        self._parsed: dict[int, tuple[Statement, ...]] = {}

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Every statement, in the order of the chunks. Parsed on first use: ask for a chunk's where that is enough."""
        return tuple(each for row in range(len(self.chunks)) for each in self._statements_of_row(row))

    @cached_property
    def left_out(self) -> tuple[LeftOut, ...]:
        """What was found and not indexed, and why."""
        return plain.decode_left_out(self._left_out)

    @cached_property
    def corpus(self) -> Corpus:
        """All that was indexed, every statement parsed: for a large index much more than its other records."""
        return Corpus(self.documents, self.sections, self.chunks, self.statements, self.left_out)

    def document(self, id_: str) -> Document:
        """The document of that id; KeyError where there is none."""
        return self._document_of[id_]

    def section(self, id_: str) -> Section:
        """The section of that id; KeyError where there is none."""
        return self._section_of[id_]

    def holds_section(self, id_: str) -> bool:
        """Whether there is a section of that id."""
        return id_ in self._section_of

    def section_text(self, id_: str) -> str:
        """The text of a section: what a quote's offsets, less `section.start`, count into."""
        section = self._section_of[id_]
        return self._document_of[section.document_id].text[section.start : section.end]

    def chunk(self, id_: str) -> Chunk:
        """The chunk of that id; KeyError where there is none."""
        return self.chunks[self._row_of[id_]]

    def statements_of_chunk(self, id_: str) -> tuple[Statement, ...]:
        """The statements of a chunk, in the order of its text."""
        return self._statements_of_row(self._row_of[id_])

    def statement(self, id_: str) -> Statement:
        """The statement of that id; KeyError where there is none."""
        return self._statement_of[id_]

    def rows(self, *, standing: Sequence[str] | None = None, options: Sequence[str] | None = None) -> Rows:
        """Chunks of documents with one of these standings, with a statement about one of these options."""
        kept = np.ones(len(self.chunks), dtype=bool)
        if standing is not None:
            # One comparison a standing: isin over a hundred thousand words takes tens of milliseconds.
            kept &= np.logical_or.reduce([self._standings == each for each in standing], initial=False)
        if options is not None:
            kept &= np.array([not set(options).isdisjoint(each.options) for each in self._stored], dtype=bool)
        return np.flatnonzero(kept)

    @cached_property
    def statement_ids(self) -> tuple[str, ...]:
        """Ids of the statements that have vectors, aligned with `statement_vectors`."""
        return tuple(statement.id for statement in self.embedded_statements)

    @cached_property
    def embedded_statements(self) -> tuple[Statement, ...]:
        """The statements that have vectors, aligned with `statement_vectors`; only their chunks' lines are parsed."""
        return tuple(self._statement_in_line(int(line)) for line in self._embedded_lines)

    @cached_property
    def _standings(self) -> "NDArray[np.str_]":
        return np.array([self._document_of[chunk.document_id].standing for chunk in self.chunks], dtype=np.str_)

    @cached_property
    def _statement_of(self) -> dict[str, Statement]:
        return {statement.id: statement for statement in self.statements}

    @cached_property
    def _speaking_rows(self) -> tuple[list[int], list[int]]:
        pairs = sorted((each.first, row) for row, each in enumerate(self._stored) if each.count)
        return [first for first, _ in pairs], [row for _, row in pairs]

    def _statement_in_line(self, line: int) -> Statement:
        firsts, rows = self._speaking_rows
        row = rows[bisect.bisect_right(firsts, line) - 1]
        return self._statements_of_row(row)[line - self._stored[row].first]

    def _statements_of_row(self, row: int) -> tuple[Statement, ...]:
        found = self._parsed.get(row)
        if found is None:
            first, count = self._stored[row].first, self._stored[row].count
            found = plain.decode_statements(self._statement_lines[first : first + count])
            if len(self._parsed) >= _PARSED:
                self._parsed.clear()
            self._parsed[row] = found
        return found
