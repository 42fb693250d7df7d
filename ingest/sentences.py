"""Splits text into sentences by English rules: exact spans, nothing lost but the space between them."""

import re
from collections.abc import Iterator

_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s|$)|[。！？]|\n|\s•\s")
_ABBREVIATIONS = frozenset(
    """
    e.g i.e etc vs cf al fig figs no nos vol ed eds approx dept est inc ltd corp co mr mrs ms dr prof st jr sr u.s
    u.k a.m p.m resp incl excl max min ver v ex
    """.split()  # noqa: SIM905
)
_STARTS = re.compile(r"[\s\"'“‘(\[]*[^\W_a-z]|[\s\"'“‘(\[]*[`%$#@<*/\\]|\s*$")


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence of a text, in code points, without the space around it.

    A newline and a bullet always end a sentence.
    """
    start = 0
    for end in _END.finditer(text):
        if end[0] == "\n" or "•" in end[0]:
            yield from _trimmed(text, start, end.start())
            start = end.end()
            continue
        if end[0].startswith("."):
            word = re.search(r"[\w.]*$", text[max(start, end.start() - 12) : end.start()])
            last = (word[0] if word else "").lower().strip(".")
            if last in _ABBREVIATIONS and end.end() < len(text):
                continue
            if len(last) == 1 and last.isalpha() and text[end.start() - 1].isupper():
                continue
        if _STARTS.match(text, end.end()):
            yield from _trimmed(text, start, end.end())
            start = end.end()
    yield from _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end
