"""Splits a text as people type it into its sentences."""

import re

_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9a-z])|\n+|(?<=;)\s+|\s+[-\u2013\u2014]{1,2}\s+|\s*->\s*")
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|vs|approx|incl|no|dr|mr|mrs|st)\.$", re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-*\u2022]|\d+[.)])\s+")


def sentence_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Where each sentence begins and ends, blanks and marks around it included; lines are sentences."""
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        if not _ABBREVIATION.search(text[start : match.start()]):
            spans.append((start, match.start()))
            start = match.end()
    return (*spans, (start, len(text)))


def sentences(text: str) -> tuple[str, ...]:
    """The sentences that say something, without the marks of a list."""
    cleaned = (_BULLET.sub("", text[start:end]).strip() for start, end in sentence_spans(text))
    return tuple(sentence for sentence in cleaned if sentence)
