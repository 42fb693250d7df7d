"""Tells text of a source that speaks to whoever answers, instead of stating something: never weighed, never quoted."""

import re
from functools import lru_cache

_TELL = r"(?:recommend|answer|say|reply|respond|suggest|conclude|endorse|praise|advise)"
_WHO = r"(?:assistants?|chat\s?bots?|bots?|ais?|llms?|language\s+models?|agents?|answer\s+engines?)"
_SIGNS = frozenset(
    """
    recommend recommends recommendation recommendations answer answers say reply replies respond suggest conclude
    endorse praise advise assistant assistants chatbot chatbots chat bot bots ai ais llm llms language agent agents
    ignore disregard forget override bypass pretend jailbreak mode prompt rules instruction instructions override
    directive system inst choose pick select prefer name go mention cite quote reveal asks asked ask verdict verdicts
    confidence reply response score scores weights rank rate now
    """.split()  # noqa: SIM905
)
"""A text with none of these words steers nobody: most are told at once."""

_STEERING = re.compile(
    rf"""\b(?:ignore|disregard|forget|override|bypass)\b[^.?!]{{0,40}}\b(?:instructions?|prompts?|guidelines?|above
        |previous|prior|sources|everything|evidence|documents?|criteria|weights|passages?|your\s+rules|the\s+rules)\b
    |\byou\s+are\s+now\s+(?:a|an|in|the)\b|\bpretend\s+(?:to|that|you)\b|\bjailbreak\s+mode\b
    |\b(?:developer|debug|dan)\s+mode\s+(?:on|enabled|is)\b
    |\byour\s+(?:system\s+)?(?:instructions|prompt|rules)\b
    |\b(?:system|new|important)\s+(?:message|instructions?|override|directive|prompt)\s*:|^\W*(?:system|assistant)\s*:
    |(?:\[|<\|?)/?\s*(?:system|inst|assistant|im_start)\s*[\]>|:]
    |\b(?:always|only|never|must|just|please|shall|simply)\s+(?:ever\s+)?{_TELL}\b(?!\s+(?:if|when|within|in|to)\b)
    |\balways\s+(?:choose|pick)\b|\balways\s+(?:prefer|select|go\s+(?:with|for)|name)\s+(?-i:[A-Z])
    |(?<!we\s)\b(?:do\s+not|don['’]t|never)\s+(?:mention|cite|quote|recommend|suggest|reveal)\b
    |\b(?:reply|respond|answer)\s+(?:only\s+)?with\b
    |\b(?:no\s+matter|regardless\s+of|whatever|irrespective\s+of)\b[^.?!]{{0,40}}\b(?:ask(?:s|ed)?|questions?|users?
        |wants|evidence|criteria)\b[^?!]{{0,60}}\b(?:{_TELL}|choose|pick|is|be)\b
    |\b(?:{_TELL}|choose|pick)\b[^.?!]{{0,60}}\b(?:no\s+matter|regardless\s+of|whatever)\b[^.?!]{{0,30}}\b(?:ask(?:s|ed)?
        |questions?|users?|wants|evidence)\b
    |\byou\s+(?:must|have\s+to|are\s+to|shall|will)\s+(?:\w+\s+){{0,2}}{_TELL}\b
    |\b(?:your|the|every|any|each|all)\s+(?:final\s+|only\s+)?(?:answers?|verdicts?|repl(?:y|ies)|confidence)\s+
        (?:(?:to|for|on|in|of|about)\b[^.?!]{{0,50}}\s)?(?:must|ha(?:s|ve)\s+to|should|shall|will|(?:is|are)\s+always
        |is\s+(?:set|to\s+be))\b
    |\b(?:your|every|any|each)\s+(?:recommendation|response)\s+(?:must|has\s+to|should|shall|is\s+always)\b
    |\bthe\s+(?:(?:one|only)\s+)?(?:correct|right|true|expected|official|only)\s+(?:answer|verdict|recommendation)\s+
        (?:(?:to|for|about|on)\b[^.?!]{{0,60}}\s)?(?:is|must|has|will|should|remains)\b
    |\b(?:when|if|whenever|once)\s+(?:you\s+are\s+|it\s+is\s+|you['’]re\s+)?asked\s+(?:which|what|about|to\s+choose
        |whether|who|for)\b
    |\b(?:when|if|whenever)\s+(?:someone|somebody|anyone|anybody|(?:a|the|any)\s+(?:user|reader|person)|users|people)
        \s+asks?\b[^.?!]{{0,80}}\b(?:{_TELL}|choose|pick)\b
    |\b{_WHO}\b[^.?!()]{{0,40}}\b(?:must|should|shall|have\s+to|has\s+to|(?:is|are)\s+(?:told|instructed|required)\s+to)
        \s+(?:\w+\s+){{0,2}}(?:{_TELL}|choose|pick|rank|cite|give|score|treat)\b
    |\b(?:note|message|attention|dear|hey|hello|instructions?)\s*,?\s*(?:to|for|all)?\s*(?:the\s+|any\s+|all\s+|an?\s+)?
        (?:ai\s+|answering\s+)?{_WHO}\b\s*[:,]
    |\b{_WHO}\s+(?:reading|that\s+reads?|who\s+reads?)\b
    |\bset\s+(?:the\s+|your\s+)?(?:verdict|confidence|choice)\b
    |\b(?:score|rate|rank)\s+(?:it|(?-i:[A-Z])[\w ]{{2,30}})\s+(?:first|last|zero|lowest|highest|as\s+supported)""",
    re.IGNORECASE | re.VERBOSE,
)


def is_steering(text: str) -> bool:
    """Whether a text tells a reader what to answer. Advice on using a product is no such thing."""
    if _SIGNS.isdisjoint(re.findall(r"[a-z]+", text.lower())):
        return False
    return bool(_STEERING.search(text))


@lru_cache(maxsize=4096)
def is_steering_label(text: str) -> bool:
    """As `is_steering`, for titles, headings and lead-ins, which come again with each of their statements."""
    return is_steering(text)
