"""Cuts a question into its smallest stretches that may state a need of their own."""

import re
from dataclasses import dataclass

from bot.sentences import sentence_spans

_JOINT = re.compile(
    r"\s*[,;:]\s+(?:but|yet|and then|and also|and|while|whereas|plus|then|or|so|which|although|though|however|because"
    r"|since)?\s*"
    r"|\s+(?:but|while|whereas|plus|although|though|however|then|because|as well as|and)\s+"
    r"|\s*[()/+&]\s+|\s+[()/+&]\s*",
    re.IGNORECASE,
)
_MARKS = frozenset(",;:()/+&")
_LEADING, _TRAILING = " \t\n,;:.!?-*\u2022\"'()", " \t\n,;:.!?-\"'("


@dataclass(frozen=True, slots=True)
class Stretch:
    """`text[start:end]`, in the sentence with this number, from 0."""

    start: int
    end: int
    sentence: int


def stretches(text: str) -> tuple[Stretch, ...]:
    """The stretches of a text, in its order; none overlaps another."""
    found: list[Stretch] = []
    for number, span in enumerate(sentence_spans(text)):
        start, end = _trimmed(text, *span)
        for piece in _pieces(text, start, end):
            first, last = _trimmed(text, *piece)
            if re.search(r"\w{2}", text[first:last]):
                found.append(Stretch(first, last, number))
    return tuple(found)


def _pieces(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Between marks two words make a piece, or one in a list of short ones; between mere words three do."""
    pieces: list[tuple[int, int]] = []
    for match in _JOINT.finditer(text, start, end):
        words = len(text[start : match.start()].split())
        marked = not _MARKS.isdisjoint(match[0])
        in_a_list = bool(pieces) and len(text[slice(*pieces[-1])].split()) <= 4
        if words >= (2 if marked else 3) or (marked and words >= 1 and in_a_list):
            pieces.append((start, match.start()))
            start = match.end()
    rest = len(text[start:end].split())
    if pieces and rest < 2 and len(text[slice(*pieces[-1])].split()) > 3:
        pieces[-1] = (pieces[-1][0], end)
    elif rest:
        pieces.append((start, end))
    return pieces


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] in _LEADING:
        start += 1
    while end > start and text[end - 1] in _TRAILING:
        end -= 1
    return start, end
