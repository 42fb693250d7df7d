"""Checks a guide against its own rules (docs/guide.md): every fact grounded, every phrase where it is said to be."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from kb.errors import SourceError
from kb.guidebook import Footnote, GuidePage, GuidePart, GuideStatement, GuideTopic, read_page
from kb.records import Option

OFFICIAL_HOSTS = frozenset(
    {
        "learn.microsoft.com",
        "microsoftlearning.github.io",
        "docs.databricks.com",
        "databricks.com",
        "docs.delta.io",
        "docs.unitycatalog.io",
        "mlflow.org",
        "github.com",
        "azurelessons.com",
    }
)
"""Where the bundled guide's sources live: the makers' own sites, and the article that it starts from."""

WORDS_OF_A_STATEMENT = 45
WORDS_OF_A_PHRASE = 8
ORIGINS_OF_A_CASE = 3
SHARE_WELL_FOUNDED = 0.9
PHRASINGS: Mapping[str, int] = {"wanted": 20, "unwanted": 4, "have": 4, "not_yet": 4, "questions": 6, "names": 1}

TextOf = Callable[[str], str | None]
"""The text of the source at an address; None where it is not at hand."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that breaks a rule: the file, the line (0: the whole file), and what is wrong."""

    file: str
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.file}{f', line {self.line}' if self.line else ''}: {self.problem}"


@dataclass(frozen=True, slots=True)
class GuideCheck:
    """The outcome: faults, and how much was looked at. `well_founded`: share of topics with three origins a case."""

    faults: tuple[Fault, ...]
    pages: int
    topics: int
    statements: int
    phrases_found: int
    well_founded: float


def check_guide(
    folder: Path, options: Sequence[Option], *, text_of: TextOf | None = None, hosts: frozenset[str] = OFFICIAL_HOSTS
) -> GuideCheck:
    """Check a guide's pages and topics. `text_of` gives the sources that are at hand: there each phrase is sought.

    An empty `hosts` accepts every host. SourceError where the folder holds no page or a page breaks the format.
    """
    pages = [read_page(path) for path in sorted(folder.glob("*.md"))]
    if not pages:
        raise SourceError(f"no guide in {str(folder)!r}: name the folder that holds its pages (*.md)")
    checker = _Checker(options, text_of or (lambda _: None), hosts)
    for page in pages:
        checker.page(page)
    checker.topics_of(folder, pages)
    topics = [topic for page in pages for topic in page.topics]
    founded = sum(checker.is_well_founded(topic) for topic in topics) / max(1, len(topics))
    if founded < SHARE_WELL_FOUNDED:
        checker.say(
            folder.name, 0, f"only {founded:.0%} of the topics have {ORIGINS_OF_A_CASE} origins for each option"
        )
    statements = sum(len(part.statements) for topic in topics for part in topic.parts)
    return GuideCheck(tuple(checker.faults), len(pages), len(topics), statements, checker.phrases_found, founded)


