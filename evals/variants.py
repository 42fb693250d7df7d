"""Questions made from golden questions: the options the other way round."""

import itertools
import re

from kb.options import OptionFinder

_BETWEEN = re.compile(r"^[\s,]*(?:or|vs\.?|versus|and|/)\s*(?:(?:in|on|with|use|using|the|to|for|just|via)\s+)*$", re.I)


def swapped(question: str, finder: OptionFinder) -> tuple[str, str]:
    """The question with its options in either order: "A or B" in it is turned round, else both orders are added.

    Only names that stand side by side are exchanged: "from A to B" means something else the other way round.
    """
    mentions = finder.mentions(question)
    for left, right in itertools.pairwise(mentions):
        between = question[left.end : right.start]
        if left.option != right.option and _BETWEEN.match(between):
            first, second = question[left.start : left.end], question[right.start : right.end]
            return question, question[: left.start] + second + between + first + question[right.end :]
    names = [option.name for option in finder.options]
    return f"{question} {names[0]} or {names[1]}?", f"{question} {names[1]} or {names[0]}?"
