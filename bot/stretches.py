"""Cuts a question into its smallest stretches that may state a need of their own."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SENTENCE_END = re.compile(
    r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9a-z])|\n+|(?<=;)\s+|\s+[-\u2013\u2014]{1,2}\s+|\s*->\s*"
)
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|vs|approx|incl|no|dr|mr|mrs|st)\.$", re.IGNORECASE)
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
    for number, (start, end) in enumerate(_sentences(text)):
        for piece in _pieces(text, start, end):
            first, last = _trimmed(text, *piece)
            if re.search(r"\w{2}", text[first:last]):
                found.append(Stretch(first, last, number))
    return tuple(found)


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if not _ABBREVIATION.search(text[start : match.start()]):
            yield _trimmed(text, start, match.start())
            start = match.end()
    yield _trimmed(text, start, len(text))


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
