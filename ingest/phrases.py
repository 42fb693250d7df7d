"""The phrases of English by which a text chooses, compares, praises and limits."""

import re


def _any(*phrases: str) -> str:
    return rf"(?:{'|'.join(phrases)})"


BOTTOM_LINE = re.compile(r"^(?P<head>[^,:]{2,60}?)(?:,\s*(?P<sure>clearly|slightly))?\s*:\s", re.I)
"""`Name, clearly: ...`, `Name, slightly: ...`, `Both: ...`: a conclusion in the form of docs/guide.md."""

_CHOICE = r"(?:choose|pick|select|prefer|opt for|go (?:with|for)|use|consider|stick with|recommend(?:ed)?)"
_GOOD = r"(?:choice|fit|option|place|platform|tool|home|answer|way|collection point)"

_HEADED = re.compile(
    _any(
        rf"\b(?:when|why|reasons?|who should|where) (?:to |you should )?{_CHOICE}\b",
        rf"^{_CHOICE}\b.*\b(?:if|when|for|in case|where)\b",
        r"\b(?:is|are) (?:the )?(?:better|best|right|ideal)\b.*\b(?:if|when|for|choice|fit)\b",
        r"^best for\b",
        r"\bis for you\b",
    ),
    re.I,
)
_QUESTION = re.compile(r"\bwhich\b|\bvs\.?\b|\bversus\b|\bor\b", re.I)

CHOOSE = re.compile(
    _any(
        rf"^(?:instead,? |then,? )?{_CHOICE}\b(?=[^.;]*\b(?:if|when|for|where|to)\b)",
        r"\b(?:should|better to|best to|we recommend|it's recommended to|advis\w+ to) "
        r"(?:choos\w+|pick\w*|select\w*|prefer\w*|us(?:e|ing)|go with|opt for)\b",
        r"(?P<best>\bundisputed\b|\bclear (?:winner|choice)\b|"
        rf"\b(?:the|a) (?:best|right|natural|obvious|ideal|perfect) {_GOOD}\b|"
        r"\b(?:winner|champion|king|leader) (?:of|in|for|here)\b|\btruly shines\b|\bfits perfectly\b)",
        rf"\b(?:the|a) (?:better|stronger|safer|shorter|cheaper|simpler|easier) (?:\w+ )?{_GOOD}\b",
        r"\bis (?:worth it|enough|sensible|attractive)\b",
    ),
    re.I,
)
"""Advice in a sentence; `best` where it is unconditional."""

COMPARES = re.compile(r"\b(?:than|compared (?:to|with)|unlike|instead of|rather than|versus|outperforms?)\b", re.I)
"""Words that measure one thing against another."""

_MEASURED_AGAINST = _any(
    "than",
    "compared (?:to|with)",
    "in comparison (?:to|with)",
    "unlike",
    "instead of",
    "rather than",
    "as opposed to",
    "over",
    "versus",
    r"vs\.?",
    "contrary to",
    "in contrast to",
    "relative to",
    "behind",
    "outperforms?",
    "beats",
)
COMPARAND = re.compile(
    rf"\b{_MEASURED_AGAINST}\s+"
    r"(?:(?:that|those|the [\w-]+) (?:of|in|on|from|with)\s+|(?:the|an?|using|in|on|with|for)\s+)*$",
    re.I,
)
"""Such words where what is measured against comes next: match it at the end of the text before a name."""

SUBJECT_BREAK = re.compile(
    r"[;:]|,\s*(?:while|whereas|but|and|yet|though|although|or)\b|\b(?:while|whereas|but)\b|\.\s", re.I
)
"""Where a clause ends and another subject may begin."""