class _Checker:
    def __init__(self, options: Sequence[Option], text_of: TextOf, hosts: frozenset[str]) -> None:
        self.faults: list[Fault] = []
        self.phrases_found = 0
        self._cases = [f"The case for {option.name}" for option in options]
        self._text_of = text_of
        self._hosts = hosts
        self._texts: dict[str, str | None] = {}
        names = "|".join(re.escape(option.name) for option in options)
        self._bottom_line = re.compile(rf"(?:(?:{names}), (?:clearly|slightly):|(?:Both|Either|Neither):)")

    def say(self, file: str, line: int, problem: str) -> None:
        self.faults.append(Fault(file, line, problem))

    def page(self, page: GuidePage) -> None:
        ids = [topic.id for topic in page.topics]
        for twice in {id_ for id_ in ids if ids.count(id_) > 1}:
            self.say(page.name, 0, f"the topic {twice!r} stands twice")
        for topic in page.topics:
            self._topic(page, topic)

    def is_well_founded(self, topic: GuideTopic) -> bool:
        parts = {part.heading: part for part in topic.parts}
        return all(len(_origins(parts.get(case))) >= ORIGINS_OF_A_CASE for case in self._cases)

    def topics_of(self, folder: Path, pages: Sequence[GuidePage]) -> None:
        homes = {topic.id: page.name for page in pages for topic in page.topics}
        files = {path.stem: path for path in sorted((folder / "topics").glob("*.toml"))}
        for id_ in sorted(homes.keys() - files.keys()):
            self.say(homes[id_], 0, f"the topic {id_!r} has no phrasings (topics/{id_}.toml)")
        for id_, path in files.items():
            self._phrasings(id_, path, homes.get(id_))

    def _topic(self, page: GuidePage, topic: GuideTopic) -> None:
        known = [*self._cases, "Together", "Neither", "Limits", "Bottom line"]
        headings = [part.heading for part in topic.parts]
        for heading in headings:
            if heading not in known:
                self.say(page.name, 0, f"{topic.id}: no part is called {heading!r}")
        for heading in (*self._cases, "Bottom line"):
            if heading not in headings:
                self.say(page.name, 0, f"{topic.id}: the part {heading!r} is missing")
        for part in topic.parts:
            for statement in part.statements:
                self._statement(page, statement)
            if part.heading == "Bottom line" and part.statements:
                first = part.statements[0]
                if not self._bottom_line.match(first.text):
                    self.say(page.name, first.line, "a bottom line begins with its choice, as docs/guide.md says")

    def _statement(self, page: GuidePage, statement: GuideStatement) -> None:
        if not statement.footnotes:
            self.say(page.name, statement.line, "a statement without a basis")
        words = len(statement.text.split())
        if words > WORDS_OF_A_STATEMENT:
            self.say(page.name, statement.line, f"{words} words; at most {WORDS_OF_A_STATEMENT}")
        for note in statement.footnotes:
            self._footnote(page, statement, note)

    def _footnote(self, page: GuidePage, statement: GuideStatement, note: Footnote) -> None:
        address = urlsplit(note.basis.url)
        if address.scheme != "https" or (
            self._hosts and (address.hostname or "").removeprefix("www.") not in self._hosts
        ):
            self.say(page.name, statement.line, f"not the address of an official source: {note.basis.url}")
        for name, value in (("read", note.basis.read), ("published", note.basis.published)):
            if value is not None and not _is_date(value):
                self.say(page.name, statement.line, f"{name} is no ISO date: {value!r}")
        if not 0 < len(note.phrase.split()) <= WORDS_OF_A_PHRASE:
            self.say(page.name, statement.line, f"a key phrase has 1 to {WORDS_OF_A_PHRASE} words: {note.phrase!r}")
        text = self._source(note.basis.url)
        if text is None:
            return
        if _letters(note.basis.section) not in text:
            self.say(page.name, statement.line, f"no section {note.basis.section!r} in {note.basis.url}")
        elif _letters(note.phrase) not in text:
            self.say(page.name, statement.line, f"no words {note.phrase!r} in {note.basis.url}")
        else:
            self.phrases_found += 1

    def _source(self, url: str) -> str | None:
        if url not in self._texts:
            text = self._text_of(url)
            self._texts[url] = None if text is None else _letters(text)
        return self._texts[url]

    def _phrasings(self, id_: str, path: Path, home: str | None) -> None:
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            self.say(path.name, 0, str(error))
            return
        if data.get("id") != id_ or home is None or data.get("page") != home:
            self.say(path.name, 0, "its id and page name no topic of the guide")
        for kind, least in PHRASINGS.items():
            found = data.get(kind, [])
            if not isinstance(found, list) or len({str(one).casefold() for one in found}) < least:
                self.say(path.name, 0, f"{kind} has fewer than {least} different phrasings")


def _origins(part: GuidePart | None) -> set[str]:
    return {note.basis.url for statement in part.statements for note in statement.footnotes} if part else set()


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value) is not None
    except ValueError:
        return False
