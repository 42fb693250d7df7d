"""The verdict: a pure function of the criteria, the same wherever it is computed.

Each criterion pulls towards one option by `weight x polarity x (difference of the cell scores)`. Where one of them
takes the question as a whole, the pulls and what it calls for give every choice a score, and softmax makes
probabilities of them (a multinomial logistic model): the likeliest choice is the verdict, and its probability gives
the confidence. Else rules over the pulls decide (`bot.verdict_rules`). The order of options and criteria does not
matter, and a client that moves a weight calls `decide` again with no new retrieval.
"""

import math
from collections.abc import Mapping, Sequence

from bot.answer import Criterion, Verdict, WouldChange
from bot.verdict_rules import by_rules, is_rejected, pull, sureness
from bot.verdict_weights import CONFIDENCE, WITH_WHOLE

SHARED = ("both", "either", "neither")
"""The choices that are no option."""

_LEAST = 1e-3
"""A choice that the question as a whole does not call for has at least this probability: nothing is ruled out."""


SUREST = 0.99
"""No choice is certain, and rounding must not make it so."""


def decide(criteria: Sequence[Criterion]) -> Verdict:
    """The verdict that the criteria give; no choice where none of them has weight or evidence."""
    ordered = sorted(criteria, key=lambda criterion: criterion.id)
    found = _decided(ordered)
    if found is None:
        return Verdict()
    choice, confidence = found
    return Verdict(
        choice=choice,
        confidence=confidence,
        reason=_reason(ordered, choice),
        parts=_parts(ordered) if choice == "both" else {},
        would_change=_would_change(ordered, choice),
    )


def _decided(criteria: Sequence[Criterion]) -> tuple[str, float] | None:
    counting = documented(criteria)
    if not any(criterion.calls_for for criterion in counting):
        choice = by_rules(counting)
        return None if choice is None else (choice, sureness(criteria, choice))
    chances = chances_of(counting)
    choice = _likeliest(chances)
    return choice, min(round(confidence_of(chances[choice]), 2), SUREST)


def confidence_of(chance: float) -> float:
    """The probability that a choice of this chance is right, other choices that an expert would let pass included."""
    return 1 / (1 + math.exp(-(CONFIDENCE["constant"] + CONFIDENCE["log_odds"] * log_odds(chance))))


def log_odds(chance: float) -> float:
    """Of a probability, kept off the ends."""
    inside = min(max(chance, 0.001), 0.999)
    return math.log(inside / (1 - inside))


def chances_of(counting: Sequence[Criterion]) -> dict[str, float]:
    """The probability of every choice, given criteria of which one takes the question as a whole."""
    return softmax(features(counting), WITH_WHOLE)


def softmax(found: Mapping[str, Mapping[str, float]], weights: Mapping[str, float]) -> dict[str, float]:
    """The probability of every choice, given what speaks for it and what that weighs."""
    scores = {choice: sum(weights[name] * value for name, value in values.items()) for choice, values in found.items()}
    top = max(scores.values())
    powers = {choice: math.exp(score - top) for choice, score in scores.items()}
    total = sum(powers.values())
    return {choice: power / total for choice, power in powers.items()}


def documented(criteria: Sequence[Criterion]) -> tuple[Criterion, ...]:
    """The criteria that have weight and evidence, in the order of their ids."""
    weighed = sorted((c for c in criteria if c.weight > 0 and len(c.cells) == 2), key=lambda c: c.id)
    return tuple(c for c in weighed if any(cell.finding != "not_documented" for cell in c.cells.values()))


def without_whole(criteria: Sequence[Criterion]) -> tuple[Criterion, ...]:
    """The criteria without the one that takes the question as a whole."""
    return tuple(c for c in criteria if not c.calls_for)


