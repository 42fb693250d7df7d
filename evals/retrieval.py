"""How well a leg finds the gold sections of a question."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evals.gold_sections import SectionMap
from evals.golden import Case
from evals.metrics import ndcg, recall, reciprocal_rank

Leg = Callable[[str], Sequence[str]]
"""From a question to section ids, best first."""

DEPTH = 50


@dataclass(frozen=True, slots=True)
class RankedLeg:
    """A leg, and all that its results depend on besides the question."""

    identity: str
    rank: Leg


def score_ranking(ranked: Sequence[str], case: Case, sections: SectionMap) -> dict[str, float]:
    """nDCG@10, recall@5 and @10, MRR@10 and "gold first" of ranked section ids; {} where no gold is in this index.

    What is ranked is targets: the sections of one gold reference are one target, found at its best place.
    """
    targets = [(gold.gain, sections.resolve(gold.section)) for gold in case.gold]
    targets = [(gain, ids) for gain, ids in targets if ids]
    if not targets:
        return {}
    places: dict[int | str, int] = {}
    for section in ranked:
        hits = [number for number, (_, ids) in enumerate(targets) if section in ids]
        for number in hits:
            places.setdefault(number, targets[number][0])
        if not hits:
            places.setdefault(section, 0)
    gains = list(places.values())
    found = [gain > 0 for gain in gains]
    return {
        "ndcg@10": ndcg(gains, [gain for gain, _ in targets], k=10),
        "recall@5": recall(found, len(targets), k=5),
        "recall@10": recall(found, len(targets), k=10),
        "mrr@10": reciprocal_rank(found, k=10),
        "gold_first": float(bool(found) and found[0]),
        "gold_in_5": float(any(found[:5])),
    }
