"""Finds the sections that a golden set names, in whatever index it is run against."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from evals.golden import Case, Gold
from kb.records import Corpus, Document, Section

ARTICLE = "azure-machine-learning-vs-databricks"
"""How the article is known whatever it was ingested from: the last part of its address and of its file name."""


@dataclass(frozen=True, slots=True)
class GoldProblem:
    """A gold label that the knowledge base no longer bears out."""

    case: str
    problem: str


class SectionMap:
    """The sections of one corpus by the names that golden sets and judgements use."""

    def __init__(self, corpus: Corpus) -> None:
        self._documents = {document.id: document for document in corpus.documents}
        self._sections = {section.id: section for section in corpus.sections}
        self._of_document: dict[str, list[Section]] = defaultdict(list)
        self._of_topic: dict[str, set[str]] = defaultdict(set)
        with_text = {chunk.section_id for chunk in corpus.chunks}
        self._with_text = with_text
        for section in corpus.sections:
            self._of_document[section.document_id].append(section)
            if section.topic is not None:
                self._of_topic[section.topic].add(section.id)
        self._resolved: dict[str, frozenset[str]] = {}

    def resolve(self, reference: str) -> frozenset[str]:
        """Ids of the sections that `<document>#<heading>` names; empty where there are none."""
        if reference not in self._resolved:
            self._resolved[reference] = frozenset(self._find(reference))
        return self._resolved[reference]

    def name(self, section_id: str) -> str:
        """A name that outlives re-chunking: `guide#topic / part`, else `<source>#<heading > heading>`.

        An unknown id is its own name: it can then be shown as what it is.
        """
        section = self._sections.get(section_id)
        if section is None:
            return section_id
        if section.topic is not None:
            return f"guide#{section.topic} / {section.path[-1] if section.path else ''}"
        return f"{self._documents[section.document_id].source_id}#{' > '.join(section.path)}"

    def reference(self, section_id: str) -> str:
        """What a golden set would call this section; "" for an unknown id."""
        section = self._sections.get(section_id)
        if section is None:
            return ""
        if section.topic is not None:
            return f"guide#{section.topic}"
        document = self._documents[section.document_id]
        name = "article" if _is_named(document, "article") else document.source_id
        return f"{name}#{section.path[-1]}" if section.path else name

    def text(self, section_id: str) -> str | None:
        """The section's text, None for an unknown id."""
        section = self._sections.get(section_id)
        return self._documents[section.document_id].text[section.start : section.end] if section else None

    def digest(self, section_id: str) -> str:
        """A short hash of the section's words: a judgement holds for these words only."""
        return hashlib.sha256(_words(self.text(section_id) or "").encode()).hexdigest()[:12]

    def problems(self, cases: Iterable[Case]) -> list[GoldProblem]:
        """Every gold section that is gone and every quote that is not in it, in the cases' order."""
        found = []
        for case in cases:
            for gold in case.gold:
                problem = self._problem(gold)
                if problem:
                    found.append(GoldProblem(case.id, problem))
        return found

    def _problem(self, gold: Gold) -> str | None:
        sections = self.resolve(gold.section)
        if not sections:
            return f"no section {gold.section!r}"
        if gold.quote is not None:
            quote = _words(gold.quote)
            if not any(f" {quote} " in f" {_words(self.text(section) or '')} " for section in sections):
                return f"{gold.quote!r} does not stand in {gold.section!r}"
        return None

    def _find(self, reference: str) -> set[str]:
        name, _, heading = reference.partition("#")
        if name == "guide":
            return set(self._of_topic.get(heading, ()))
        sections = [
            section
            for document in self._documents.values()
            if _is_named(document, name)
            for section in self._of_document[document.id]
        ]
        if not heading:
            return {section.id for section in sections}
        wanted = _words(heading)
        own = {section.id for section in sections if section.path and _words(section.path[-1]) == wanted}
        if not own:
            own = {section.id for section in sections if _words(" ".join(section.path)) == wanted}
        if own & self._with_text:
            return own
        # A heading without text of its own stands for the sections under it.
        return own | {section.id for section in sections if wanted in [_words(part) for part in section.path]}


def _is_named(document: Document, name: str) -> bool:
    if name == "article":
        name = ARTICLE
        return any(name in place for place in (document.url, document.source_id))
    name = name.rstrip("/")
    places = (document.url, document.source_id, document.origin)
    return any(unquote(place).rstrip("/").endswith(unquote(name)) for place in places)


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
