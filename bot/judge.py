"""Judges a need: one cell per option, from the statements that speak to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.answer import Finding as CellFinding
from bot.evidence import Finding, WeighingStatements, once_per_origin
from bot.needs import Need
from kb.records import Option

LEAST = 0.30
"""Relevance below which a statement does not speak to a need."""

DECISIVE = 0.65
"""Strength from which a statement weighs the options against each other instead of stating a merit."""

MERITS = 0.25
"""What merits count against decisive statements: a merit says that an option can, not that it is the better one."""

DOUBT = 0.12
"""Evidence below this leaves the score near 0: little said is little known."""


@dataclass(frozen=True, slots=True)
class Side:
    """What was found for one option: `score` 0 to 1, the statements that speak for it, strongest first."""

    finding: CellFinding
    score: float
    evidence: tuple[Finding, ...]
    against: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A need and its two sides, keyed by option id. `shared`: statements that speak for both or for neither."""

    need: Need
    sides: dict[str, Side]
    together: bool
    shared: tuple[Finding, ...]

    @property
    def documented(self) -> bool:
        """Whether the sources say anything that weighs on the need."""
        return any(side.finding != "not_documented" for side in self.sides.values())


def judge(need: Need, *, weighing: WeighingStatements, options: Sequence[Option]) -> Judgement:
    """The judgement of a need over the statements of the index. Pure, and blind to the order of the options."""
    found = weighing.find(need, least=LEAST)
    top = found[0].relevance if found else 0.0
    # Far behind the best statement, resemblance is chance.
    near = [finding for finding in found if finding.relevance >= 0.55 * top]
    support: dict[str, float] = {}
    sides: dict[str, Side] = {}
    for option in options:
        own = [f for f in near if f.statement.stance == option.id]
        speaking = once_per_origin([f for f in own if f.statement.strength > 0])
        against = once_per_origin([f for f in own if f.statement.strength < 0])
        support[option.id] = max(_weight(speaking) - _weight(against), 0.0)
        finding: CellFinding = "not_documented"
        if speaking and support[option.id] > 0:
            finding = "supported"
        elif against:
            finding = "not_supported"
        sides[option.id] = Side(finding, 0.0, tuple(_by_relevance(speaking, own)), tuple(against))
    shared = tuple(f for f in near if f.statement.stance is None and len(f.statement.options) == 2)
    conclusion = _conclusion(shared, need)
    total = sum(support.values())
    for option in options:
        share = support[option.id] / (total + DOUBT) if total else 0.0
        side = sides[option.id]
        sides[option.id] = Side(side.finding, round(share, 3), side.evidence, side.against)
    if conclusion in ("either", "both"):
        even = max(side.score for side in sides.values())
        sides = {id_: Side(s.finding, even, s.evidence, s.against) for id_, s in sides.items()}
    elif conclusion == "neither":
        sides = {id_: Side("not_supported", 0.0, s.evidence, s.against) for id_, s in sides.items()}
    return Judgement(need, sides, conclusion == "both", shared)


def _weight(findings: Sequence[Finding]) -> float:
    """Decisive statements count whole, the best one most; merits a little."""
    decisive = [abs(f.weight) * f.relevance for f in findings if abs(f.statement.strength) >= DECISIVE]
    merits = [abs(f.weight) * f.relevance for f in findings if abs(f.statement.strength) < DECISIVE]
    total = 0.0
    for values, share in ((decisive, 1.0), (merits, MERITS)):
        for place, value in enumerate(sorted(values, reverse=True)[:4]):
            total += share * value / (1 + place)
    return total


def _by_relevance(speaking: Sequence[Finding], own: Sequence[Finding]) -> list[Finding]:
    """What to quote: the findings that counted, then the others for the option, each by relevance."""
    counted = {f.statement.id for f in speaking}
    first = sorted(speaking, key=lambda f: (-f.relevance * (0.7 + 0.3 * f.statement.strength), f.statement.id))
    rest = [f for f in own if f.statement.id not in counted and f.statement.strength > 0]
    return [*first, *rest]


def _conclusion(shared: Sequence[Finding], need: Need) -> str | None:
    """What a conclusion on both options says: `both`, `either`, `neither`; None where none is near enough."""
    for finding in shared:
        if finding.statement.strength >= DECISIVE:
            head = finding.statement.text.split(":", 1)[0].strip().lower()
            if head in ("both", "either", "neither"):
                return head
    return None
