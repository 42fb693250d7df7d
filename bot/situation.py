"""The criterion that takes a question as a whole: where the weight of the work lies, as far as the sources bear it out.

The reader learned from stories which choice a situation calls for. That is understanding, no evidence: here it is held
against what the sources of this index conclude on the topics of each side, and drops or turns as they do.
"""

from collections.abc import Mapping, Sequence

from bot.answer import Cell, Criterion
from bot.leanings import Leaning
from bot.reading import SHARED, Reading
from kb.records import Option

WHOLE = "whole"
"""The id of this criterion."""

TEXT = "the situation as a whole"


def borne_out(learned: Mapping[str, str], leanings: Mapping[str, Leaning]) -> float:
    """How far the sources lean as the reader learned, -1 to 1. `learned`: the option that each topic speaks for."""
    found = []
    for topic, option in learned.items():
        leaning = leanings.get(topic)
        total = sum(leaning.scores.values()) if leaning is not None else 0.0
        if leaning is not None and total:
            found.append((2 * leaning.scores.get(option, 0.0) - total) / total)
    if not found:
        return 0.0
    return max(-1.0, min(1.0, 3 * sum(found) / len(found)))


def whole_of(reading: Reading, agreed: float, criteria: Sequence[Criterion], options: Sequence[Option]) -> Criterion:
    """The criterion; its cells cite what the strongest need cites for each option."""
    first, second = sorted(option.id for option in options)
    calls_for = {choice: reading.choices[choice] for choice in (first, second, *SHARED)}
    kept = (1 + agreed) / 2
    for one, other in ((first, second), (second, first)):
        calls_for[one] = round(kept * reading.choices[one] + (1 - kept) * reading.choices[other], 4)
    evenly = (calls_for["both"] + calls_for["either"]) / 2
    cells = {}
    for option in (first, second):
        cited = [c.cells[option] for c in criteria if option in c.cells]
        supported = [cell for cell in cited if cell.finding == "supported"]
        best = max(supported, key=lambda cell: cell.score, default=None)
        cells[option] = Cell(
            finding="supported" if best else "not_supported" if cited else "not_documented",
            score=round(min(1.0, calls_for[option] + evenly), 3),
            text=best.text if best else "",
            citations=best.citations if best else (),
        )
    return Criterion(id=WHOLE, text=TEXT, weight=1.0, calls_for=calls_for, cells=cells)
