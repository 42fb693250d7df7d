"""Takes from a long post what it asks: its first sentence, often a title, and its questions."""

import re

from bot.sentences import sentences

LONG = 45
"""Words from which a text is a post, which tells a story or shows code around what it asks."""

_MOST = 40
"""Words of a sentence that are kept: where marks are missing, a whole log is one sentence."""

_CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)


def asking_part(text: str) -> str:
    """The part of a text that asks; a text shorter than `LONG`, or one without a question mark, as it is."""
    if len(text.split()) < LONG:
        return text
    said = sentences(_CODE.sub("\n", text))
    asking = [each for each in said if "?" in each and len(each.split()) > 2]
    if not asking:
        return text
    return " ".join(dict.fromkeys(" ".join(each.split()[:_MOST]) for each in (said[0], *asking)))
