"""The text of an answer as Markdown pieces: verdict and reason, then the claims with their numbered citations."""

import re
from collections.abc import Iterable

from bot.answer import Answer, Claim
from bot.render_words import NOT_COVERED_WORDS, choice_name, confidence_words, headline, told
from bot.slack.style import Style
from bot.slack.text import cut, markdown, markdown_link, mrkdwn, pieces, plain

PIECE = 3000
"""Characters that are streamed at once."""

RAW = 1800
"""Characters of document text in one item; escaping can make five of one."""

_MARKUP = re.compile(r"\*\*|^[-*] |\s*\[\d+\]", re.MULTILINE)
_MARKER = re.compile(r"\\\[(\d+)\\\]")


def spoken(answer: Answer, style: Style) -> list[str]:
    """The pieces, at least one, each at most some thousand characters."""
    claims = _claims(answer, style)
    if not claims:
        parts = [part for line in told(answer).splitlines() if line.strip() for part in pieces(line, RAW)]
        lines = [markdown(part, emphasis=True) for part in parts]
        claims = runs([_linked(line, answer, style) for line in lines], "\n\n")
    return [piece for piece in (verdict(answer, style), *claims) if piece] or ["There is nothing to say to that."]


def verdict(answer: Answer, style: Style) -> str:
    """What the answer comes to, as Markdown; empty where it has no headline."""
    title, found = headline(answer, style.options), answer.verdict
    lines = [f"**{markdown(title)}**"] if title else []
    if found.choice is not None:
        lines[0] += f" · {confidence_words(found.confidence).lower()} ({found.confidence:.0%})"
        lines += [markdown(cut(found.reason, RAW))] if found.reason else []
        lines += [f"- **{markdown(style.name(o))}**: {markdown(cut(p, 600))}" for o, p in found.parts.items() if p]
    elif answer.not_covered:
        lines.append(NOT_COVERED_WORDS[answer.not_covered.reason])
    return "\n".join(lines)


def summary(answer: Answer, style: Style) -> str:
    """One line of mrkdwn for notifications and screen readers."""
    choice = choice_name(answer.verdict.choice, style.options)
    text = _MARKUP.sub("", answer.text)
    words = f"{choice}. {answer.verdict.reason}" if choice else text or headline(answer, style.options)
    return mrkdwn(cut(words, 300)) or "whichway"


def claim_lines(text: str, citations: Iterable[int], answer: Answer, style: Style, *, note: str = "") -> list[str]:
    """A claim as Markdown list items with its citations: one item, unless it is very long."""
    numbers = tuple(citations)
    marks = " ".join(mark(n, answer, style) for n in numbers)
    if len(marks) > PIECE:
        # Addresses that long would fill the message: the numbers stand in the sources footer.
        marks = markdown(" ".join(f"[{n}]" for n in numbers))
    lines = [f"- {markdown(part)}" for part in pieces(plain(text), RAW)] or ["-"]
    lines[-1] = " ".join(part for part in (lines[-1], note, marks) if part)
    return lines


def mark(n: int, answer: Answer, style: Style) -> str:
    """A citation's number, linked to where it opens."""
    return markdown_link(str(n), style.url_of(answer, n) or "")


def runs(lines: Iterable[str], between: str = "\n") -> list[str]:
    """Lines joined into pieces of a size that is streamed at once."""
    found: list[str] = []
    for line in lines:
        if found and len(found[-1]) + len(line) <= PIECE:
            found[-1] += between + line
        else:
            found.append(line)
    return found


def _claims(answer: Answer, style: Style) -> list[str]:
    known = [option.id for option in style.options]
    titled = answer.verdict.choice is not None or answer.kind == "comparison"
    found: list[str] = []
    known.sort(key=lambda option: option != answer.verdict.choice)
    for option in (*known, None):
        mine = [claim for claim in answer.claims if (claim.option if claim.option in known else None) == option]
        lines = [line for claim in mine for line in _claim(claim, answer, style)]
        title = f"**{markdown(style.name(option))}**" if option else "**Beside that**"
        if titled and lines:
            lines[0] = f"{title}\n{lines[0]}"
        found += runs(lines)
    return found


def _claim(claim: Claim, answer: Answer, style: Style) -> list[str]:
    note = "*(the sources do not support this)*" if claim.support < 0.5 else ""
    text = f"But: {claim.text}" if claim.polarity == "against" else claim.text
    return claim_lines(text, claim.citations, answer, style, note=note)


def _linked(line: str, answer: Answer, style: Style) -> str:
    known = {citation.n for citation in answer.citations}
    linked = _MARKER.sub(lambda m: mark(int(m[1]), answer, style) if int(m[1]) in known else m[0], line)
    return linked if len(linked) <= len(line) + PIECE else line
