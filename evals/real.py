"""Questions as people post them in public: real ones, test data and so figures only, and written ones to tune on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evals.golden import Case, GoldenSet, Split
from kb.errors import UsageError

REAL = "questions/real.jsonl"
INDEX = "corpus/index.jsonl"

POSTS = Path(__file__).parent / "data" / "posts.jsonl"
"""Posts of one author without sight of the code or the real questions, labelled as those are."""


def load_real(test_data: Path) -> GoldenSet:
    """The real questions, a test split, over article and documents. UsageError names the line at fault.

    What they label: whether the corpus covers the question, which options it is about, and whole documents as ground.
    """
    return GoldenSet(set="real", knowledge_base="corpus", questions=_cases(test_data / REAL, test_data, "test"))


def load_posts(test_data: Path) -> GoldenSet:
    """The written posts, a dev split, labelled as the real questions. UsageError names the line at fault."""
    return GoldenSet(set="posts", knowledge_base="corpus", questions=_cases(POSTS, test_data, "dev"))


def _cases(path: Path, test_data: Path, split: Split) -> tuple[Case, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"no posted questions {str(path)!r}: {error.strerror or error}") from None
    # The questions name documents by path, the knowledge base knows them by address.
    index = [json.loads(line) for line in (test_data / INDEX).read_text(encoding="utf-8").splitlines()]
    addresses = {entry["path"]: entry["url"] for entry in index}
    cases = []
    for number, line in enumerate(lines, 1):
        try:
            cases.append(_case(json.loads(line), addresses, split))
        except (json.JSONDecodeError, KeyError, ValidationError) as error:
            raise UsageError(f"{path}, line {number}: no question: {str(error).splitlines()[0]}") from None
    return tuple(cases)


def _case(row: dict[str, Any], addresses: Mapping[str, str], split: Split) -> Case:
    sections = [f"article#{heading}" for heading in row["evidence"]["article_sections"]] if row["covered"] else []
    sections += [addresses[path] for path in row["evidence"]["docs"]] if row["covered"] else []
    choice = row["choice"]
    return Case.model_validate(
        {
            "id": row["id"],
            "version": 1,
            "family": row["id"],
            "split": split,
            "kind": "unanswerable" if not row["covered"] else "recommendation" if choice else "fact",
            "question": row["question"].strip(),
            "choice": choice,
            "applies_to": tuple(row["applies_to"]) if row["covered"] else None,
            "gold": [{"section": section, "grade": "primary"} for section in sections],
            "unanswerable": None if row["covered"] else "no_evidence",
            "near": not row["covered"],
            "provenance": {"author": "posted", "date": "2026-11-23"},
        }
    )
