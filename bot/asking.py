"""What words alone tell of a turn: asked for a choice, a comparison, a fact, or nothing that a source could answer."""

import itertools
import re
from typing import Literal

from bot.sentences import sentences
from kb.options import OptionFinder

Asked = Literal["recommendation", "comparison", "fact", "smalltalk", "instruction"]

_SMALLTALK = re.compile(
    r"""^\W*(?:(?:hi|hello|hey|moin|hallo|servus|yo|greetings|good\s+(?:morning|afternoon|evening|day)
    |howdy)\b[\w\s,!.]{0,25}
    |(?:many\s+|ok\s+|okay\s+|great,?\s+|perfect,?\s+|cool,?\s+)?(?:thanks?|thank\s+you|thx|cheers|ta|merci|danke)\b.{0,60}
    |(?:ok(?:ay)?|great|perfect|cool|nice|got\s+it|understood|bye|goodbye|see\s+you|good\s+night|that(?:['’]s|\s+is)\s+all)\W*
    |.{0,30}\b(?:who|what)\s+are\s+you\b.{0,30}|.{0,30}\bhow\s+are\s+you\b.{0,30}
    |.{0,20}\bare\s+you\s+(?:a\s+)?(?:real|human|person|bot|robot|machine|ai|chatgpt|an\s+ai).{0,30}
    |.{0,20}\btalking\s+to\s+(?:a|an)\s+(?:person|human|machine|bot|robot|computer).{0,40}
    |.{0,30}\bwhat\s+(?:can|do)\s+you\s+(?:do|know|answer|help)\b.{0,30}
    |.{0,20}\bwhat\s+(?:sort|kind|type)s?\s+of\s+(?:things?|questions?)\s+can\s+(?:i|you|we)\b.{0,30}
    |.{0,20}\bwhat\s+can\s+i\s+ask\b.{0,30}|.{0,10}\bhow\s+do(?:es)?\s+(?:you|this)\s+work\W*)$""",
    re.IGNORECASE | re.VERBOSE,
)
_INSTRUCTION = re.compile(
    r"""\b(?:ignore|disregard|forget)\b[^.?!]{0,40}\b(?:rules?|instructions?|prompts?|guidelines?|above|previous|prior
      |sources?|everything|evidence|documents?)\b
    |\b(?:override|bypass)\b[^.?!]{0,40}\b(?:rules?|instructions?|prompts?|guidelines?)\b
    |\byou\s+are\s+now\b|(?:^|[.!]|\byou|\bplease)\s*act\s+as\b|\bpretend\s+(?:to|that|you)\b|\brole-?play\b
    |\bfrom\s+now\s+on,?\s+(?:you|always|only|never|answer|say|reply|respond|recommend)\b
    |\b(?:system|hidden|secret|initial)\s+prompt\b|\byour\s+(?:instructions|prompt|rules)\b
    |\b(?:always|only|just)\s+(?:recommend|answer|say|reply|respond)\b
    |\b(?:reply|respond|answer)\s+(?:only\s+)?with\b
    |\b(?:you\s+must|you\s+have\s+to|you\s+will|your\s+answer\s+(?:must|has\s+to|should|is|will))\b[^.?!]{0,60}
      \b(?:recommend|answer|say|choose|pick|state|conclude|be|verdict|databricks|azure)\b
    |\bthe\s+(?:correct|right|true|only\s+correct|expected)\s+(?:answer|verdict|choice)\s+(?:is|must|has)\b
    |\b(?:write|give)\s+me\s+(?:a|an)\s+(?:pitch|ad|advert\w*|sales\s+\w+)\b|\btrash(?:es|ing)?\s+\w+
    |\bset\s+(?:the\s+)?(?:verdict|confidence|choice)\b|\b(?:developer|debug|jailbreak|dan)\s+mode\b
    |\bprint\s+(?:your|the)\s+(?:prompt|instructions|configuration|api\s+key)""",
    re.IGNORECASE | re.VERBOSE,
)
_COMPARISON = re.compile(
    r"""\b(?:differ|differs|differences?|diff|diffs|differ?n\w+s|distinction|distinguish(?:es)?|compar(?:e|es
    |ed|ing|ison)|contrast|side\s+by\s+side|pros\s+and\s+cons
    |head\s+to\s+head|stack\s+up|how\s+(?:do|does|are|is)\b[^.?!]{0,60}\b(?:each|both|the\s+two|either|respectively|vs|versus)
    |(?:each|both)\s+of\s+(?:them|the\s+two)|what\s+sets\b|each\s+product|does\s+each|by\s+the\s+one\b|in\s+the\s+one\b
    |the\s+one\b[^.?!]{0,60}\bthe\s+other|where(?:['’]s|\s+is)\s+it\s+(?:more|less)|(?:one|this)\s+versus|advantages?\s+(?:and|or)\s+(?:dis)?advantages?|trade-?offs?)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_CHOICE = re.compile(
    r"""\b(?:(?:which|what)\s+(?:one|platform|tool|service|product|option|side|of\s+(?:the\s+)?(?:two|these
    |them|both)|way)
    |which\s+(?:is|would|should|do|does|will|can|fits?|suits?|gives?|wins?|has|takes?|handles?|offers?)
    |should\s+(?:i|we|they|he|she|it|my|our)|(?:recommend|suggest|advise|advice)|what\s+(?:should|would|do)\s+(?:i|we|you)\s+
      (?:use|choose|pick|take|buy|go|recommend|suggest|do|build|say)
    |(?:better|best|right|ideal|wiser|smarter|safer|good)\s+(?:choice|option|fit|platform|tool|bet|place|home|for\s+(?:us|me|our|my|this|that))
    |who\s+(?:is|does|wins|takes|gives|helps|should)|where\s+(?:should|do|would|does|shall|can)\s+(?:i|we|it|this|our|my|they)
    |what\s+fits|what\s+suits|go\s+(?:with|for)|one\s+or\s+(?:the\s+other|two|both)|one\s+of\s+(?:them|the\s+two)
    |(?:is|are)\s+there\s+a\s+winner|winner|verdict|choose\s+between|decide\s+between|help\s+(?:me|us)\s+(?:decide|choose|pick)
    |bother|any\s+(?:point|sense|use)\s+in|point\s+anywhere|settles?\s+it|do\s+i\s+owe|what\s+combo|combination|worth\s+it|do\s+(?:i|we)\s+(?:even\s+|really\s+)?need|would\s+you|which\s*\?)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_FACT = re.compile(
    r"""^\W*(?:so|and|but|ok|btw|also|then|quick\s+(?:one|question))?[\s,:]*(?:does|do|did|can|could|is|are|was
    |were|has|have|will|how|what|when|
    where|why|who|whose|in\s+which|in\s+what|on\s+which|at\s+which|for\s+how|since\s+when|until\s+when|explain|describe|define|tell\s+me|show\s+me|by\s+what|
    what['’]s|whats|anybody|any\b|may|must|name|list|give\s+me|between\s+which|which\s+(?!one|platform|tool|is\b|would|should|of\s+the\s+two))\b""",
    re.IGNORECASE | re.VERBOSE,
)
_ABOUT_ONE = re.compile(
    r"^\W*(?:does|do|did|can|could|is|are|was|has|have|will|how|what|when|where|why|who|in|on|from|with|by|at|if)\b"
    r"|,\s*(?:does|do|is|are|can|will|has|what)\b|\bright\?|\by/n\b|:\s*(?:will|does|is|can)\b|\bwhat\s+exactly"
    r"|[a-z]\?\W*$",
    re.IGNORECASE,
)
_OURS = re.compile(r"\b(?:we|our|us|my|i)\b", re.IGNORECASE)
_STORY = re.compile(r"\b(?:we|our|us|my|i['’]m|i\s+(?:am|have|need|want))\b", re.IGNORECASE)
_ASKING = re.compile(r"\?|^\W*(?:explain|describe|define|tell|show|list|name|give)\b", re.IGNORECASE)


def asked_by_words(text: str, options: OptionFinder) -> Asked:
    """The kind of a turn as far as its words alone tell: enough to see how a conversation goes on."""
    if _INSTRUCTION.search(text):
        return "instruction"
    if is_smalltalk(text):
        return "smalltalk"
    parts = sentences(text)
    asking = [part for part in parts if _ASKING.search(part)] or list(parts[-1:])
    last = asking[-1] if asking else text
    named = options.named(text)
    if (_COMPARISON.search(last) and not (len(parts) > 2 and _STORY.search(text) and len(named) < 2)) or (
        _COMPARISON.search(text) and not _CHOICE.search(text)
    ):
        return "comparison"
    single = len(named) == 1 and not _asks_whether_to(last)
    if single and (len(parts) == 1 or options.named(last)) and _ABOUT_ONE.search(last):
        return "fact"
    if len(named) == 2 and len(parts) > 1 and re.search(r"\bwhat\s+(?:happens|is|does)\b.*\band\s+what\b", last, re.I):
        return "comparison"
    if len(parts) > len(asking) and not single and (_STORY.search(text) or len(parts) > 2):
        return "recommendation"
    if (
        not named
        and len(parts) == 1
        and _OURS.search(text)
        and not re.match(r"\W*(?:what\s+is|how\s+(?:many|much|big|long|old))\b", text, re.I)
    ):
        return "recommendation"
    choosing = any(_CHOICE.search(part) for part in asking) or _offers_both(text, options)
    if choosing and not (len(named) == 1 and _FACT.match(last) and not _asks_whether_to(last)):
        return "recommendation"
    if any(_FACT.match(part) for part in asking):
        return "fact"
    # A story without a question states needs: the question is the decision itself.
    return "recommendation"


def asks(text: str) -> bool:
    """Whether anything is asked or demanded; else a turn only tells more."""
    return bool(_ASKING.search(text) or _CHOICE.search(text) or _COMPARISON.search(text) or _FACT.search(text))


def is_smalltalk(text: str) -> bool:
    """Whether a text is a greeting, thanks, or a question on the bot itself, in plain words."""
    return len(text) <= 120 and bool(_SMALLTALK.match(text))


def is_instruction(text: str) -> bool:
    """Whether a text tells a reader what to answer, instead of stating something."""
    return bool(_INSTRUCTION.search(text))


def _asks_whether_to(text: str) -> bool:
    return bool(
        re.search(
            r"\bshould\b|\b(?:right|good|better|best)\s+(?:choice|fit|option|place)|\bworth\b|\benough\b", text, re.I
        )
    )


def _offers_both(text: str, options: OptionFinder) -> bool:
    mentions = options.mentions(text)
    return any(
        first.option != second.option
        and re.fullmatch(r"[\s,]*(?:or|vs\.?|versus)(?:\s+(?:rather|better))?\s+", text[first.end : second.start], re.I)
        for first, second in itertools.pairwise(mentions)
    )
