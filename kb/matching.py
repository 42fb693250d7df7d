"""The words of a statement that are compared with a need: without the options' names, which a need does not have."""

import re
from collections.abc import Sequence

from kb.options import OptionFinder
from kb.records import Option, Statement


class Matcher:
    """Prepares statements for one decision."""

    def __init__(self, options: Sequence[Option]) -> None:
        self._finder = OptionFinder(options)

    def text(self, statement: Statement) -> str:
        """The statement's own words, a table cell with its row's header, without the names of the options.

        Never empty: a statement that is nothing but names keeps them.
        """
        words = statement.text
        if statement.kind == "cell" and statement.context:
            words = f"{statement.context.split(' — ')[0]}: {words}"
        return self.nameless(words) or words

    def nameless(self, text: str) -> str:
        """The text with the options' names out of it and the holes closed."""
        pieces, start = [], 0
        for mention in self._finder.mentions(text):
            pieces.append(text[start : mention.start])
            start = mention.end
        pieces.append(text[start:])
        joined = re.sub(r"(?<=\s)['’]s\b|\(\s*\)", " ", " ".join(pieces))
        return re.sub(r"\s+([,.;:])", r"\1", re.sub(r"\s+", " ", joined)).strip(" ,;:")
