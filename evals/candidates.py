"""From feedback to golden questions: candidates wait in a file until somebody accepts or rejects them."""

import datetime as dt
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from bot.answer import Answer
from evals.golden import OPTION_IDS, Case, GoldenSet, load_golden
from evals.yaml_lines import read_yaml
from kb.errors import UsageError


def candidates_file(home: Path) -> Path:
    """Where candidates wait."""
    return home / "evals" / "candidates.yaml"


def candidate(
    answer: Answer,
    *,
    comment: str,
    author: str,
    date: dt.date,
    name_section: Callable[[str], str],
) -> dict[str, Any]:
    """A case that freezes a judged answer's question and evidence; its labels are guesses to be corrected.

    `note` says what the user said and what the bot did; `accept` drops it.
    """
    digest = hashlib.sha256(answer.question.casefold().strip().encode()).hexdigest()[:8]
    case: dict[str, Any] = {
        "id": f"fb-{digest}",
        "version": 1,
        "family": f"fb-{digest}",
        "split": "dev",
        "kind": _kind(answer),
        "question": answer.question,
    }
    if answer.not_covered is not None:
        case |= {"unanswerable": answer.not_covered.reason, "near": answer.not_covered.reason != "off_topic"}
    else:
        if answer.verdict.choice:
            case["choice"] = answer.verdict.choice
        if answer.applies_to:
            case["applies_to"] = list(answer.applies_to)
        sections = dict.fromkeys(name_section(citation.section_id) for citation in answer.citations[:3])
        case["gold"] = [
            {"section": section, "grade": "acceptable" if number else "primary"}
            for number, section in enumerate(sections)
        ]
    case["provenance"] = {"author": author, "date": date}
    case["note"] = f"{comment or 'no comment'} (answer {answer.id}: {answer.verdict.choice or answer.kind})"
    return case


def load_candidates(path: Path) -> list[dict[str, Any]]:
    """The waiting candidates, oldest first."""
    if not path.is_file():
        return []
    data = read_yaml(path.read_text(encoding="utf-8")).data
    if not isinstance(data, dict) or not isinstance(data.get("candidates"), list):
        raise UsageError(f"{path} holds no candidates; delete it, then: whichway eval new")
    return list(data["candidates"])


def add_candidates(new: Iterable[dict[str, Any]], path: Path, *, known: Iterable[str] = ()) -> int:
    """Add candidates that neither wait nor are golden yet; returns how many were added."""
    waiting = load_candidates(path)
    seen = {case["id"] for case in waiting} | set(known)
    added = [case for case in new if case["id"] not in seen]
    unique = list({case["id"]: case for case in added}.values())
    _write([*waiting, *unique], path)
    return len(unique)


def take(case_id: str, path: Path) -> dict[str, Any]:
    """Remove a candidate from those that wait, and return it. UsageError where it does not wait."""
    waiting = load_candidates(path)
    found = [case for case in waiting if case["id"] == case_id]
    if not found:
        known = ", ".join(case["id"] for case in waiting) or "none; make some with: whichway eval new"
        raise UsageError(f"no candidate {case_id!r}; waiting: {known}")
    _write([case for case in waiting if case["id"] != case_id], path)
    return found[0]


def accept_into(case: dict[str, Any], path: Path, *, option_ids: Sequence[str] = OPTION_IDS) -> GoldenSet:
    """Append a case to a golden set's file; the file is left as it was where the case is not valid."""
    kept = {key: value for key, value in case.items() if key != "note"}
    load_golden(path, option_ids=option_ids)
    before = path.read_text(encoding="utf-8")
    lines = _dump([Case.model_validate(kept).model_dump(mode="json", exclude_defaults=True)]).splitlines()
    indents = re.findall(r"^( *)- id:", before, re.MULTILINE)
    indent = indents[-1] if indents else "  "
    added = "".join(f"{indent}{line}\n" for line in lines)
    path.write_text(f"{before.rstrip()}\n\n{added}", encoding="utf-8")
    try:
        return load_golden(path, option_ids=option_ids)
    except UsageError:
        path.write_text(before, encoding="utf-8")
        raise


def _kind(answer: Answer) -> str:
    if answer.not_covered is not None:
        return "unanswerable"
    return answer.kind if answer.kind in ("recommendation", "comparison", "fact", "smalltalk") else "fact"


def _write(cases: list[dict[str, Any]], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_dump({"candidates": cases}), encoding="utf-8")


def _dump(value: Any) -> str:
    stream = io.StringIO()
    yaml.safe_dump(value, stream, sort_keys=False, allow_unicode=True, width=110)
    return stream.getvalue()
