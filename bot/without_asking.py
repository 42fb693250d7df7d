"""Strips the asking from a need."""

import re

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


def without_asking(text: str) -> str:
    """The need in a question: "which platform should I use for X?" becomes "X". Empty where it only asks."""
    return _ASK.sub("", text.strip(), count=1).strip(" ?!.,:;")
