"""For which option a statement speaks, and how strongly: by its own words, its column, its heading and its lead-in.

Nothing here knows the options but by configuration; the phrases are those of English that compares two things.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ingest.phrases import (
    BOTTOM_LINE,
    BURDEN,
    CHOOSE,
    COMPARAND,
    COMPARES,
    DISAGREE,
    LIMIT,
    LIMITS_HEADING,
    MERIT,
    SUBJECT_BREAK,
    TOGETHER,
    is_choosing,
)
from kb.options import OptionFinder
from kb.records import Option

VERDICT, LEAN, MERIT_STRENGTH, DOCUMENTED = 1.0, 0.7, 0.5, 0.3
_AFTER_PREPOSITION = re.compile(r"\b(?:to|from|into|via|through|by|like|including|as)\s+(?:the |an? )?$", re.I)
_CLAUSE = re.compile(r"[,;:—–]\s")
_CASE_FOR = re.compile(r"(?:the )?case for\b", re.I)
_CONCLUDING = re.compile(r"(?:the )?bottom line|conclusion|verdict", re.I)
_CONTRAST = re.compile(r"(?:while|whereas|although|though|where)\b", re.I)


@dataclass(frozen=True, slots=True)
class Stance:
    """The option that a statement speaks for (None: for neither, or both), those it is about, and its strength."""

    option: str | None
    options: tuple[str, ...]
    strength: float


@dataclass(frozen=True, slots=True)
class Setting:
    """What stands around a statement: its column, headings (outermost first), lead-in, and what its page is about.

    `carried` are the options that the sentence before it in the same paragraph was about; `weighs`: the document
    weighs the options, so that a plain fact in it is a merit.
    """

    column: str = ""
    headings: tuple[str, ...] = ()
    lead_in: str = ""
    carried: tuple[str, ...] = ()
    page: tuple[str, ...] = ()
    weighs: bool = False


class StanceFinder:
    """Reads stances for one decision. Deterministic; knows each option by its name and aliases."""

    def __init__(self, options: Sequence[Option]) -> None:
        self.finder = OptionFinder(options)
        self._both = tuple(option.id for option in options)
        # Headings and lead-ins come again with each of their statements.
        self._named = lru_cache(maxsize=4096)(self.finder.named)

    def of_page(self, title: str, url: str) -> tuple[str, ...]:
        """The options that a page's title or address names: the one that a page is about, where it is one."""
        slug = re.sub(r"[\W_]+", " ", url.split("://")[-1])
        named = self.finder.named(f"{title} | {slug}")
        return named if len(named) == 1 else self.finder.named(title)

    def judge(self, text: str, setting: Setting) -> Stance:
        """The stance of a statement in its setting."""
        own = self.finder.named(text)
        if self._case(setting):
            case = self._named(setting.headings[-1])
            return Stance(case[0], self._ordered({*case, *own}), MERIT_STRENGTH)
        if verdict := self._bottom_line(text, own, setting):
            return verdict
        if verdict := self._choosing(text, own, setting):
            return verdict
        if DISAGREE.search(text):
            return Stance(None, own or self._from_headings(setting.headings), self._plain(setting))
        column = self._named(setting.column)
        if len(column) == 1:
            return self._weighed(text, column[0], tuple({*column, *own}), setting)
        subject = self.subject(text)
        if subject:
            return self._weighed(text, subject, own, setting)
        heading = self._from_headings(setting.headings)
        if len(own) == 2:
            limited = bool(LIMIT.search(text)) and self._under_limits(setting)
            return Stance(None, self._both, -MERIT_STRENGTH if limited else self._plain(setting))
        if len(own) == 1:
            # Named, but not as the subject: the heading's option speaks of it, else the sentence is about it.
            chosen = heading[0] if len(heading) == 1 and heading != own else own[0]
            return self._weighed(text, chosen, self._ordered({*own, chosen}), setting)
        carried = setting.carried if len(setting.carried) == 1 else ()
        for options in (carried, heading, self._named(setting.lead_in), setting.page):
            if len(options) == 1:
                return self._weighed(text, options[0], options, setting)
            if len(options) == 2:
                return Stance(None, self._both, self._plain(setting))
        return Stance(None, (), self._plain(setting))

    def subject(self, text: str) -> str | None:
        """The option that the sentence makes its statement about, None where it is neither or both."""
        mentions = self.finder.mentions(text)
        if not mentions:
            return None
        compared = {
            mention.option
            for mention in mentions
            for lead in (text[max(0, mention.start - 40) : mention.start],)
            if COMPARAND.search(lead)
        }
        left = [mention for mention in mentions if mention.option not in compared or len(compared) > 1]
        named = {mention.option for mention in left}
        if len(named) == 1 and (compared or self._leads(text, left[0].start)):
            return left[0].option
        first = mentions[0]
        later = next((mention for mention in mentions if mention.option != first.option), None)
        if later and first.option in named and self._leads(text, first.start):
            if _CONTRAST.match(text):
                return None
            nearest = max(mention.end for mention in mentions if mention.end <= later.start)
            between = re.sub(r"^\)", "", text[nearest : later.start])
            # "X works with Y": one statement about X, unless both are named in one breath or each has its own clause.
            if re.fullmatch(
                r"['’]?s?\s*(?:,|and|or|/|&|versus|vs\.?|nor|plus|with|\+)*\s*(?:the |an? )?", between, re.I
            ):
                return None
            if not SUBJECT_BREAK.search(between):
                return first.option
        return None

    def _leads(self, text: str, position: int) -> bool:
        """Whether words up to a position leave the place of the subject free for what is named there."""
        before = text[:position]
        if _AFTER_PREPOSITION.search(before):
            return False
        clause = _CLAUSE.split(before)[-1]
        return len(clause.split()) <= 6

    def _bottom_line(self, text: str, own: tuple[str, ...], setting: Setting) -> Stance | None:
        match = BOTTOM_LINE.match(text)
        if not match:
            return None
        head = match["head"].strip()
        if head.lower() in ("both", "either", "neither"):
            return Stance(None, self._both, VERDICT)
        named = self.finder.named(head)
        if len(named) != 1 or len(head.split()) > 6 or not match["sure"]:
            return None
        return Stance(named[0], self._ordered({*own, *named}), VERDICT if match["sure"].lower() == "clearly" else LEAN)

    def _choosing(self, text: str, own: tuple[str, ...], setting: Setting) -> Stance | None:
        """A verdict: the heading or lead-in that says to choose, a bottom line, or the sentence's own advice."""
        for words in (setting.headings[-1] if setting.headings else "", setting.lead_in):
            named = self._named(words) if words else ()
            if named and is_choosing(words):
                chosen = named[0] if len(named) == 1 else None
                return Stance(chosen, self._ordered({*named, *own}), VERDICT)
        concluding = bool(setting.headings) and bool(_CONCLUDING.match(setting.headings[-1]))
        advice = CHOOSE.search(text) if own and not self._under_limits(setting) else None
        together = self._together(setting)
        if advice and own:
            after = self.finder.mentions(text[advice.start() :])
            chosen = after[0].option if after else (self.subject(text) or (own[0] if len(own) == 1 else None))
            if len(own) == 2 and not self.subject(text) and not after:
                chosen = None
            strength = MERIT_STRENGTH if together else (VERDICT if advice["best"] and not concluding else LEAN)
            if chosen and not LIMIT.search(text[advice.start() : advice.end() + 30]):
                return Stance(chosen, own, strength)
        if concluding:
            chosen = self.subject(text) or (own[0] if len(own) == 1 else None)
            return Stance(chosen, own or self._both, LEAN if chosen or len(own) == 2 else MERIT_STRENGTH)
        return None

    def _weighed(self, text: str, option: str, options: tuple[str, ...], setting: Setting) -> Stance:
        options = self._ordered({option, *options})
        if BURDEN.search(text) and MERIT.search(text) and not self._under_limits(setting):
            return Stance(option, options, DOCUMENTED)
        if self._is_limit(text, setting):
            return Stance(option, options, -self._plain(setting))
        if COMPARES.search(text) and len(options) == 2:
            return Stance(option, options, LEAN)
        return Stance(option, options, self._plain(setting))

    def _is_limit(self, text: str, setting: Setting) -> bool:
        if self._under_limits(setting):
            return True
        return bool(BURDEN.search(text) or LIMIT.search(text)) and not MERIT.search(text)

    def _plain(self, setting: Setting) -> float:
        return MERIT_STRENGTH if setting.weighs else DOCUMENTED

    def _under_limits(self, setting: Setting) -> bool:
        return bool(setting.headings) and bool(LIMITS_HEADING.search(setting.headings[-1]))

    def _case(self, setting: Setting) -> bool:
        """Under a heading that announces the case for one option."""
        last = setting.headings[-1] if setting.headings else ""
        return bool(_CASE_FOR.match(last)) and len(self._named(last)) == 1

    def _together(self, setting: Setting) -> bool:
        return any(TOGETHER.search(words) for words in (*setting.headings[-2:], setting.lead_in) if words)

    def _from_headings(self, headings: tuple[str, ...]) -> tuple[str, ...]:
        for heading in reversed(headings):
            if TOGETHER.search(heading):
                return self._both
            if named := self._named(heading):
                return named
        return ()

    def _ordered(self, options: set[str]) -> tuple[str, ...]:
        return tuple(option for option in self._both if option in options)
