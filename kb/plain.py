"""The plain files of a snapshot: the truth that everything else is made from, checked by hash when read.

`statements.jsonl` stands in the order of the chunks, and each line of `chunks.jsonl` says which of its lines are the
chunk's: a reader parses the statements of the few chunks it needs, not a hundred thousand of them.
"""

import dataclasses
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from kb.errors import IndexDamagedError
from kb.records import Basis, Chunk, Corpus, Document, LeftOut, Section, Statement

FORMAT = 1
"""Of the snapshot's files. A reader refuses another one."""

MANIFEST = "manifest.json"
Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk and where its statements stand in `statements.jsonl`: lines `[first, first + count)`."""

    chunk: Chunk
    first: int
    count: int
    options: tuple[str, ...]


def in_stored_order(corpus: Corpus) -> Corpus:
    """The corpus with its statements in the order of the chunks, as files keep it.

    ValueError where a record points to one that is not there, or a text is not the span it says it is.
    """
    documents = {document.id: document for document in corpus.documents}
    sections = {section.id: section for section in corpus.sections}
    order = {chunk.id: position for position, chunk in enumerate(corpus.chunks)}
    _same_count("documents", documents, corpus.documents)
    _same_count("sections", sections, corpus.sections)
    _same_count("chunks", order, corpus.chunks)
    _same_count("statements", {statement.id: None for statement in corpus.statements}, corpus.statements)
    for section in corpus.sections:
        if not 0 <= section.start <= section.end <= len(documents[section.document_id].text):
            raise ValueError(f"section {section.id} reaches outside its document")
    spans: tuple[Chunk | Statement, ...] = (*corpus.chunks, *corpus.statements)
    for span in spans:
        section = sections[span.section_id]
        if not (section.start <= span.start <= span.end <= section.end):
            raise ValueError(f"{type(span).__name__} {span.id} reaches outside its section")
        if documents[span.document_id].text[span.start : span.end] != span.text:
            raise ValueError(f"the text of {type(span).__name__} {span.id} is not the span that it names")
    statements = sorted(corpus.statements, key=lambda statement: order[statement.chunk_id])
    return dataclasses.replace(corpus, statements=tuple(statements))


def encode(corpus: Corpus) -> dict[str, bytes]:
    """The files of a corpus in stored order, by name."""
    spans: dict[str, list[int]] = {}
    options: dict[str, dict[str, None]] = {}
    for line, statement in enumerate(corpus.statements):
        spans.setdefault(statement.chunk_id, [line, 0])[1] += 1
        options.setdefault(statement.chunk_id, {}).update(dict.fromkeys(statement.options))
    chunks = (
        _fields(chunk) | {"statements": spans.get(chunk.id, [0, 0]), "options": sorted(options.get(chunk.id, {}))}
        for chunk in corpus.chunks
    )
    return {
        "documents.jsonl": _lines(map(_fields, corpus.documents)),
        "sections.jsonl": _lines(map(_fields, corpus.sections)),
        "chunks.jsonl": _lines(chunks),
        "statements.jsonl": _lines(map(_fields, corpus.statements)),
        "left_out.jsonl": _lines(map(_fields, corpus.left_out)),
    }


def decode_documents(data: bytes) -> tuple[Document, ...]:
    """The documents of `documents.jsonl`."""
    return tuple(Document(**fields) for fields in _objects(data))


def decode_sections(data: bytes) -> tuple[Section, ...]:
    """The sections of `sections.jsonl`."""
    return tuple(Section(**fields | {"path": tuple(fields["path"])}) for fields in _objects(data))


def decode_chunks(data: bytes) -> tuple[StoredChunk, ...]:
    """The chunks of `chunks.jsonl`."""
    found = []
    for fields in _objects(data):
        (first, count), options = fields.pop("statements"), fields.pop("options")
        found.append(StoredChunk(Chunk(**fields), first, count, tuple(options)))
    return tuple(found)


def decode_left_out(data: bytes) -> tuple[LeftOut, ...]:
    """The lines of `left_out.jsonl`."""
    return tuple(LeftOut(**fields) for fields in _objects(data))


def decode_statements(lines: Sequence[bytes]) -> tuple[Statement, ...]:
    """Statements from lines of `statements.jsonl`."""
    return tuple(map(_statement, json.loads(b"[" + b",".join(lines) + b"]")))


def array_bytes(array: "np.ndarray[Any, Any]") -> bytes:
    """An array as the content of an `.npy` file."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def array_from(data: bytes) -> "np.ndarray[Any, Any]":
    """The array of an `.npy` file's content."""
    array: np.ndarray[Any, Any] = np.load(io.BytesIO(data), allow_pickle=False)
    return array