_ABLE = _any(
    r"support\w*|allow\w*|provid\w+|offer\w*|includ\w+|handl\w+|scal\w+|integrat\w+|work\w*|perform\w*|guarantee\w*",
    r"built|designed|meant|intended|suited|suitable|ideal|optimi[sz]ed|recommended|available|possible|present|mature",
    r"have|exist|do|run|read|write|reach|see|know|keep|persist|enforce\w*|try|come|cover\w*|replace|compare|stand|serve",
    r"expose|accept|enough|equipped|able|capable|the (?:right|best)|a (?:good|great|right|substitute|product|full)",
)
LIMIT = re.compile(
    _any(
        r"\b(?:isn|aren|doesn|don|can|won|wasn|couldn|didn|hasn|haven)['’]t "
        rf"(?:yet |currently |natively |really |be |also )*{_ABLE}\b",
        rf"\b(?:not|cannot|never) (?:yet |currently |natively |be |directly )*{_ABLE}\b",
        r"\bcan(?:not|['’]t)\b",
        r"\b(?:lacks?|lacking|missing|unsupported|unavailable|deprecated|retir(?:es?|ing|ed)|discontinued)\b",
        r"\b(?:no longer|fails? to|unable to|drawbacks?|limitations?|downsides?|shortcomings?|immature|clunky)\b",
        r"\b(?:is|are|remains?) (?:quite |very |more |rather )?"
        r"(?:limited|expensive|costly|complex|slow|hard|difficult|steep)\b",
        r"\b(?:has|have|with|offers?|supports?|knows?|there (?:is|are)) no "
        r"(?!need|extra|additional|lock|cost|charge|code|servers?\b|clusters?\b)\w+",
        r"\bonly (?:by|supports?|works?|runs?|available|through|for)\b",
        r"\bsurprise bills?\b|\bsteep(?:er)? learning curve\b|\bstart slowly\b|\bvendor lock-?in\b",
    ),
    re.I,
)
"""Words that state what something cannot do or what is bad about it."""

BURDEN = re.compile(
    _any(
        r"\b(?:requires?|needs?|demands?|takes?|involves?|asks? for) (?:\w+ ){0,3}"
        r"(?:more|extra|additional|diligent|considerable|significant|special\w*|careful|manual)\b",
        r"\bmore (?:expensive|costly|complex|complicated|difficult|effort|work|configuration)\b"
        r"(?=.*\b(?:than|compared)\b)",
        r"\b(?:slower|harder|costlier|weaker|worse|less (?:flexible|suited|mature|capable|integrated|native)) "
        r"(?:\w+ ){0,4}(?:than|compared)\b",
    ),
    re.I,
)
"""Words that state what something costs its user."""

MERIT = re.compile(
    _any(
        r"\b(?:without|no need|not only|mitigat\w+|fortunately|overcom\w+|avoid\w*|eliminat\w+|reduc\w+)\b",
        r"\b(?:do|does|is|are)(?:n['’]t| not) (?:\w+ )?"
        r"(?:charge|require|need|cost|have to|must|depend|add|lock)\w*",
        r"\bno (?:extra|additional|lock-?in|code)\b",
        r"\bremov\w+ the need\b|\bnever (?:need|have to)\b|\bdon['’]t (?:need|have|worry)\b",
    ),
    re.I,
)
"""Words that turn a negation into praise: what its user is spared."""

DISAGREE = re.compile(
    r"\b(?:sources?|pages?|guides?|documents?|articles?)\b(?:\W+\w+){0,8}?\W+(?:differ|disagree)\b", re.I
)
"""Words that report a disagreement between sources: for neither side."""

LIMITS_HEADING = re.compile(
    r"^(?:known )?(?:limits|limitations|drawbacks|weaknesses|disadvantages|cons|caveats|constraints|known issues)\b"
    r"|^what (?:it|\w+) (?:can(?:no|['’])t|lacks)\b",
    re.I,
)
"""A heading under which each statement about one option is a limit of it."""

TOGETHER = re.compile(r"\btogether\b|\bhybrid\b|\bboth\b|\bcombin(?:e|ed|ing)\b|\bneither\b|\bside by side\b", re.I)
"""Words of a heading or lead-in under which each statement is about one part of a whole."""


def is_choosing(words: str) -> bool:
    """Whether a heading or lead-in announces reasons to choose what it names."""
    return bool(_HEADED.search(words)) and not _QUESTION.search(words)
