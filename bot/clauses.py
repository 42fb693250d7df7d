"""Splits a question into sentences and their clauses, and strips the asking from the need."""

import re
from dataclasses import dataclass

_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9a-z])|\n+|(?<=;)\s+|\s+[-\u2013\u2014]{1,2}\s+")
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|vs|approx|incl|no|dr|mr|mrs|st)\.$", re.IGNORECASE)
_JOINT = re.compile(
    r",\s+(?:but|yet|and then|and also|and|while|whereas|plus|then|or|so|which|although|though|however)\s+"
    r"|,\s+|\s+(?:but|while|whereas|and then|and also|as well as|plus|although|though|however|then)\s+|\s+and\s+|:\s+",
    re.IGNORECASE,
)
_ASK = re.compile(
    r"""^(?:so|ok|okay|and|but|then|now|hi|hello|hey|please)?[\s,]*
    (?:(?:can|could|would)\s+you\s+)?(?:please\s+)?(?:tell\s+me\s+|advise\s+(?:me\s+)?(?:on\s+)?)?
    (?:
      (?:which|what)(?:\s+(?:one|of\s+(?:the\s+)?(?:two|these|them|both)|platform|tool|service|product|option|side|way))*
        (?:\s+(?:should|would|do|does|could|can|is|are|will|shall|must|might))?
        (?:\s+(?:i|we|you|they|he|she|it|one|my\s+\w+|our\s+\w+|the\s+\w+|be))?
        (?:\s+(?:be))?
        (?:\s+(?:rather|better|best|ideal|right|the\s+right|the\s+better|a\s+better|the\s+best|more\s+suitable|suited|suitable))*
        (?:\s+(?:use|choose|pick|take|go\s+(?:with|for)|recommend|suggest|prefer|select|adopt|buy|favou?r|fit|fits|suit|suits|
           choice|option|platform|fit|one|start\s+with|work|works|build\s+on|standardi[sz]e\s+on|bet\s+on|look\s+at))*
        (?:\s+(?:for|if|when|to|with|in|given|us|me|here|better|best|on|as))*
      | should\s+(?:i|we|they|he|she)\s+(?:use|choose|pick|take|go\s+(?:with|for)|rather)?
      | (?:recommend|suggest|pick|choose)\s+(?:a\s+platform|one|me\s+one)?(?:\s+for)?
    )[\s,:]*""",
    re.IGNORECASE | re.VERBOSE,
)
_MIN_WORDS = 3


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of the question; `sentence` counts from 0, `whole` says that it is the sentence itself."""

    text: str
    sentence: int
    whole: bool


def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text, list items and lines apart."""
    parts: list[str] = []
    start = 0
    for match in _SENTENCE_END.finditer(text):
        piece = text[start : match.start()]
        if _ABBREVIATION.search(piece):
            continue
        parts.append(piece)
        start = match.end()
    parts.append(text[start:])
    cleaned = (re.sub(r"^\s*(?:[-*\u2022]|\d+[.)])\s+", "", part).strip() for part in parts)
    return tuple(part for part in cleaned if part)


def clauses(text: str) -> tuple[Clause, ...]:
    """Every sentence whole, and where it has several clauses those too, in the order of the text."""
    found: list[Clause] = []
    for number, sentence in enumerate(sentences(text)):
        found.append(Clause(sentence, number, True))
        pieces = _pieces(sentence)
        if len(pieces) > 1:
            found += [Clause(piece, number, False) for piece in pieces]
    return tuple(found)


def without_asking(text: str) -> str:
    """The need in a question: "which platform should I use for X?" becomes "X". Empty where it only asks."""
    return _ASK.sub("", text.strip(), count=1).strip(" ?!.,:;")


def _pieces(sentence: str) -> list[str]:
    """The clauses of a sentence; a piece of one or two words stays with the clause before it."""
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _JOINT.finditer(sentence):
        if len(sentence[start : match.start()].split()) >= _MIN_WORDS:
            spans.append((start, match.start()))
        elif spans:
            spans[-1] = (spans[-1][0], match.start())
        else:
            continue
        start = match.end()
    rest = sentence[start:]
    if spans and len(rest.split()) < 2:
        spans[-1] = (spans[-1][0], len(sentence))
    else:
        spans.append((start, len(sentence)))
    pieces = (sentence[first:last].strip(" ,;:") for first, last in spans)
    return [piece for piece in pieces if piece]
