"""The evidence of one turn under short labels, as a model is shown it."""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.answer import Citation
from bot.verification import Checker, Passage

SIGN = "ˆ"
"""Joins the words of a passage (spotlighting by datamarking), so that a model tells quoted words from ours."""

_LABEL = re.compile(r"k[a-z2-7]{4}")
_MARKED = re.compile(r"[\[(【]\s*(k[a-z2-7]{4}(?:\s*[,;]\s*k[a-z2-7]{4})*)\s*[\])】]")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A citation under its label, with the options that it is about."""

    label: str
    citation: Citation
    passage: Passage


def labelled(citations: Iterable[Citation], checker: Checker, *, about: Mapping[int, str]) -> tuple[Labelled, ...]:
    """The citations, each quote once, in order. `about`: the option of a citation whose own words name none.

    A label is made from the quote's place: it cannot be guessed from its neighbours, as a running number can.
    """
    found: dict[str, Labelled] = {}
    for citation in citations:
        place = f"{citation.section_id}:{citation.start}:{citation.end}"
        digest = hashlib.sha256(place.encode()).digest()
        label = "k" + base64.b32encode(digest).decode().lower()[:4]
        context = " > ".join((citation.title, *citation.section))
        options = checker.about(citation.quote, context) or frozenset(filter(None, [about.get(citation.n)]))
        found.setdefault(label, Labelled(label, citation, Passage(citation.quote, context, options)))
    return tuple(found.values())


def shown(evidence: Sequence[Labelled]) -> str:
    """The passages as lines for a prompt: label, place, text, the words joined by `SIGN`."""
    lines = []
    for each in evidence:
        words = " ".join(f"{each.passage.context} | {each.passage.text}".split()).replace(SIGN, "^")
        lines.append(f"[{each.label}] {words.replace(' ', SIGN)}")
    return "\n".join(lines)


def plainly_shown(evidence: Sequence[Labelled]) -> str:
    """The passages' texts alone, a line each, for a model too small to follow labels."""
    return "\n".join(f"- {' '.join(each.passage.text.split())}" for each in evidence)


def mark_of(*parts: str) -> str:
    """The line that encloses the passages: made from all that is enclosed, so no document can contain it."""
    return f"=== {hashlib.sha256(''.join(parts).encode()).hexdigest()[:16]} ==="


def split_labels(text: str) -> tuple[str, tuple[str, ...]]:
    """A sentence without the labels written into it, and those labels in order."""
    labels = [label for match in _MARKED.finditer(text) for label in _LABEL.findall(match[1])]
    words = " ".join(_MARKED.sub("", text).split())
    return re.sub(r"\s+([.,;:!?])", r"\1", words), tuple(dict.fromkeys(labels))
