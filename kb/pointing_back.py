"""Tells a sentence that says little without the one before it, so that it is neither cut off nor quoted alone."""

import re

_BACK = re.compile(
    r"(?:It|They|This|These|That|Those|Its|Their|Such|Then|So|Thus|Therefore|Hence|However|Instead|Otherwise"
    r"|Alternatively|Conversely|Furthermore|Moreover|Additionally|Fortunately|Also|And|But|Or|Doing so|By doing so"
    r"|As a result|Because of this|In (?:addition|fact|this|that|these|contrast)|If (?:so|not|this|these|they|it)"
    r"|(?:Without|With|Using|Use|Besides|After|Before|Like|Unlike) (?:this|that|these|those|it|them)"
    r"|You can (?:also|then)|For (?:example|instance|more)|See"
    r"|(?:Perfect|Ideal|Best|Great|Good|Suitable|Useful) (?:for|when|if|in))\b"
)


def points_back(text: str) -> bool:
    """Whether an English sentence begins with a word that stands for, or goes on from, what was said before it."""
    return _BACK.match(text) is not None
