"""Judges a need: one cell per option, from the topics it may be about and the statements that speak to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bot.answer import Finding
from bot.evidence import WeighingStatements
from bot.leanings import Leaning, Weighted, weigh
from bot.needs import Need
from kb.records import Option

LEAST = 0.33
"""Relevance below which a statement does not speak to a need."""

FAINT = 0.18
"""Relevance from which a statement may be quoted for a side that the need's topic speaks of."""

BEHIND = 0.6
"""Statements this far behind the best one resemble the need by chance."""

LIMITED = 0.3
"""The most that an option scores for which the sources state limits alone."""

STRONGEST, EVEN = 3, 0.5
"""How many statements speak for an option as such where none is found, and what its cell scores then."""

UNSURE = 0.7
"""A need of which the topic is not sure keeps at least this share of the difference between its cells."""


@dataclass(frozen=True, slots=True)
class Side:
    """What was found for one option: `score` 0 to 1, the statements that speak for it and its limits, best first."""

    finding: Finding
    score: float
    evidence: tuple[Weighted, ...]
    against: tuple[Weighted, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A need and its two sides, keyed by option id. `shared`: statements that speak for both or for neither."""

    need: Need
    sides: Mapping[str, Side]
    together: bool
    shared: tuple[Weighted, ...]

    @property
    def documented(self) -> bool:
        """Whether the sources say anything that weighs on the need."""
        return any(side.finding != "not_documented" for side in self.sides.values())


def judge(
    need: Need,
    sought: NDArray[np.float32] | None = None,
    *,
    weighing: WeighingStatements,
    options: Sequence[Option],
) -> Judgement:
    """The judgement of a need over the statements of the index. Pure, and blind to the order of the options.

    `sought`: how likely the question as a whole seeks each of the statements.
    """
    found = weighing.find(need, sought, least=FAINT)
    top = found[0].relevance if found else 0.0
    near = [each for each in found if each.relevance >= max(LEAST, BEHIND * top)]
    by_topic, together, rejected = _expected(need, weighing.leanings)
    direct = weigh(near, options)
    scores = _scores(need, by_topic, direct)
    sides: dict[str, Side] = {}
    for option in options:
        own = [each for each in near if each.statement.stance == option.id]
        speaking = [each for each in own if each.statement.strength > 0]
        limits = [each for each in own if each.statement.strength < 0]
        score = scores.get(option.id, 0.0)
        if not own and by_topic is not None and score > 0:
            faint = [each for each in found if each.statement.stance == option.id and each.statement.strength > 0]
            speaking = faint[:1]
        finding: Finding = "not_documented"
        if rejected:
            finding, score = "not_supported", 0.0
        elif limits and not speaking:
            finding, score = "not_supported", min(score, LIMITED)
        elif speaking:
            finding = "supported"
        sides[option.id] = Side(finding, score, tuple(_to_quote(speaking)), tuple(_to_quote(limits)))
    shared = tuple(each for each in near if each.statement.stance is None and len(each.statement.options) == 2)
    return Judgement(need, sides, together, shared)


def judge_as_such(need: Need, *, weighing: WeighingStatements, options: Sequence[Option]) -> Judgement:
    """The judgement of a need that is no more than the options themselves.

    Of an option that nothing found speaks for, what the sources say most strongly for it.
    """
    found = judge(need, weighing=weighing, options=options)
    sides = dict(found.sides)
    for option in options:
        strongest = weighing.strongest(option.id, need.vector, STRONGEST)
        if strongest and not sides[option.id].evidence:
            sides[option.id] = Side("supported", EVEN, strongest, sides[option.id].against)
    return replace(found, sides=sides)


def _expected(need: Need, leanings: Mapping[str, Leaning]) -> tuple[dict[str, float] | None, bool, bool]:
    """The leaning expected over the topics that the need may be about, and whether both or neither are called for."""
    scores: dict[str, float] = {}
    known = together = rejected = 0.0
    for topic, chance in need.topics:
        leaning = leanings.get(topic)
        if leaning is None or not leaning.documented:
            continue
        known += chance
        together += chance * (leaning.shared == "both")
        rejected += chance * (leaning.shared == "neither")
        for option, score in leaning.scores.items():
            scores[option] = scores.get(option, 0.0) + chance * score
    total = sum(chance for _, chance in need.topics)
    if known < 0.15 or not total:
        return None, False, False
    return {o: s / known for o, s in scores.items()}, together > 0.5 * total, rejected > 0.5 * total


def _scores(need: Need, by_topic: Mapping[str, float] | None, direct: Leaning) -> dict[str, float]:
    """The topics decide where the sources know them, else the statements found; doubt draws the sides together."""
    scores = dict(by_topic) if by_topic is not None else dict(direct.scores)
    if not scores:
        return {}
    sure = UNSURE + (1 - UNSURE) * (need.topics[0][1] if need.topics else 0.3)
    middle = sum(scores.values()) / len(scores)
    return {option: round(middle + sure * (score - middle), 3) for option, score in scores.items()}


def _to_quote(found: Sequence[Weighted]) -> list[Weighted]:
    """Best to quote first: relevant, decisive, and of different origins before more of the same."""

    def order(each: Weighted) -> tuple[float, str]:
        return (-each.relevance * (0.75 + 0.25 * abs(each.statement.strength)), each.statement.id)

    ranked = sorted(found, key=order)
    best: dict[str, Weighted] = {}
    for each in ranked:
        best.setdefault(each.origin, each)
    counted = {each.statement.id for each in best.values()}
    return [*best.values(), *(each for each in ranked if each.statement.id not in counted)]
