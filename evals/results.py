"""What a run leaves behind: a result a case, figures with their intervals, and all that repeats it."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from bot.answer import Answer
from evals.golden import Case

State = Literal["scored", "unscored", "errored"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CaseResult(_Value):
    """One case of one run.

    `scores` holds the measures that could be taken; `unscored` says of each other one why not. `expected` and
    `given` are choices (`none`: no choice). `should_refuse` and `refused` are reasons, None: to be answered, was
    answered. `retrieval` and `baselines` are keyed by leg or system, then by measure. `swaps` are the choices for
    "A or B" and "B or A". Of a test split no answer is kept, and `case` and `family` are hashes.
    """

    case: str
    family: str
    kind: str
    near: bool = False
    state: State
    reason: str = ""
    scores: dict[str, float] = {}
    unscored: dict[str, str] = {}
    expected: str = "none"
    accepted: tuple[str, ...] = ()
    given: str = "none"
    confidence: float | None = None
    should_refuse: str | None = None
    refused: str | None = None
    retrieval: dict[str, dict[str, float]] = {}
    baselines: dict[str, dict[str, float]] = {}
    swaps: tuple[tuple[str, str], ...] = ()
    paraphrase_of: str | None = None
    repeatable: bool | None = None
    ms: float | None = None
    holes: tuple[str, ...] = ()
    golden: Case | None = None
    answer: Answer | None = None

    @property
    def passed(self) -> bool:
        """Right or acceptable, as the CRAG score sees it."""
        return self.state == "scored" and self.scores.get("crag", 0.0) >= 0.5


class Figure(_Value):
    """A number over `n` cases with its 95% interval; `low` and `high` are None where none makes sense."""

    value: float
    low: float | None = None
    high: float | None = None
    n: int = 0


class Run(_Value):
    """A whole run. `made_by` is what repeats it: snapshot, configuration, code, packages, seeds, golden set."""

    id: str
    set: str
    split: str
    live: bool = False
    started: str
    seconds: float
    made_by: dict[str, Any]
    counts: dict[str, int]
    figures: dict[str, Figure]
    confusion: dict[str, dict[str, int]] = {}
    cases: tuple[CaseResult, ...] = ()

    def by_case(self) -> Mapping[str, CaseResult]:
        """The results by case id."""
        return {result.case: result for result in self.cases}
