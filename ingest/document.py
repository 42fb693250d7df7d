"""Makes the records of one document: sections, chunks and statements with their ids, addresses and stances."""

import hashlib
from dataclasses import dataclass
from urllib.parse import quote

from ingest.anchors import section_url
from ingest.blocks import Parsed
from ingest.chunk import CountTokens, Packed, pack
from ingest.sections import Layout, Unit, lay_out
from ingest.sources import Fetched
from ingest.stance import Setting, Stance, StanceFinder
from ingest.standing import standing_of
from kb.records import Chunk, Document, Section, Statement

_CARRIES = (
    "it ",
    "its ",
    "it's ",
    "it’s ",
    "this ",
    "these ",
    "they ",
    "their ",
    "that ",
    "the service ",
    "the platform ",
    "the workspace ",
    "while it ",
    "because it ",
    "when it ",
    "if it ",
    "furthermore, it ",
    "instead, it ",
    "over the years, it ",
    "additionally, it ",
    "also, it ",
    "you ",
    "for ",
)


@dataclass(frozen=True, slots=True)
class Records:
    """One document with all that is in it, in order."""

    document: Document
    sections: tuple[Section, ...]
    chunks: tuple[Chunk, ...]
    statements: tuple[Statement, ...]


def make_records(
    fetched: Fetched, parsed: Parsed, *, stances: StanceFinder, count_tokens: CountTokens, max_tokens: int
) -> Records | None:
    """The records of a parsed document; None where it says nothing.

    The same bytes under the same address make the same records, ids included.
    """
    layout = lay_out(parsed.blocks)
    if not layout.units:
        return None
    meta = parsed.metadata
    url = fetched.url or meta.url
    source_id = url.split("#")[0] if url and not url.startswith("whichway:") else fetched.path
    title = fetched.title or meta.title or _named_after(fetched.path or url)
    standing = fetched.standing or standing_of(title, layout.text, stances.finder)
    document = Document(
        id=digest("document", source_id),
        source_id=source_id,
        origin=fetched.origin,
        title=title,
        url=url or f"whichway://source/{quote(source_id.lstrip('/'))}",
        text=layout.text,
        standing=standing,
        published=fetched.published or meta.published or (meta.updated if not _is_guide(fetched) else None),
        fetched=(meta.updated or fetched.fetched) if _is_guide(fetched) else fetched.fetched,
        licence=fetched.licence or meta.licence,
        language=meta.language,
        state=fetched.state,
    )
    sections = _sections(document, layout)
    chunks: list[Chunk] = []
    statements: list[Statement] = []
    page = stances.of_page(title, document.url) if standing == "reference" else ()
    before: tuple[Unit, tuple[str, ...]] | None = None
    for packed in pack(layout, title, count_tokens=count_tokens, max_tokens=max_tokens):
        section = sections[packed.units[0].section]
        chunk = _chunk(document, section, layout, packed)
        chunks.append(chunk)
        for unit in packed.units:
            statement = _statement(document, section, chunk, layout, unit, stances, page, before)
            statements.append(statement)
            before = (unit, statement.options)
    return Records(document, sections, tuple(chunks), tuple(statements))


def digest(*parts: object) -> str:
    """A short hash of parts: the id of what they describe."""
    joined = "\x1f".join(str(part) for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def _sections(document: Document, layout: Layout) -> tuple[Section, ...]:
    seen: dict[str, int] = {}
    sections: list[Section] = []
    for ordinal, span in enumerate(layout.sections):
        text = layout.text[span.start : span.end]
        key = digest(document.source_id, *span.path, text)
        seen[key] = seen.get(key, 0) + 1
        sections.append(
            Section(
                id=digest("section", key, seen[key]),
                document_id=document.id,
                path=span.path,
                anchor=span.anchor,
                url=section_url(
                    document.url, span.anchor, span.path[-1] if span.path else "", certain=not span.by_rule
                ),
                start=span.start,
                end=span.end,
                ordinal=ordinal,
                topic=span.topic,
            )
        )
    return tuple(sections)


def _chunk(document: Document, section: Section, layout: Layout, packed: Packed) -> Chunk:
    text = layout.text[packed.start : packed.end]
    return Chunk(
        id=digest("chunk", section.id, packed.start - section.start, text),
        document_id=document.id,
        section_id=section.id,
        start=packed.start,
        end=packed.end,
        context=packed.context,
        text=text,
    )


def _statement(
    document: Document,
    section: Section,
    chunk: Chunk,
    layout: Layout,
    unit: Unit,
    stances: StanceFinder,
    page: tuple[str, ...],
    before: tuple[Unit, tuple[str, ...]] | None,
) -> Statement:
    text = layout.words(unit)
    if unit.kind == "code":
        # Code uses an option; it does not speak for it.
        stance = Stance(None, stances.finder.named(text), 0.0)
        return _stated(document, section, chunk, unit, text, stance)
    follows = before is not None and before[0].block == unit.block and text.lower().startswith(_CARRIES)
    stance = stances.judge(
        text,
        Setting(
            column=unit.column,
            headings=section.path,
            lead_in=unit.lead_in,
            carried=before[1] if before and follows else (),
            page=page,
            weighs=document.standing != "reference",
        ),
    )
    return _stated(document, section, chunk, unit, text, stance)


def _stated(document: Document, section: Section, chunk: Chunk, unit: Unit, text: str, stance: Stance) -> Statement:
    heading = section.path[-1] if section.path else document.title
    context = " — ".join(part for part in (unit.row, unit.column) if part) or unit.lead_in or heading
    return Statement(
        id=digest("statement", chunk.id, unit.start - section.start, unit.end - section.start),
        chunk_id=chunk.id,
        section_id=section.id,
        document_id=document.id,
        start=unit.start,
        end=unit.end,
        kind=unit.kind,
        text=text,
        stance=stance.option,
        options=stance.options,
        strength=stance.strength,
        context=context,
        basis=unit.basis,
    )


def _is_guide(fetched: Fetched) -> bool:
    return fetched.standing == "guide"


def _named_after(path: str) -> str:
    name = path.rstrip("/").split("/")[-1].split("?")[0]
    return name.rsplit(".", 1)[0].replace("-", " ").replace("_", " ").strip().capitalize() or path
