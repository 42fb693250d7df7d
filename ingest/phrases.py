"""The phrases of English by which a text chooses, compares, praises and limits."""

import re

BOTTOM_LINE = re.compile(r"^(?P<head>[^,:]{2,60}?)(?:,\s*(?P<sure>clearly|slightly))?\s*:\s", re.I)
"""`Name, clearly: ...`, `Name, slightly: ...`, `Both: ...`: a conclusion in the form of docs/guide.md."""

_CHOICE_VERBS = r"choose|pick|select|prefer|opt for|go (?:with|for)|use|consider|stick with|recommend(?:ed)?"
_HEADED = re.compile(
    rf"\b(?:when|why|reasons?|who should|where) (?:to |you should )?(?:{_CHOICE_VERBS})\b|"
    rf"^(?:{_CHOICE_VERBS})\b.*\b(?:if|when|for|in case|where)\b|"
    r"\b(?:is|are) (?:the )?(?:better|best|right|ideal)\b.*\b(?:if|when|for|choice|fit)\b|^best for\b|\bis for you\b",
    re.I,
)
_QUESTION = re.compile(r"\bwhich\b|\bvs\.?\b|\bversus\b|\bor\b", re.I)

CHOOSE = re.compile(
    rf"^(?:instead,? |then,? )?(?:{_CHOICE_VERBS})\b(?=[^.;]*\b(?:if|when|for|where|to)\b)|"
    r"\b(?:should|better to|best to|we recommend|it's recommended to|advis\w+ to) "
    r"(?:choos\w+|pick\w*|select\w*|prefer\w*|us(?:e|ing)|go with|opt for)\b|"
    r"(?P<best>\bundisputed\b|\bclear (?:winner|choice)\b|\b(?:the|a) (?:best|right|natural|obvious|ideal|perfect) "
    r"(?:choice|fit|option|place|platform|tool|home|answer)\b|\b(?:winner|champion|king|leader) (?:of|in|for|here)\b|"
    r"\btruly shines\b|\bfits perfectly\b)|"
    r"\b(?:the|a) (?:better|stronger|safer|shorter|cheaper|simpler|easier) (?:\w+ )?"
    r"(?:choice|fit|option|place|platform|tool|home|answer|way|collection point)\b|\bis (?:worth it|enough|sensible|attractive)\b",
    re.I,
)
"""Advice in a sentence; `best` where it is unconditional."""

_COMPARED = (
    r"\b(?:than|compared (?:to|with)|in comparison (?:to|with)|unlike|instead of|rather than|as opposed to|over|versus|vs\.?|"
    r"contrary to|in contrast to|relative to|behind|outperforms?|beats)\b"
)
COMPARES = re.compile(_COMPARED, re.I)
"""Words that measure one thing against another."""

COMPARAND = re.compile(
    rf"{_COMPARED}\s+(?:(?:that|those|the [\w-]+) (?:of|in|on|from|with)\s+|(?:the|an?|using|in|on|with|for)\s+)*$",
    re.I,
)
"""The same words where the option that is measured against comes next: match it at the end of the text before a name."""

SUBJECT_BREAK = re.compile(
    r"[;:]|,\s*(?:while|whereas|but|and|yet|though|although|or)\b|\b(?:while|whereas|but)\b|\.\s", re.I
)

_ABLE = (
    r"(?:support\w*|allow\w*|provid\w+|offer\w*|includ\w+|handl\w+|scal\w+|integrat\w+|work\w*|perform\w*|built|designed|meant|"
    r"intended|suited|suitable|ideal|optimi[sz]ed|recommended|available|possible|present|have|exist|do|run|read|write|reach|"
    r"see|know|keep|persist|guarantee\w*|enforce\w*|try|come|cover\w*|replace|compare|stand|serve|expose|accept|mature|enough|"
    r"equipped|able|capable|the (?:right|best)|a (?:good|great|right|substitute|replacement|product|full))"
)
LIMIT = re.compile(
    rf"\b(?:isn|aren|doesn|don|can|won|wasn|couldn|didn|hasn|haven)['’]t (?:yet |currently |natively |really |be |also )*{_ABLE}\b|"
    rf"\b(?:not|cannot|never) (?:yet |currently |natively |be |directly )*{_ABLE}\b|\bcan(?:not|['’]t)\b|"
    r"\b(?:lacks?|lacking|missing|unsupported|unavailable|deprecated|retir(?:es?|ing|ed)|discontinued|no longer|fails? to|"
    r"unable to|drawbacks?|limitations?|downsides?|weakness(?:es)?|shortcomings?|bottleneck|immature|clunky)\b|"
    r"\b(?:is|are|remains?) (?:quite |very |more |rather )?(?:limited|expensive|costly|complex|slow|hard|difficult|steep)\b|"
    r"\b(?:has|have|with|offers?|supports?|knows?|there (?:is|are)) no (?!need|extra|additional|lock|cost|charge|code|servers?\b|clusters?\b)\w+|"
    r"\bonly (?:supports?|works?|runs?|in preview|available|through|for)\b|\bsurprise bills?\b|\bsteep(?:er)? learning curve\b|"
    r"\bstart slowly\b|\bvendor lock-?in\b",
    re.I,
)
"""Words that state what something cannot do or what is bad about it."""

BURDEN = re.compile(
    r"\b(?:requires?|needs?|demands?|takes?|involves?|asks? for) (?:\w+ ){0,3}(?:more|extra|additional|diligent|considerable|"
    r"significant|special\w*|careful|manual)\b|\bmore (?:expensive|costly|complex|complicated|difficult|effort|work|configuration)\b"
    r"(?=.*\b(?:than|compared)\b)|\b(?:slower|harder|costlier|weaker|worse|less (?:flexible|suited|mature|capable|integrated|native)) "
    r"(?:\w+ ){0,4}(?:than|compared)\b|\b(?:hinder|burden|overhead)s?\b(?!.*\b(?:reduc|remov|without|lower|minimi|eliminat)\w*)",
    re.I,
)
"""Words that state what something costs its user."""

MERIT = re.compile(
    r"\b(?:without|no need|(?:do|does|is|are)(?:n['’]t| not) (?:\w+ )?(?:charge|require|need|cost|have to|must|depend|add|lock)\w*|"
    r"not only|no (?:extra|additional|lock-?in|code)\b|mitigat\w+|fortunately|overcom\w+|avoid\w*|eliminat\w+|reduc\w+|"
    r"remov\w+ the need|never (?:need|have to)|don['’]t (?:need|have|worry))",
    re.I,
)
"""Words that turn a negation into praise: what its user is spared."""

LIMITS_HEADING = re.compile(
    r"^(?:known )?(?:limits|limitations|drawbacks|weaknesses|disadvantages|cons|caveats|constraints|known issues|"
    r"what (?:it|\w+) (?:can(?:no|['’])t|lacks))\b",
    re.I,
)

TOGETHER = re.compile(r"\btogether\b|\bhybrid\b|\bboth\b|\bcombin(?:e|ed|ing)\b|\bneither\b|\bside by side\b", re.I)
"""Words of a heading or lead-in under which each statement is about one part of a whole."""


def is_choosing(words: str) -> bool:
    """Whether a heading or lead-in announces reasons to choose what it names."""
    return bool(_HEADED.search(words)) and not _QUESTION.search(words)
