"""What is still answered once a question's gold sections are left out, as judges who saw only the rest found.

`remaining.jsonl` has a line a question: `without`, a digest of the sections that were left out and of their words;
`answered`: `yes`, `partly` or `no`, as most of the `judges` say. A judgement holds for just these sections.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal, cast, get_args

from evals.gold_sections import SectionMap
from evals.judgements import filed
from kb.errors import UsageError

FILE = Path(__file__).parent / "data" / "remaining.jsonl"

Answered = Literal["yes", "partly", "no"]


class Remaining:
    """Whether the rest still answers, by question and what was left out."""

    def __init__(self, judged: Mapping[tuple[str, str], Answered]) -> None:
        self._judged = judged

    @classmethod
    def load(cls, path: Path = FILE) -> "Remaining":
        """All judgements of the project; none where there is no such file. UsageError names a bad line."""
        found: dict[tuple[str, str], Answered] = {}
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        for number, line in enumerate(lines, 1):
            try:
                judged = json.loads(line)
                question, gone, answered = judged["question"], judged["without"], judged["answered"]
            except (json.JSONDecodeError, KeyError, TypeError) as error:
                raise UsageError(f"{path}, line {number}: no judgement: {error!r}") from None
            if answered not in get_args(Answered):
                raise UsageError(f"{path}, line {number}: answered is yes, partly or no, not {answered!r}")
            found[question, gone] = cast(Answered, answered)
        return cls(found)

    def answered(self, question: str, gone: Collection[str], sections: SectionMap) -> Answered | None:
        """Whether the rest answers a question without the sections `gone`; None where nobody judged that."""
        return self._judged.get((question, digest_of(gone, sections)))


def digest_of(gone: Collection[str], sections: SectionMap) -> str:
    """What a set of sections is known by: their names and their words."""
    names = sorted(f"{filed(sections.name(each))} {sections.digest(each)}" for each in gone)
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
