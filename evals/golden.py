"""Golden sets: questions with what a right answer holds. The format is in docs/evals.md; the loader is strict."""

import datetime as dt
import difflib
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.answer import NotCoveredReason, Turn
from evals.yaml_lines import Located, YamlError, read_yaml
from kb.errors import UsageError

SetName = Literal["guide", "article", "corpus", "posts", "real"]
BaseName = Literal["guide", "article", "corpus"]
Split = Literal["dev", "test"]
CaseKind = Literal[
    "recommendation",
    "mixed",
    "comparison",
    "fact",
    "unanswerable",
    "conversation",
    "howto",
    "definition",
    "smalltalk",
]
OPTION_IDS = ("azure_ml", "databricks")
"""What the bundled sets choose between."""

QUOTE_WORDS = 8
_ID = r"^[a-z0-9][a-z0-9-]*$"
_SHARED_CHOICES = ("both", "either", "neither")

Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Gold(_Strict):
    """A section that a right answer rests on, as `<document>#<heading>`, and words that prove it is still there."""

    section: Annotated[str, Field(pattern=r"^[^#]+(#.+)?$")]
    grade: Literal["primary", "acceptable"]
    quote: str | None = None

    @model_validator(mode="after")
    def _short_quote(self) -> "Gold":
        if self.quote is not None and not 1 <= len(self.quote.split()) <= QUOTE_WORDS:
            raise ValueError(f"a quote has 1 to {QUOTE_WORDS} words")
        return self

    @property
    def gain(self) -> int:
        """2 for primary, 1 for acceptable."""
        return 2 if self.grade == "primary" else 1


class Provenance(_Strict):
    """Who labelled the question, when, and who looked again."""

    author: Text
    reviewed_by: str | None = None
    date: dt.date


class Case(_Strict):
    """One golden question. `choice` None: it asks for no choice; `applies_to` and `criteria` None: not scored."""

    id: Annotated[str, Field(pattern=_ID)]
    version: Annotated[int, Field(ge=1)]
    family: Annotated[str, Field(pattern=_ID)]
    split: Split
    kind: CaseKind
    question: Text
    history: tuple[Turn, ...] = ()
    choice: str | None = None
    accept: tuple[str, ...] = ()
    applies_to: tuple[str, ...] | None = None
    criteria: tuple[Text, ...] | None = None
    gold: tuple[Gold, ...] = ()
    facts_required: tuple[Annotated[tuple[Text, ...], Field(min_length=1)], ...] = ()
    facts_forbidden: tuple[Text, ...] = ()
    unanswerable: NotCoveredReason | None = None
    near: bool = False
    paraphrase_of: str | None = None
    provenance: Provenance

    @property
    def right_choices(self) -> tuple[str, ...]:
        """The expected choice and the accepted others; empty where no choice is asked for."""
        return (self.choice, *self.accept) if self.choice else ()

    @model_validator(mode="after")
    def _consistent(self) -> "Case":
        for pattern in (*(p for group in self.facts_required for p in group), *self.facts_forbidden):
            if pattern.startswith("re:"):
                try:
                    re.compile(pattern[3:])
                except re.error as error:
                    raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
        rules = {
            "kind unanswerable needs a reason in `unanswerable`": self.kind == "unanswerable"
            and self.unanswerable is None,
            "`unanswerable` stands with kind unanswerable or conversation only": self.unanswerable is not None
            and self.kind not in ("unanswerable", "conversation"),
            "an unanswerable question has no choice, gold or required facts": self.unanswerable is not None
            and bool(self.choice or self.gold or self.facts_required),
            "`near` stands with `unanswerable` only": self.near and self.unanswerable is None,
            f"a {self.kind} needs a `choice`": self.kind in ("recommendation", "mixed") and self.choice is None,
            "`accept` lists other choices than `choice`, and needs one": bool(self.accept)
            and (self.choice is None or self.choice in self.accept),
            "a conversation needs a `history`": self.kind == "conversation" and not self.history,
            f"a {self.kind} needs a primary `gold` section": self.kind
            in ("recommendation", "mixed", "comparison", "fact", "howto", "definition")
            and not any(gold.grade == "primary" for gold in self.gold),
        }
        for problem, broken in rules.items():
            if broken:
                raise ValueError(problem)
        return self


