"""The Answer: what the chain makes and what the browser, Slack, the API, MCP, the store and the evals render.

Values are frozen. `Answer.model_dump(mode="json")` is the JSON of `ask --json`; `SCHEMA` is its version.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA = 1

Kind = Literal["recommendation", "comparison", "fact", "clarification", "not_covered", "smalltalk"]
Finding = Literal["supported", "not_supported", "not_documented"]
Polarity = Literal["wanted", "unwanted", "have", "not_yet"]
Grounding = Literal["grounded", "partial", "ungrounded"]
NotCoveredReason = Literal["off_topic", "other_vendor", "figure_missing", "false_premise", "no_evidence", "instruction"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


QUESTION_LIMIT = 4000
"""Characters of a question; a longer one is refused, not cut."""


class Turn(_Value):
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    content: str


class Question(_Value):
    """What was asked, with the conversation before it (oldest first)."""

    text: str
    history: tuple[Turn, ...] = ()
    request_id: str | None = None


class Cell(_Value):
    """What the sources say of one option on one criterion.

    `score` is 0 to 1: how well the option meets the criterion; `citations` are numbers of this answer.
    """

    finding: Finding
    score: float = 0.0
    text: str = ""
    citations: tuple[int, ...] = ()


class Criterion(_Value):
    """One need of the asker, judged for both options. `cells` is keyed by option id.

    A weight of 0 shows the criterion without letting it decide: comparisons and facts have such criteria.
    `together` says that the sources join the options for it, each doing its part. `calls_for` is set on the one
    criterion that takes the question as a whole: the probability of every choice, by option id and `both`, `either`,
    `neither`.
    """

    id: str
    text: str
    polarity: Polarity = "wanted"
    weight: float = Field(default=1.0, ge=0)
    together: bool = False
    calls_for: dict[str, float] = {}
    cells: dict[str, Cell] = {}


class WouldChange(_Value):
    """What would move the verdict to `to`: the criterion that does it, and a sentence that says so."""

    text: str
    criterion: str
    to: str


class Verdict(_Value):
    """The choice as data. `choice`: an option id, `both`, `either`, `neither`, or None: no choice was asked for."""

    choice: str | None = None
    confidence: float = 0.0
    reason: str = ""
    parts: dict[str, str] = {}
    would_change: tuple[WouldChange, ...] = ()


class Claim(_Value):
    """One sentence of the answer with its citations. `support` is 1.0 for a verbatim claim."""

    text: str
    option: str | None = None
    polarity: Literal["for", "against", "neutral"] = "neutral"
    criterion: str | None = None
    citations: tuple[int, ...] = ()
    support: float = 1.0


class CitationBasis(_Value):
    """What a cited guide statement rests on."""

    title: str
    section: str
    url: str
    published: str | None
    read: str


class Citation(_Value):
    """A quote that is verbatim in its section: `section_text[start:end] == quote`, in code points.

    `n` is a key into this answer's list, never an index. `url` opens the section.
    """

    n: int
    section_id: str
    source_id: str
    title: str
    section: tuple[str, ...]
    url: str
    quote: str
    start: int
    end: int
    published: str | None = None
    fetched: str = ""
    basis: tuple[CitationBasis, ...] = ()


class NotCovered(_Value):
    """Why the sources do not answer, and the citations nearest to the question."""

    reason: NotCoveredReason
    nearest: tuple[int, ...] = ()


class Clarification(_Value):
    """A question back, with the choices that can be clicked."""

    question: str
    choices: tuple[str, ...]


class Contradiction(_Value):
    """Two citations that disagree, the newer one second where both are dated."""

    between: tuple[int, int]
    about: str


class MadeBy(_Value):
    """What made the answer, enough to make it again."""

    mode: Literal["extractive", "model"] = "extractive"
    model: str | None = None
    prompt: str | None = None
    snapshot: str = ""
    config: str = ""


class Answer(_Value):
    """One answer, the same everywhere. `text` is Markdown with [1] markers, rendered from the claims."""

    schema_: int = Field(default=SCHEMA, alias="schema")
    id: str
    request_id: str | None = None
    question: str
    standalone_question: str
    kind: Kind
    applies_to: tuple[str, ...] = ()
    verdict: Verdict = Verdict()
    criteria: tuple[Criterion, ...] = ()
    claims: tuple[Claim, ...] = ()
    text: str = ""
    citations: tuple[Citation, ...] = ()
    not_covered: NotCovered | None = None
    clarification: Clarification | None = None
    contradictions: tuple[Contradiction, ...] = ()
    follow_ups: tuple[str, ...] = ()
    grounding: Grounding | None = None
    notices: tuple[str, ...] = ()
    made_by: MadeBy = MadeBy()
    timings_ms: dict[str, float] = {}

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)

    def citation(self, n: int) -> Citation:
        """The citation with number `n`. KeyError where there is none."""
        for citation in self.citations:
            if citation.n == n:
                return citation
        raise KeyError(n)
