"""Pooled judgements: whether a section that some run cited helps to answer a question, judged once and kept.

`judged.jsonl` has a line a judgement. Gold sections need none. A judgement holds for the words that were judged:
when a section changes it becomes a hole again.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from evals.gold_sections import SectionMap
from evals.golden import Case
from kb.errors import UsageError

FILE = Path(__file__).parent / "data" / "judged.jsonl"


@dataclass(frozen=True, slots=True)
class Judgement:
    """`grade` 2: it carries the answer, 1: it helps, 0: it does not. `digest` is of the section's words."""

    question: str
    section: str
    digest: str
    grade: int
    judge: str
    date: str


class Judgements:
    """Grades by question, section and words."""

    def __init__(self, judged: Iterable[Judgement] = ()) -> None:
        self._grades = {(j.question, filed(j.section), j.digest): j.grade for j in judged}

    @classmethod
    def load(cls) -> "Judgements":
        """All judgements of the project; none where there is no such file. UsageError names a bad line."""
        return cls(read_judgements(FILE))

    def grade(self, case: Case, section_id: str, sections: SectionMap) -> int | None:
        """The grade of a section for a case: gold, else judged, else None (a hole)."""
        gains = [gold.gain for gold in case.gold if section_id in sections.resolve(gold.section)]
        if gains:
            return max(gains)
        return self._grades.get((asked(case), filed(sections.name(section_id)), sections.digest(section_id)))


def asked(case: Case) -> str:
    """The id that a judgement is kept under: a paraphrase shares those of its original."""
    return case.paraphrase_of or case.id


def filed(section: str) -> str:
    """How a section is named in the file: its address, and a digest of its headings, which are others' words."""
    address, mark, path = section.partition("#")
    if not mark or re.fullmatch(r"[0-9a-f]{12}", path):
        return section
    return f"{address}#{hashlib.sha256(path.encode()).hexdigest()[:12]}"


def read_judgements(path: Path) -> list[Judgement]:
    """The judgements in a file, in order. UsageError, with file and line, at the first bad one."""
    if not path.is_file():
        return []
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            # Names with a leading underscore are there for the judge to read, and are not kept.
            judgement = Judgement(**{key: value for key, value in json.loads(line).items() if key[:1] != "_"})
        except (json.JSONDecodeError, TypeError, AttributeError) as error:
            raise UsageError(f"{path}, line {number}: no judgement: {error}") from None
        if judgement.grade not in (0, 1, 2):
            raise UsageError(f"{path}, line {number}: a grade is 0, 1 or 2, not {judgement.grade!r}")
        found.append(judgement)
    return found


def add_judgements(new: Iterable[Judgement], path: Path) -> int:
    """Add judgements to a file, the newer one of a pair winning; returns how many it then holds."""
    filed_away = (replace(j, section=filed(j.section)) for j in (*read_judgements(path), *new))
    merged = {(j.question, j.section): j for j in filed_away}
    lines = [json.dumps(asdict(merged[key]), ensure_ascii=False) for key in sorted(merged)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return len(lines)
