"""Judged pairs: which statements a careful reader would put under the answer to a question, by several judges.

`evals/data/assessments/<author>.jsonl` has a question a line: `text`, or `story`, the line of that author's stories;
`kind`; `answered`, whether the judged statements answer it; and `grades`: 2 answers, 1 supports, 0 neither, by the
digest of the statement's words. The words stay where they stand: in the guide, the article and the documents.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from bot.asking_part import asking_part
from bot.assessing import shown
from bot.masking import masked
from evals.bases import prepare
from evals.golden import BaseName
from evals.stories import load_stories, whole
from kb.index import open_index
from kb.matching import Matcher
from kb.options import OptionFinder
from kb.settings import Settings

BASES: tuple[BaseName, ...] = ("guide", "article", "corpus")


@dataclass(frozen=True, slots=True)
class Assessed:
    """A question and the statements judged for it, as the assessor is shown them, with the masks of the options.

    `masked` is the part of the question that asks.
    `base` is where the first of them stands; `words` are those that a statement is embedded by.
    """

    author: str
    kind: str
    base: BaseName
    text: str
    masked: str
    answered: bool
    statements: tuple[str, ...]
    words: tuple[str, ...]
    grades: tuple[int, ...]


def digest(words: str) -> str:
    """What a statement is known by: its words, whatever the space between them."""
    return hashlib.sha256(" ".join(words.split()).encode()).hexdigest()[:12]


def load_assessments(settings: Settings) -> list[Assessed]:
    """All judged questions, with the judged statements that the three knowledge bases still hold."""
    options = OptionFinder(settings.decision.options)
    held = _statements(settings, options)
    stories = load_stories()
    found: list[Assessed] = []
    folder = files("evals") / "data" / "assessments"
    for file in sorted((each for each in folder.iterdir() if each.name.endswith(".jsonl")), key=lambda f: f.name):
        author = file.name.removesuffix(".jsonl")
        for line in file.read_text(encoding="utf-8").splitlines():
            judged = json.loads(line)
            text = judged["text"] if "text" in judged else whole(stories[author][judged["story"]], options).text
            known = [(held[key], grade) for key, grade in judged["grades"].items() if key in held]
            if known:
                bases, shown_, words = zip(*(each for each, _ in known), strict=True)
                found.append(
                    Assessed(
                        author,
                        judged["kind"],
                        bases[0],
                        text,
                        masked(asking_part(text), options).text,
                        judged["answered"],
                        shown_,
                        words,
                        tuple(grade for _, grade in known),
                    )
                )
    return found


def _statements(settings: Settings, options: OptionFinder) -> Mapping[str, tuple[BaseName, str, str]]:
    """Where each statement stands, what the assessor is shown of it and the words it is embedded by, by digest."""
    matcher = Matcher(options.options)
    held: dict[str, tuple[BaseName, str, str]] = {}
    for base in BASES:
        with open_index(prepare(base, settings)) as index:
            for statement in index.corpus.statements:
                section = index.section(statement.section_id)
                title = index.document(section.document_id).title
                read = shown(statement.text, section.path, title, options)
                held.setdefault(digest(statement.text), (base, read, matcher.text(statement)))
    return held
