"""What kind of question it is, as the reader sees it; plain words of greeting or command are known without it."""

import re

from bot.answer import NotCoveredReason
from bot.asking import Asked, is_instruction, is_smalltalk
from bot.reading import ANSWERED, REFUSED, Reading

_BETTER = re.compile(
    r"\bwhich (?:one|of (?:them|the two)|platform|is|has|gives|offers)\b[^.?!]{0,40}"
    r"\b(?:better|simpler|easier|cheaper|faster|safer|best|simplest|easiest|cheapest|safest)\b",
    re.IGNORECASE,
)
"""Asks which one is better at something: that is a choice, however much it looks like a fact."""


def what_is_asked(question: str, reading: Reading) -> Asked:
    """The kind of a question: `question` as it was put, `reading` of its standalone form."""
    if is_instruction(question) or reading.kinds["instruction"] > 0.5:
        return "instruction"
    if is_smalltalk(question) or reading.kinds["smalltalk"] > 0.5:
        return "smalltalk"
    asked = max(ANSWERED, key=lambda kind: reading.kinds[kind])
    return "recommendation" if asked == "fact" and _BETTER.search(question) else asked


def open_chance(reading: Reading, *, own: bool) -> float:
    """The probability that it is a question of a kind that sources may answer.

    Whether there is evidence is not for the reader to say: it learned that of one guide alone. Nor is, where the
    decision is not its `own`, what is off the topic: databases are, of a choice between machine learning platforms.
    """
    beside = ("no_evidence",) if own else ("no_evidence", "off_topic", "other_vendor")
    return sum(reading.kinds[kind] for kind in (*ANSWERED, *beside))


def likeliest_reason(reading: Reading) -> NotCoveredReason:
    """The likeliest reason why the sources would not answer it."""
    reasons = [reason for reason in REFUSED if reason != "instruction"]
    return max(reasons, key=lambda reason: reading.kinds[reason])
