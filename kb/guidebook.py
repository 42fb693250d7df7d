"""Reads a guide page (the format of docs/guide.md) into topics, parts and statements with their basis."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from kb.errors import SourceError
from kb.records import Basis

_FRONT_MATTER = re.compile(r"\A\+\+\+\r?\n(.*?)\r?\n\+\+\+[^\S\n]*\r?\n", re.S)
_TOPIC = re.compile(r"^##\s+(.+?)\s*\{#([a-z0-9-]+)\}\s*$")
_PART = re.compile(r"^###\s+(.+?)\s*$")
_MARK = re.compile(r"\[\^([\w-]+)\]")
_NOTE = re.compile(r"^\[\^([\w-]+)\]:\s*([\w-]+)\s*\|\s*(.*?)\s*\|\s*(.*?)\s*$")


@dataclass(frozen=True, slots=True)
class Footnote:
    """One ground of a statement: the basis, and the words seen there."""

    basis: Basis
    phrase: str


@dataclass(frozen=True, slots=True)
class GuideStatement:
    """One list item of a page, without its footnote marks."""

    text: str
    footnotes: tuple[Footnote, ...]
    line: int


@dataclass(frozen=True, slots=True)
class GuidePart:
    """A `###` part of a topic: the case for an option, Together, Neither, Limits or Bottom line."""

    heading: str
    statements: tuple[GuideStatement, ...]


@dataclass(frozen=True, slots=True)
class GuideTopic:
    """A `##` section."""

    id: str
    title: str
    parts: tuple[GuidePart, ...]


@dataclass(frozen=True, slots=True)
class GuidePage:
    """One page; `name` is its file name."""

    name: str
    title: str
    topics: tuple[GuideTopic, ...]


def read_page(path: Path) -> GuidePage:
    """The page in `path`. SourceError, naming the line, where it is not in the guide's format."""

    def fault(line: int, problem: str) -> SourceError:
        return SourceError(f"{path.name}, line {line}: {problem} (the format is in docs/guide.md)")

    text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
    front = _FRONT_MATTER.match(text)
    if not front:
        raise fault(1, "no +++ front matter")
    try:
        meta = tomllib.loads(front[1])
    except tomllib.TOMLDecodeError as error:
        raise fault(1, f"front matter: {error}") from None
    sources: dict[str, dict[str, object]] = meta.get("sources", {})
    offset = text[: front.end()].count("\n")
    lines = text[front.end() :].split("\n")

    notes: dict[str, Footnote] = {}
    for number, line in enumerate(lines, offset + 1):
        if line.startswith("[^"):
            note = _NOTE.match(line)
            if not note:
                raise fault(number, "a footnote is `[^id]: source | section | phrase`")
            source = sources.get(note[2])
            if source is None:
                raise fault(number, f"no source {note[2]!r} in the front matter")
            published = source.get("published")
            try:
                basis = Basis(
                    title=str(source["title"]),
                    section=note[3],
                    url=str(source["url"]),
                    published=str(published) if published else None,
                    read=str(source["read"]),
                )
            except KeyError as missing:
                raise fault(number, f"source {note[2]!r} has no {missing}") from None
            notes[note[1]] = Footnote(basis, note[4])

    topics: list[tuple[str, str, list[tuple[str, list[GuideStatement]]]]] = []
    item: list[str] = []
    item_line = 0

    def close_item() -> None:
        if not item:
            return
        raw = " ".join(part.strip() for part in item)
        item.clear()
        marks = _MARK.findall(raw)
        unknown = [mark for mark in marks if mark not in notes]
        if unknown:
            raise fault(item_line, f"no footnote {unknown[0]!r}")
        words = re.sub(r"\s+", " ", _MARK.sub("", raw)).strip()
        if not topics or not topics[-1][2]:
            raise fault(item_line, "a statement stands in a ### part of a ## topic")
        statement = GuideStatement(words, tuple(notes[mark] for mark in marks), item_line)
        topics[-1][2][-1][1].append(statement)

    for number, line in enumerate(lines, offset + 1):
        if line.startswith("[^"):
            close_item()
        elif topic := _TOPIC.match(line):
            close_item()
            topics.append((topic[2], topic[1], []))
        elif part := _PART.match(line):
            close_item()
            if not topics:
                raise fault(number, "a part before the first topic")
            topics[-1][2].append((part[1], []))
        elif line.startswith("- "):
            close_item()
            item.append(line[2:])
            item_line = number
        elif item and line.startswith("  "):
            item.append(line)
        elif line.startswith("# ") or not line.strip():
            close_item()
        else:
            raise fault(number, "only headings, list items and footnotes stand on a page")
    close_item()
    return GuidePage(
        name=path.name,
        title=str(meta.get("title", path.stem)),
        topics=tuple(
            GuideTopic(id_, title, tuple(GuidePart(heading, tuple(found)) for heading, found in parts))
            for id_, title, parts in topics
        ),
    )