class GoldenSet(_Strict):
    """A set of cases, and the knowledge base that they are asked of."""

    set: SetName
    knowledge_base: BaseName
    questions: Annotated[tuple[Case, ...], Field(min_length=1)]

    def of_split(self, split: Split) -> tuple[Case, ...]:
        """The cases of one split, in the file's order."""
        return tuple(case for case in self.questions if case.split == split)


def load_golden(path: Path, *, option_ids: Sequence[str] = OPTION_IDS) -> GoldenSet:
    """The set in `path`. UsageError, in one line with file and line, at the first fault."""

    def fault(line: int, problem: str) -> UsageError:
        return UsageError(f"{path}, line {line}: {problem} (the format is in docs/evals.md)")

    try:
        located = read_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"no golden set {str(path)!r}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise fault(1, "not UTF-8 text") from None
    except YamlError as error:
        raise fault(error.line, str(error)) from None
    try:
        golden = GoldenSet.model_validate(located.data)
    except ValidationError as error:
        raise fault(*_first_problem(error, located)) from None
    for number, field, problem in _across(golden, option_ids):
        raise fault(located.line(("questions", number, field)), problem)
    return golden


def _first_problem(error: ValidationError, located: Located) -> tuple[int, str]:
    problem = min(error.errors(), key=lambda found: located.line(found["loc"]))
    loc = problem["loc"]
    line = located.line(loc)
    where = _case_name(located, loc)
    field = ".".join(str(part) for part in (loc[2:] if loc[:1] == ("questions",) else loc))
    if problem["type"] == "extra_forbidden":
        known = _known(loc)
        near = difflib.get_close_matches(str(loc[-1]), known, n=1)
        return line, f"{where}unknown key {field!r}; " + (f"did you mean {near[0]!r}?" if near else f"known: {known}")
    message = problem["msg"].removeprefix("Value error, ")
    return line, f"{where}{field}: {message}" if field else f"{where}{message}"


def _case_name(located: Located, loc: tuple[str | int, ...]) -> str:
    if len(loc) < 2 or loc[0] != "questions" or not isinstance(loc[1], int):
        return ""
    case = located.data["questions"][loc[1]]
    return f"{case['id']!r}: " if isinstance(case, dict) and isinstance(case.get("id"), str) else ""


def _known(loc: tuple[str | int, ...]) -> list[str]:
    names = [part for part in loc[:-1] if isinstance(part, str)]
    last = names[-1] if names else ""
    nested: dict[str, type[BaseModel]] = {"gold": Gold, "provenance": Provenance, "history": Turn, "questions": Case}
    return sorted(nested.get(last, GoldenSet).model_fields)


def _across(golden: GoldenSet, option_ids: Sequence[str]) -> list[tuple[int, str, str]]:
    """Faults that only show between questions: the number of the question, its field, and the problem."""
    faults: list[tuple[int, str, str]] = []
    choices = {*option_ids, *_SHARED_CHOICES}
    ids: set[str] = set()
    by_id = {case.id: case for case in golden.questions}
    splits: dict[str, set[str]] = defaultdict(set)
    for number, case in enumerate(golden.questions):
        if case.id in ids:
            faults.append((number, "id", f"the id {case.id!r} is used twice"))
        ids.add(case.id)
        splits[case.family].add(case.split)
        if len(splits[case.family]) > 1:
            faults.append((number, "family", f"the family {case.family!r} lies in both splits"))
        for choice in case.right_choices:
            if choice not in choices:
                faults.append(
                    (number, "choice", f"{case.id!r}: no choice {choice!r}; known: {', '.join(sorted(choices))}")
                )
        for option in case.applies_to or ():
            if option not in option_ids:
                faults.append(
                    (number, "applies_to", f"{case.id!r}: no option {option!r}; known: {', '.join(option_ids)}")
                )
        if case.paraphrase_of is not None:
            original = by_id.get(case.paraphrase_of)
            if original is None or original.family != case.family or original.id == case.id:
                faults.append(
                    (number, "paraphrase_of", f"{case.id!r}: no question {case.paraphrase_of!r} in its family")
                )
    return faults