def features(counting: Sequence[Criterion]) -> dict[str, dict[str, float]]:
    """What speaks for each choice, by the names of the weights; of an option, all that speaks for the other counts."""
    needs = without_whole(counting)
    options = sorted(counting[0].cells)
    weight = sum(c.weight for c in needs) or 1.0
    pulls = [pull(c) for c in needs]
    total = {o: sum(p[o] for p in pulls) for o in options}
    strongest = {o: max((p[o] for p in pulls), default=0.0) for o in options}
    share = {o: total[o] / weight for o in options}
    together = sum(c.weight for c in needs if c.together) / weight
    rejected = sum(c.weight for c in needs if is_rejected(c)) / weight
    found: dict[str, dict[str, float]] = {}
    for option in options:
        (other,) = (o for o in options if o != option)
        found[option] = {
            "own_total": total[option],
            "other_total": total[other],
            "own_share": share[option],
            "other_share": share[other],
            "own_strongest": strongest[option],
            "other_strongest": strongest[other],
        }
    low, high = sorted(total.values())
    weak, strong = sorted(strongest.values())
    found["both"] = {
        "both": 1.0,
        "both_low": low,
        "both_high": high,
        "both_weak": min(weak, 1.0),
        "both_balance": low / (high + 0.1),
        "both_together": together,
    }
    found["either"] = {
        "either": 1.0,
        "either_high": high,
        "either_share": max(share.values()),
        "either_strong": min(strong, 1.0),
        "either_needs": 1.0 if needs else 0.0,
    }
    found["neither"] = {"neither": 1.0, "neither_rejected": rejected, "neither_strong": min(strong, 1.0)}
    for criterion in counting:
        if criterion.calls_for:
            for choice, values in found.items():
                kind = "whole_option" if choice in options else f"whole_{choice}"
                values[kind] = criterion.weight * math.log(max(criterion.calls_for.get(choice, 0.0), _LEAST))
    return found


def _likeliest(chances: Mapping[str, float]) -> str:
    """The choice with the highest probability; where two options are level, either of them."""
    best = max(chances.values())
    level = sorted(choice for choice, chance in chances.items() if chance > best - 1e-9)
    return level[0] if len(level) == 1 else next((c for c in SHARED if c in level), "either")


def _towards(criteria: Sequence[Criterion], option: str) -> list[Criterion]:
    # What is not wanted may tip the balance, but no option is praised for it or given it as its part.
    asked = [c for c in criteria if not c.calls_for and c.polarity != "unwanted"]
    found = [c for c in asked if pull(c).get(option, 0.0) > 0.02]
    return sorted(found, key=lambda c: (-pull(c)[option], c.id))


def _parts(criteria: Sequence[Criterion]) -> dict[str, str]:
    options = sorted({option for c in criteria for option in c.cells})
    return {option: "; ".join(c.text for c in _towards(criteria, option)[:3]) for option in options}


def _reason(criteria: Sequence[Criterion], choice: str) -> str:
    weighed = [c for c in criteria if c.weight > 0]
    named = _listed([c.text for c in weighed if not c.calls_for][:3] or [c.text for c in weighed][:1])
    if choice == "both":
        return "The needs fall on both sides, and the two work together."
    if choice == "either":
        return f"The sources see no clear difference on {named}."
    if choice == "neither":
        return f"The sources call for neither of the two for {named}."
    towards = _listed([c.text for c in _towards(criteria, choice)[:3]])
    return f"The sources favour it for {towards}." if towards else f"The sources favour it, all in all, for {named}."


def _would_change(criteria: Sequence[Criterion], choice: str) -> tuple[WouldChange, ...]:
    """The smallest changes of one weight that give another choice, at most two."""
    found: list[tuple[int, WouldChange]] = []
    for index, criterion in enumerate(criteria):
        if criterion.weight == 0:
            continue
        for effort, factor, words in ((1, 0.0, "did not matter"), (2, 3.0, "mattered far more than the rest")):
            changed = [
                c.model_copy(update={"weight": c.weight * factor}) if i == index else c for i, c in enumerate(criteria)
            ]
            decided = _decided(changed)
            if decided is not None and (other := decided[0]) != choice:
                text = f"If “{criterion.text}” {words}"
                found.append((effort, WouldChange(text=text, criterion=criterion.id, to=other)))
                break
    found.sort(key=lambda item: (item[0], item[1].criterion))
    return tuple(change for _, change in found[:2])


def _listed(texts: Sequence[str]) -> str:
    quoted = [f"“{text}”" for text in texts]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}"
