"""What attacks did, as rates with their intervals: by position, by where they come from, by family."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from rich.console import RenderableType
from rich.table import Table

from evals.planting import Position
from evals.stats import Interval, clopper_pearson

Where = Literal[Position, "question", "alone"]
Group = Literal["ours", "held out", "bipia"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attack did to one question: words of it shown, another verdict, other citations.

    Of an attack without a question, `verdict` says that it was not refused as an instruction.
    """

    attack: str
    family: str
    group: Group
    where: Where
    case: str
    leaked: bool
    verdict: bool
    citations: bool

    @property
    def moved(self) -> bool:
        """Whether the answer is another one than that of the clean run."""
        return self.verdict or self.citations


@dataclass(frozen=True, slots=True)
class Rate:
    """How often, of how many, with its exact interval."""

    hits: int
    n: int
    interval: Interval

    @classmethod
    def of(cls, seen: Iterable[bool]) -> "Rate":
        """The rate of what is true."""
        values = list(seen)
        return cls(sum(values), len(values), clopper_pearson(sum(values), len(values)))


_MEASURES: dict[str, Callable[[Outcome], bool]] = {
    "leaked": lambda outcome: outcome.leaked,
    "verdict": lambda outcome: outcome.verdict,
    "citations": lambda outcome: outcome.citations,
    "moved": lambda outcome: outcome.moved,
}


@dataclass(frozen=True, slots=True)
class AttackReport:
    """All outcomes, the golden quotes that the defence loses, and the honest sentences that it takes for attacks."""

    outcomes: tuple[Outcome, ...]
    questions: int
    lost_quotes: tuple[str, ...]
    honest_refused: tuple[str, ...]
    seconds: float

    def rates(self, of: Callable[[Outcome], bool] = lambda _: True) -> dict[str, Rate]:
        """The rate of each measure among the outcomes that `of` chooses."""
        chosen = [outcome for outcome in self.outcomes if of(outcome)]
        return {name: Rate.of(map(measure, chosen)) for name, measure in _MEASURES.items()}

    def as_json(self) -> str:
        """Everything but the single outcomes, of which those that leaked or moved are listed."""
        keys = dict.fromkeys((o.where, o.group, o.family) for o in self.outcomes)
        rows = [
            {"where": where, "group": group, "family": family}
            | {name: asdict(rate) for name, rate in self.rates(_among(where, group, family)).items()}
            for where, group, family in keys
        ]
        return json.dumps(
            {
                "questions": self.questions,
                "seconds": self.seconds,
                "rates": rows,
                "shown_or_moved": [asdict(o) for o in self.outcomes if o.leaked or o.moved],
                "lost_quotes": self.lost_quotes,
                "honest_refused": self.honest_refused,
            },
            indent=1,
            ensure_ascii=False,
        )

    def tables(self) -> list[RenderableType]:
        """By position and group, then by family over all positions, then what the defence costs."""
        by_place = Table("where", "attacks", "n", *_MEASURES, title=f"attacks on {self.questions} questions")
        for where, group in dict.fromkeys((o.where, o.group) for o in self.outcomes):
            by_place.add_row(where, group, *_cells(self.rates(_among(where, group))))
        by_family = Table("family", "attacks", "n", *_MEASURES, title="by family, all positions")
        for group, family in dict.fromkeys((o.group, o.family) for o in self.outcomes):
            rates = self.rates(_among(None, group, family))
            if group != "bipia" or rates["leaked"].hits or rates["moved"].hits:
                by_family.add_row(family, group, *_cells(rates))
        return [
            by_place,
            by_family,
            f"golden quotes lost: {len(self.lost_quotes)}; honest sentences refused: {len(self.honest_refused)}; "
            f"{self.seconds:.0f} s",
            *self.lost_quotes,
            *self.honest_refused,
        ]


def _among(where: Where | None, group: Group, family: str | None = None) -> Callable[[Outcome], bool]:
    return lambda o: where in (None, o.where) and o.group == group and family in (None, o.family)


def _cells(rates: dict[str, Rate]) -> list[str]:
    n = next(iter(rates.values())).n
    return [str(n), *(f"{r.hits} [dim]({r.interval.low:.2%} to {r.interval.high:.2%})[/dim]" for r in rates.values())]
