"""The words in which every channel says the same thing: choice, confidence, finding, age, origin."""

import itertools
import re
from collections.abc import Mapping, Sequence
from datetime import date

from bot.answer import Answer, Citation, Criterion, Finding, NotCoveredReason, Polarity, Verdict
from kb.records import Option

GUIDE_NAME = "whichway guide"

FINDING_WORDS: Mapping[Finding, str] = {
    "supported": "Supported",
    "not_supported": "Not supported",
    "not_documented": "Not documented",
}

POLARITY_WORDS: Mapping[Polarity, str] = {
    "wanted": "needed",
    "unwanted": "not wanted",
    "have": "already there",
    "not_yet": "missing today",
}

NOT_COVERED_WORDS: Mapping[NotCoveredReason, str] = {
    "off_topic": "This is outside what the knowledge base is about.",
    "other_vendor": "The question is about a product that the sources do not cover.",
    "figure_missing": "The sources touch on this, but do not give the figure.",
    "false_premise": "The question takes something for granted that the sources do not say.",
    "no_evidence": "The sources have nothing that answers this.",
    "instruction": "This asks for something other than an answer from the sources.",
}

# Control characters (a terminal obeys some) and those that turn the direction of text around.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """The text without control characters, line breaks and tabs kept."""
    return _UNPRINTABLE.sub("", text)


def choice_name(choice: str | None, options: Sequence[Option]) -> str:
    """A choice in words: an option's name, `Both, together`, `Either`, `Neither`, or `` for none."""
    shared = {"both": "Both, together", "either": "Either", "neither": "Neither", None: ""}
    if choice in shared:
        return shared[choice]
    return next((option.name for option in options if option.id == choice), choice or "")


def headline(answer: Answer, options: Sequence[Option], verdict: Verdict | None = None) -> str:
    """The answer in a few words; `verdict` stands in for the answer's own where weights were moved."""
    choice = (verdict or answer.verdict).choice
    if choice is not None:
        name = choice_name(choice, options)
        return {"both": "Use both, together", "either": "Either will do", "neither": "Neither of them"}.get(
            choice, f"Use {name}"
        )
    if answer.kind == "not_covered":
        return "The sources don’t say"
    if answer.kind == "clarification":
        return answer.clarification.question if answer.clarification else "One question first"
    if answer.kind == "comparison":
        return "Side by side"
    if answer.kind == "recommendation":
        return "No clear choice"
    if answer.kind == "fact" and answer.applies_to:
        return " and ".join(choice_name(option, options) for option in answer.applies_to)
    return ""


def told(answer: Answer) -> str:
    """The text without what every rendering shows beside it: the reason or question back, the table of a comparison."""
    beside = answer.verdict.reason
    if answer.not_covered:
        beside = NOT_COVERED_WORDS[answer.not_covered.reason]
    elif answer.clarification:
        beside = answer.clarification.question
    lines = answer.text.strip().removeprefix(beside).splitlines()
    if answer.kind == "comparison":
        lines = list(itertools.takewhile(_no_row, lines))
    return "\n".join(lines).strip()


def besides(answer: Answer) -> str:
    """What the text of a comparison says below its table."""
    lines = itertools.dropwhile(_no_row, answer.text.splitlines())
    return "\n".join(filter(_no_row, lines)).strip() if answer.kind == "comparison" else ""


def _no_row(line: str) -> bool:
    return not line.startswith("|")  # a quote cannot begin a row: its bars are escaped


def confidence_words(confidence: float) -> str:
    """How sure a probability is, in words."""
    for floor, words in ((0.9, "Very sure"), (0.75, "Fairly sure"), (0.6, "Leaning this way")):
        if confidence >= floor:
            return words
    return "A close call"


def weight_words(weight: float) -> str:
    """What a weight means to the asker."""
    for ceiling, words in ((0.0, "ignored"), (0.75, "matters a little"), (1.25, "matters"), (2.25, "matters a lot")):
        if weight <= ceiling:
            return words
    return "decides"


def case_for(answer: Answer, option: str) -> list[tuple[str, tuple[int, ...]]]:
    """The points for an option with their citations: its claims, else its supported cells."""
    claims = [(c.text, c.citations) for c in answer.claims if c.option == option and c.polarity == "for"]
    if claims:
        return claims
    cells = [criterion.cells.get(option) for criterion in answer.criteria]
    return [(cell.text, cell.citations) for cell in cells if cell and cell.finding == "supported" and cell.text]


def origin(citation: Citation) -> str:
    """Whose words a citation is: its title, or for a guide statement what it is based on."""
    if not citation.basis:
        return plain(citation.title)
    based = list(dict.fromkeys(plain(basis.title) for basis in citation.basis))
    return f"{GUIDE_NAME}, based on {_listed(based)}"


def heading_path(citation: Citation) -> str:
    """Where in its document a citation stands: `Title › H2 › H3`."""
    return " › ".join(plain(part) for part in (citation.title, *citation.section))


def dates(citation: Citation) -> list[str]:
    """The ISO dates that the age of a citation comes from: of its basis where there is one."""
    if citation.basis:
        return [basis.published or basis.read for basis in citation.basis if basis.published or basis.read]
    return [citation.published or citation.fetched] if citation.published or citation.fetched else []


def age(citation: Citation, today: date) -> str:
    """How old the evidence is: `published August 2026 (3 months ago)`; `` where nothing is known."""
    if citation.basis:
        published = min((basis.published for basis in citation.basis if basis.published), default=None)
        read = min((basis.read for basis in citation.basis if basis.read), default=None)
    else:
        published, read = citation.published, citation.fetched or None
    word, stamp = ("published", published) if published else ("read", read)
    day = _date(stamp)
    return f"{word} {day:%B %Y} ({_ago(day, today)})" if day else ""


def oldest(answer: Answer) -> date | None:
    """The date of the oldest evidence of an answer, None where none is dated."""
    days = [_date(stamp) for citation in answer.citations for stamp in dates(citation)]
    return min((day for day in days if day), default=None)


def is_weighed(criteria: Sequence[Criterion]) -> bool:
    """Whether there is a choice that weights can move."""
    return any(criterion.weight > 0 and criterion.cells for criterion in criteria)


def _date(stamp: str | None) -> date | None:
    try:
        return date.fromisoformat((stamp or "")[:10])
    except ValueError:
        return None


def _ago(day: date, today: date) -> str:
    days = (today - day).days
    if days < 1:
        return "today"
    for unit, length in (("year", 365), ("month", 30), ("day", 1)):
        count = days // length
        if count and not (unit == "year" and count < 2):
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "today"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
