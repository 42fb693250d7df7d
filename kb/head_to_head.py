"""Which documents set the options against each other: their own subject is the choice, not one of its parts."""

import re

from kb.options import OptionFinder
from kb.records import Document

_AGAINST = re.compile(r"\b(?:vs\.?|versus|or|compar\w+|differen\w+|choos\w+|between)(?!\w)|/", re.IGNORECASE)


def is_head_to_head(document: Document, options: OptionFinder) -> bool:
    """Whether it is a guide, or a comparison whose title sets both options against each other ("X vs. Y")."""
    if document.standing == "guide":
        return True
    named = options.named(document.title)
    return document.standing == "comparison" and len(named) == 2 and bool(_AGAINST.search(document.title))
