"""Questions that real people asked in public, as a set: test data, so figures only."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evals.golden import Case, GoldenSet
from kb.errors import UsageError

FILE = "questions/real.jsonl"
INDEX = "corpus/index.jsonl"


def load_real(test_data: Path) -> GoldenSet:
    """`questions/real.jsonl` as a golden set over article and documents. UsageError names the line at fault.

    What it labels: whether the corpus covers the question, which options it is about, and whole documents as ground.
    """
    path = test_data / FILE
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"no real questions {str(path)!r}: {error.strerror or error}") from None
    # The questions name documents by path, the knowledge base knows them by address.
    index = [json.loads(line) for line in (test_data / INDEX).read_text(encoding="utf-8").splitlines()]
    addresses = {entry["path"]: entry["url"] for entry in index}
    cases = []
    for number, line in enumerate(lines, 1):
        try:
            cases.append(_case(json.loads(line), addresses))
        except (json.JSONDecodeError, KeyError, ValidationError) as error:
            raise UsageError(f"{path}, line {number}: no question: {str(error).splitlines()[0]}") from None
    return GoldenSet(set="real", knowledge_base="corpus", questions=tuple(cases))


def _case(row: dict[str, Any], addresses: Mapping[str, str]) -> Case:
    sections = [f"article#{heading}" for heading in row["evidence"]["article_sections"]] if row["covered"] else []
    sections += [addresses[path] for path in row["evidence"]["docs"]] if row["covered"] else []
    choice = row["choice"]
    return Case.model_validate(
        {
            "id": row["id"],
            "version": 1,
            "family": row["id"],
            "split": "test",
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
