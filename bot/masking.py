"""The options of a decision as marks in a question: what the reader sees instead of their names.

"A or B" and "B or A" become the same mark, so what is read cannot depend on the order of the options.
"""

import re
from dataclasses import dataclass

from kb.options import OptionFinder

MARKS = ("alpha", "beta")
"""Stand for the options in the order of their ids: words of the encoder's vocabulary that no question uses."""

EITHER = "gamma"
"""Stands for two options that are named side by side."""

NOW = "\nomega "
"""Stands where the last turn of a conversation begins: what was said before it may no longer hold."""

_BESIDE = re.compile(
    r"^[\s,]*(?:or|vs\.?|versus|and|/)\s*(?:(?:in|on|with|use|using|the|to|for|just|via)\s+)*$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Masked:
    """A text with marks; `origins[i]` is the offset in the original text of the character `i` of `text`.

    `now`: where the last turn of a conversation begins in it.
    """

    text: str
    origins: tuple[int, ...]
    now: int = 0

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original text behind `text[start:end]`."""
        return self.origins[start], self.origins[end - 1] + 1

    def find(self, start: int, end: int) -> tuple[int, int] | None:
        """The span of `text` that stands for `[start, end)` of the original; None where nothing does."""
        rows = [row for row, origin in enumerate(self.origins) if start <= origin < end]
        return (rows[0], rows[-1] + 1) if rows else None


def masked(text: str, options: OptionFinder, *, since: int = 0) -> Masked:
    """The text with every mention of an option replaced by its mark. `since`: where the last turn begins in it."""
    if since:
        before, now = masked(text[:since], options), masked(text[since:], options)
        places = (*before.origins, *(since for _ in NOW), *(since + origin for origin in now.origins))
        return Masked(f"{before.text}{NOW}{now.text}", places, len(before.text) + 1)
    marks = dict(zip(sorted(option.id for option in options.options), MARKS, strict=True))
    mentions = options.mentions(text)
    pieces: list[str] = []
    origins: list[int] = []
    start = position = 0
    while position < len(mentions):
        first = mentions[position]
        mark, end = marks[first.option], first.end
        if position + 1 < len(mentions):
            second = mentions[position + 1]
            if second.option != first.option and _BESIDE.match(text[first.end : second.start]):
                mark, end = EITHER, second.end
                position += 1
        pieces += [text[start : first.start], mark]
        origins += range(start, first.start)
        origins += [min(first.start + i, end - 1) for i in range(len(mark))]
        if origins:
            origins[-1] = end - 1
        start = end
        position += 1
    pieces.append(text[start:])
    origins += range(start, len(text))
    return Masked("".join(pieces), tuple(origins))
