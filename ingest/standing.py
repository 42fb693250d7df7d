"""How a document speaks: whether it weighs the options against each other or is about something else."""

from collections import Counter

from kb.options import OptionFinder
from kb.records import Standing

_SHARE = 0.2
_MENTIONS = 4
_PER_THOUSAND_WORDS = 4.0


def standing_of(title: str, text: str, finder: OptionFinder) -> Standing:
    """`comparison` where both options are named often, in a text or in its title; else `reference`.

    Often: each at least four times, one in five of all namings, and together four in a thousand words.
    """
    counts = Counter(mention.option for mention in finder.mentions(text))
    if len(finder.named(title)) == 2 and len(counts) == 2:
        return "comparison"
    total, words = counts.total(), max(1, len(text.split()))
    if len(counts) < 2 or min(counts.values()) < _MENTIONS or min(counts.values()) < _SHARE * total:
        return "reference"
    return "comparison" if total * 1000 / words >= _PER_THOUSAND_WORDS else "reference"
