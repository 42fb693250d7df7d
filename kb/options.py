"""Finds mentions of the decision's options in a text: for ingest, the question side and the evals alike."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from kb.records import Option


@dataclass(frozen=True, slots=True)
class Mention:
    """An option named in a text at `[start, end)`, in code points."""

    option: str
    start: int
    end: int


class OptionFinder:
    """Knows the options by name and alias, in any case, longest name first.

    An alias never matches inside a longer word, and a name that contains another one ("Azure Databricks" and
    "Databricks") counts once.
    """

    def __init__(self, options: Iterable[Option]) -> None:
        self.options: tuple[Option, ...] = tuple(options)
        names: dict[str, str] = {}
        for option in self.options:
            for name in (option.name, *option.aliases):
                names[_key(name)] = option.id
        alternatives = sorted(names, key=lambda name: (-len(name), name))
        # A group each: what a pattern matches in any case (i with a Turkish letter) need not be equal case-folded.
        body = "|".join(f"({re.escape(name)})".replace(r"\ ", r"[\s\u00a0-]+") for name in alternatives)
        self._pattern = re.compile(rf"(?<![\w-])(?:{body})(?!\w)", re.IGNORECASE)
        self._of_group = [names[name] for name in alternatives]
        self._found = lru_cache(maxsize=256)(self._mentions)  # a statement is asked about several times in a row

    def mentions(self, text: str) -> tuple[Mention, ...]:
        """Every mention, in the order of the text."""
        return self._found(text)

    def _mentions(self, text: str) -> tuple[Mention, ...]:
        matches = self._pattern.finditer(text)
        return tuple(Mention(self._of_group[(m.lastindex or 0) - 1], m.start(), m.end()) for m in matches)

    def named(self, text: str) -> tuple[str, ...]:
        """Ids of the options named in the text, each once, in the decision's order."""
        seen = {mention.option for mention in self.mentions(text)}
        return tuple(option.id for option in self.options if option.id in seen)

    def name_of(self, option_id: str) -> str:
        """The full name of an option."""
        return next(option.name for option in self.options if option.id == option_id)


def other(options: Sequence[Option], option_id: str) -> str:
    """The id of the option that is not `option_id`."""
    return next(option.id for option in options if option.id != option_id)


def _key(name: str) -> str:
    return re.sub(r"[\s\u00a0-]+", " ", name).strip().casefold()