def content_id(files: Mapping[str, bytes], **made: object) -> str:
    """The id of a snapshot: a hash of its records and of all that made them.

    When a document was fetched is left out: a source fetched again and found unchanged makes no new snapshot.
    """
    digest = hashlib.sha256(json.dumps([FORMAT, made], sort_keys=True).encode())
    for name in sorted(files):
        data = files[name]
        if name == "documents.jsonl":
            data = _lines({k: v for k, v in fields.items() if k != "fetched"} for fields in _objects(data))
        digest.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
    return digest.hexdigest()[:16]


def seal(manifest: Mapping[str, object]) -> bytes:
    """The manifest as a file, with a checksum of itself."""
    body = json.dumps(dict(manifest), sort_keys=True)
    return json.dumps(dict(manifest) | {"sha256": _sha256(body.encode())}, sort_keys=True, indent=1).encode()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a snapshot. IndexDamagedError where it is missing, torn or of another format."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        checksum = manifest.pop("sha256")
        whole = checksum == _sha256(json.dumps(manifest, sort_keys=True).encode())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise damaged(folder, MANIFEST)
    if manifest["format"] != FORMAT:
        raise IndexDamagedError(
            f"the index {folder.name} has format {manifest['format']}, this whichway reads {FORMAT}; "
            "run: whichway ingest"
        )
    found: dict[str, Any] = manifest
    return found


def read_checked(folder: Path, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """Every plain file by name, each compared with the manifest. IndexDamagedError names the first that differs."""
    files = {}
    for name, expected in manifest["files"].items():
        try:
            data = (folder / name).read_bytes()
        except OSError:
            raise damaged(folder, name) from None
        if len(data) != expected["bytes"] or _sha256(data) != expected["sha256"]:
            raise damaged(folder, name)
        files[name] = data
    return files


def describe(data: bytes) -> dict[str, object]:
    """What the manifest says of a file."""
    return {"sha256": _sha256(data), "bytes": len(data)}


def damaged(folder: Path, name: str) -> IndexDamagedError:
    """The error for a file that does not match the manifest."""
    return IndexDamagedError(
        f"the index is damaged: {folder / name} is not what was written; "
        "run: whichway ingest (or whichway ingest --rollback)"
    )


def _statement(fields: dict[str, Any]) -> Statement:
    fields["options"] = tuple(fields["options"])
    fields["basis"] = tuple(Basis(**each) for each in fields["basis"])
    return Statement(**fields)


_NAMES: dict[type, tuple[str, ...]] = {
    kind: tuple(field.name for field in dataclasses.fields(kind))
    for kind in (Document, Section, Chunk, Statement, LeftOut, Basis)
}


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in _NAMES[type(record)]}


def _lines(objects: Iterable[dict[str, Any]]) -> bytes:
    encode_one: Callable[[object], str] = json.JSONEncoder(ensure_ascii=True, default=_fields).encode
    return b"".join(encode_one(each).encode() + b"\n" for each in objects)


def _objects(data: bytes) -> list[dict[str, Any]]:
    # One parse of one array is several times faster than a parse a line.
    found: list[dict[str, Any]] = json.loads(b"[" + data.rstrip(b"\n").replace(b"\n", b",") + b"]")
    return found


def _same_count(what: str, unique: Mapping[str, object], records: Sequence[object]) -> None:
    if len(unique) != len(records):
        raise ValueError(f"two {what} have one id")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
