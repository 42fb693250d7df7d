"""Makes a follow-up stand on its own: from the history, the words that a question leaves out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.answer import Turn
from bot.asking import asked_by_words, asks
from kb.options import OptionFinder, other

_MORE = re.compile(
    r"^\W*(?:and\s+)?(?:also|plus|besides|additionally|in\s+addition|on\s+top|moreover|oh,?\s+and|we\s+(?:also"
    r"|even)|what\s+if|suppose|say\s+we"
    r"|and\s+(?:honestly|we|our|they|it|the|if\s+we|when\s+we)|ok(?:ay)?,?\s+and\s+(?:when|if)\s+we"
    r"|hm\.?\s+suppose)\b"
    r"|\b(?:as\s+well|too|on\s+top\s+of\s+(?:that|it))\W*$",
    re.IGNORECASE,
)
_INSTEAD = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|right|fine|hm+|well|so|and|but|then)[,.]?\s+)*(?:what|how)\s+about\b"
    r"|^\W*(?:ok(?:ay)?[,.]?\s+)?and\s+(?:for|if|with|in|on|when|compared|what\s+about)\b"
    r"|^\W*(?:ok(?:ay)?[,.]?\s+)?(?:then|now)\s+(?:for|what)\b|\binstead\b|^\W*(?:no|actually|sorry|rather"
    r"|i\s+meant?|forget)\b",
    re.IGNORECASE,
)
_NEXT_STEP = re.compile(
    r"\b(?:afterwards?|after\s+that|later\s+on|first|before\s+that|in\s+a\s+second\s+step|in\s+the\s+end|downstream)\b",
    re.IGNORECASE,
)
"""A step before or after what was asked of, not in place of it."""

_BOTH = re.compile(
    r"\b(?:need|needs|want|wants|do|does|have|has|for|of|run|runs|get|gets|with)\s+(?:to\s+(?:do|run|have)\s+)?"
    r"(?:both|all\s+of\s+(?:it|that|them|this))\b|\bboth\s+(?:kinds|cases|things|jobs|parts|at\s+once|together)\b",
    re.IGNORECASE,
)
"""What was asked before and what took its place, together."""

_ANEW = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|right|now|and|so|well)[,.]?\s+)*(?:a\s+)?(?:new|another|different|unrelated|separate)\s+"
    r"(?:project|question|topic|subject|matter|story)\b"
    r"|\bchang(?:e|ing)\s+(?:of\s+)?(?:the\s+)?(?:subject|topic)\b|\bout\s+of\s+(?:your|my)\s+(?:head|mind)\b"
    r"|\bnothing\s+to\s+do\s+with\s+(?:that|it|this|the\s+above)\b",
    re.IGNORECASE,
)
"""Says itself that what was asked before is over."""

_ON_A_POINT = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|right|now|and|so|well|then|please|can\s+you|could\s+you)[,.]?\s+)*"
    r"(?:compare|contrast|how\s+(?:do|would|does)\s+(?:they|the\s+two|both|these|those)\s+(?:differ|compare)"
    r"|(?:what(?:['’]s|\s+is|\s+are)\s+)?(?:the\s+|any\s+)?differences?)\b[^.?!]{0,60}?"
    r"\b(?:on|in|for|by|regarding|concerning|when\s+it\s+comes\s+to|in\s+terms\s+of|with\s+regard\s+to)\s+"
    r"(?!(?:that|this|it|them|those|these|all|both|our|my|general|short|one|two|three|a\s+(?:few|table))\b)\w",
    re.IGNORECASE,
)
"""Compares the two on a point of its own, whatever was asked before."""

_OTHER_ONE = re.compile(r"\bthe\s+other(?:\s+(?:one|platform|side|tool))?\b", re.IGNORECASE)
_WHY = re.compile(
    r"^\W*(?:(?:but|and|ok)\s+)?(?:why(?:\s+(?:is\s+that|so|not))?|how\s+come|explain(?:\s+(?:that|why))?"
    r"|because\??|says\s+who|how\s+do\s+you\s+know"
    r"|(?:show|give)\s+me\s+(?:the\s+)?(?:source|evidence|proof|quote|passage)s?|what(?:['’]s|\s+is)\s+(?:the"
    r"|your)\s+(?:source|evidence|proof)|source\??"
    r"|(?:give|tell)\s+me\s+that\s+again.*|say\s+that\s+again.*|in\s+one\s+sentence.*|so\s+who\s+does\s+what.*"
    r"|who\s+does\s+what.*)\W*$",
    re.IGNORECASE,
)
_BACKWARD = re.compile(
    r"\b(?:it|its|that|this|those|these|them|they|there|same|such|one|both|so|then|there|which\s+of\s+the\s+two"
    r"|the\s+two|she|he)\b",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|right|fine|hm+|well|so|and|but|then|now|no|actually|sorry)[,.]?\s+)*(?:(?:what"
    r"|how)\s+about\s+|for\s+|if\s+|when\s+)?",
    re.IGNORECASE,
)
_SHORT = 9
_LONGEST = 1_600
"""Characters: about 400 tokens."""


@dataclass(frozen=True, slots=True)
class Standalone:
    """The question as it would be asked without the conversation, and how it follows from it.

    `since`: where the last turn begins in the text; 0 where it stands alone.
    """

    text: str
    follows: Literal["no", "anew", "adds", "replaces", "repeats"]
    since: int = 0


def standalone(text: str, history: Sequence[Turn], options: OptionFinder) -> Standalone:
    """The standalone form of `text`. Without history, and where it changes the topic, it is the text itself."""
    before, superseded = _asked_before(history, options)
    if not before:
        return Standalone(text, "no")
    asked = asked_by_words(text, options)
    if asked in ("smalltalk", "instruction"):
        return Standalone(text, "no")
    last = before[-1]
    if _WHY.match(text):
        return Standalone("\n".join(before), "repeats")
    if _OTHER_ONE.search(text) and not options.named(text):
        named = options.named(last)
        if len(named) == 1:
            to = other(options.options, named[0])
            return Standalone(_renamed(last, options, to), "replaces")
    named = options.named(text)
    if named and len(named) == 1 and len(text.split()) <= 5 and len(options.named(last)) == 1:
        return Standalone(_renamed(last, options, named[0]), "replaces")
    if _BOTH.search(text) and not named:
        return _added((*superseded, *before), text)
    if _ANEW.search(text):
        return Standalone(text, "anew")
    if _ON_A_POINT.match(text):
        return Standalone(text, "no")
    if _MORE.search(text) or (_INSTEAD.search(text) and _NEXT_STEP.search(text)):
        return _added(before, text)
    if _INSTEAD.search(text) and len(text.split()) <= 2 * _SHORT:
        return Standalone(_replaced(text, last, options), "replaces")
    if not asks(text):
        return _added(before, text)
    short = len(text.split()) <= _SHORT
    backward = bool(_BACKWARD.search(text)) and not (len(text.split()) > 25 and not re.search(r"\bsame\b", text))
    if short and not named and asked != "comparison" and not _asks_anew(text):
        return _added(before, text)
    if backward and not (named and asked == "fact"):
        return _added(before, text)
    if backward and named and asked == "fact" and re.search(r"\b(?:that|it|this|those|them)\b", text, re.I) and short:
        return Standalone(f"{_renamed(last, options, named[0])}", "replaces")
    return Standalone(text, "no")


def _added(before: Sequence[str], text: str) -> Standalone:
    told = "\n".join(before)
    room = _LONGEST - min(len(text), _LONGEST // 2)
    if len(told) > room:  # the reader reads no more than that, and the last turn is what counts
        told = told[-room:].partition(" ")[2]
    return Standalone(f"{told}\n{text}", "adds", since=len(told) + 1)


def _asks_anew(text: str) -> bool:
    """A question that has its own subject: a fact word, then more than pronouns."""
    rest = [w for w in re.findall(r"[\w-]+", text.lower()) if len(w) > 3 and not _BACKWARD.fullmatch(w)]
    return bool(re.match(r"\W*(?:does|do|can|is|are|how|what|when|where|who)\b", text, re.I)) and len(rest) >= 3


def _asked_before(history: Sequence[Turn], options: OptionFinder) -> tuple[list[str], list[str]]:
    """The questions still in force, from the last one that stands on its own, small talk left out; and those that
    the last of them took the place of.
    """
    texts: list[str] = []
    superseded: list[str] = []
    for turn in history:
        if turn.role != "user" or not turn.content.strip():
            continue
        if asked_by_words(turn.content, options) in ("smalltalk", "instruction"):
            continue
        if not texts:
            texts.append(turn.content.strip())
            continue
        earlier = [Turn(role="user", content=text) for text in texts]
        made = standalone(turn.content.strip(), earlier, options) if len(texts) < 6 else None
        if made is not None and made.follows == "anew":
            texts, superseded = [turn.content.strip()], []
        elif made is None or made.follows == "no":
            # Its own subject: what was asked before it is over, unless it only told a story so far.
            texts = [*texts, turn.content.strip()] if not texts[-1].rstrip().endswith("?") else [turn.content.strip()]
            superseded = []
        elif made.follows == "adds":
            texts.append(turn.content.strip())
        elif made.follows == "replaces":
            texts, superseded = [made.text], texts
    return texts, superseded


def _renamed(text: str, options: OptionFinder, to: str) -> str:
    pieces, start = [], 0
    for mention in options.mentions(text):
        pieces += [text[start : mention.start], options.name_of(to)]
        start = mention.end
    pieces.append(text[start:])
    return "".join(pieces)


def _replaced(text: str, last: str, options: OptionFinder) -> str:
    subject = _LEAD.sub("", text).strip(" ?!.")
    asked = asked_by_words(last, options)
    if asked_by_words(subject, options) == "fact" and len(subject.split()) > 6:
        return text
    named = options.named(last)
    if asked == "comparison":
        return f"Compare {options.options[0].name} and {options.options[1].name} on {subject}."
    if asked == "fact" and len(named) == 1:
        return f"What about {options.name_of(named[0])} and {subject}?"
    return f"Which platform should I use for this: {subject}?"
