"""Cuts out of a question what only tells the bot how to answer; what is asked beside it is answered as if alone."""

import re
from collections.abc import Iterator, Sequence

from bot.disguises import levelled, undisguised
from bot.masking import EITHER, MARKS, masked
from bot.sentences import sentence_spans
from bot.steering_rules import BENDING, REVERSING, found
from bot.telling import shipped_teller
from kb.options import OptionFinder

_ASIDE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`|\([^()]*\)|\[[^\[\]]*\]", re.DOTALL)
_MARKED = re.compile(
    r"<!--.*?(?:-->|\Z)|\[INST\].*?(?:\[/INST\]|\Z)|<(system|assistant|instructions?)>.*?(?:</\1>|\Z)"
    r"|<\|im_start\|>\s*(?:system|assistant).*?(?:<\|im_end\|>|\Z)|\{[^{}]*\"(?:verdict|choice|confidence"
    r"|answer)\"[^{}]*\}"
    r"|^#+\s*(?:assistant|system|response)\b.*?$",
    re.DOTALL | re.IGNORECASE | re.MULTILINE,
)
_LABEL = re.compile(
    r"(?:<\|im_(?:start|end)\|>\s*|\[/?INST\]\s*|^\W*)(?:user|human|question)\s*:?\s*(?=[A-Z])|<\|im_(?:start|end)\|>",
    re.IGNORECASE,
)
_FORM = re.compile(
    r"^\W*(?:please |now |and |then |also )*(?:(?:reply|respond|answer|repeat)\b(?! (?:to|from|within)\b)"
    r"|(?:speak|talk|write) (?:like|as|in|backwards?)\b"
    r"|(?:begin|start|end|finish|open|close|format|translate|make|keep|put) (?:your|the|every|each|my) (?:reply"
    r"|answer|response)"
    r"|(?:print|show|reveal|repeat|output) (?:me )?(?:your|the) (?:system |hidden )*(?:prompt|instructions|rules))",
    re.IGNORECASE,
)
"""Tells the bot in which form to answer."""
_ASKS = re.compile(r"\?\W*$|^\W*(?:please )?(?:explain|describe|define|compare|contrast|list)\b", re.IGNORECASE)
_ANYHOW = re.compile(
    r"\b(?:recommend|say|answer|choose|pick|name)\b.{0,60}\b(?:no matter what|whatever (?:i|you|they|the documents))\b",
    re.IGNORECASE,
)
_TO_US = re.compile(r"\b(?:you|your|bot|assistant|ai|answer|reply|prompt|citations?)\b", re.IGNORECASE)
_RUN_ON = re.compile(r"(?<=[^\W\d_A-Z])\s+(?=(?!I\b)[^\W\d_a-z][^\W\d_]*\s)")
"""Between a word that ends in a small letter and one that begins with a capital."""

LIKELY, SURELY = 0.8, 0.97
"""From this probability on a sentence that speaks to the bot, or of its answer, is an instruction; and any other."""

_HEAD = 4
"""Words that stand before a forgotten full stop."""

_WORDS = 3
"""With fewer words than these beside an instruction, nothing is asked."""


def without_instructions(text: str, options: OptionFinder) -> str:
    """The question without the instructions in it, "" where nothing else is in it; without any, the text itself."""
    seen = levelled(text)
    cuts = [match.span() for match in _MARKED.finditer(seen)]
    cuts += [match.span() for match in _ASIDE.finditer(seen) if _instructs(match[0].strip("`()[]"), options)]
    blank = seen
    for start, end in cuts:
        blank = f"{blank[:start]}{' ' * (end - start)}{blank[end:]}"
    for span in sentence_spans(blank):
        cuts += _within(blank, span, options)
    if not cuts:
        return text
    rest = _LABEL.sub("", " ".join(_left(text, sorted(cuts))))
    return rest.strip() if len(re.findall(r"\w+", rest)) >= _WORDS else ""


def _within(text: str, span: tuple[int, int], options: OptionFinder) -> Iterator[tuple[int, int]]:
    """What instructs in a sentence: all of it, or from a capital letter on, where a full stop was forgotten."""
    start, end = span
    named = [range(mention.start, mention.end) for mention in options.mentions(text)]
    for match in _RUN_ON.finditer(text, start, end):
        if any(match.end() in mention for mention in named) or len(text[start : match.start()].split()) < _HEAD:
            continue
        if _instructs(text[match.end() : end], options):
            if _instructs(text[start : match.start()], options):
                break
            yield match.end(), end
            return
    if _instructs(text[start:end], options):
        yield span


def _left(text: str, cuts: Sequence[tuple[int, int]]) -> Iterator[str]:
    """What the cuts, in order, leave of the text."""
    end = 0
    for start, stop in (*cuts, (len(text), len(text))):
        if piece := text[end:start].strip():
            yield piece
        end = max(end, stop)


def _instructs(sentence: str, options: OptionFinder) -> bool:
    plain = undisguised(sentence)
    if found(plain, REVERSING) or _FORM.match(plain):
        return True
    seen = plain.replace("_", " ")
    named = options.named(seen)
    if named and _ANYHOW.search(plain):
        return True
    to_us = bool(_TO_US.search(plain))
    if _ASKS.search(plain) or not (named or to_us) or _favours_neither(seen, options):
        return False
    if named and found(plain, BENDING):
        return True
    return bool(shipped_teller().chances((plain,))[0] >= (LIKELY if named and to_us else SURELY))


def _favours_neither(sentence: str, options: OptionFinder) -> bool:
    """Whether it names the options side by side, as a choice, and none of them alone."""
    words = set(re.findall(r"\w+", masked(sentence, options).text))
    return EITHER in words and words.isdisjoint(MARKS)
