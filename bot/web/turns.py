"""One question and its answer as the page shows them, and the source panel's content."""

from collections.abc import Sequence
from datetime import date

from bot.answer import Answer, Citation
from bot.render_words import age, besides, case_for, choice_name, heading_path, oldest, origin, told
from bot.web.html import clean, e, external_link, paragraphs, prose
from bot.web.verdict_card import citation_link, citation_links, needs_table, side, verdict_card
from kb.records import Option

STALE_DAYS = 730

_POST = 200
"""Characters from which a question is set as text and not as a heading."""


def answer_turn(answer: Answer, options: Sequence[Option], *, key: str, today: date, at: str = "") -> str:
    """A whole turn. `key` is its place in the page's thread; `at`, an ISO time, says that it is from the store."""
    parts = [_asked(answer.question)]
    if at:
        parts.append(f'<p class="stored">Answered on <time datetime="{e(at)}">{e(at[:10])}</time>, as it was then.</p>')
    parts += [f'<p class="notice" role="note">{e(notice)}</p>' for notice in answer.notices]
    parts.append(verdict_card(answer, options))
    if answer.clarification:
        parts.append(f'<h3 class="back">{e(answer.clarification.question)}</h3>')
        parts.append(_choices(answer.clarification.choices, "choices"))
    if text := told(answer):
        parts.append(f'<div class="words">{prose(text, lambda n: citation_link(answer, n))}</div>')
    parts.append(needs_table(answer, options))
    if more := besides(answer):
        parts.append(f'<div class="words">{prose(more, lambda n: citation_link(answer, n))}</div>')
    parts.append(_other_case(answer, options))
    parts.append(_contradictions(answer))
    parts.append(_sources(answer, today))
    if answer.kind not in ("smalltalk", "clarification"):
        parts.append(_actions(answer))
    if answer.follow_ups:
        parts.append(f'<p class="ask-next">Ask next</p>{_choices(answer.follow_ups, "next")}')
    body = "".join(parts)
    return clean(
        f'<article class="turn" data-turn="{e(key)}" data-answer="{e(answer.id)}" data-kind="{answer.kind}" '
        f'aria-label="Answer">{body}</article>'
    )


def pending_turn(question: str, words: str, *, key: str, written: str = "") -> str:
    """A turn that is being worked on. `written`: what a chat model has said of the answer, checked, as Markdown."""
    so_far = f'<div class="words">{prose(written, lambda n: None)}</div>' if written else ""
    return clean(
        f'<article class="turn pending" data-turn="{e(key)}" aria-busy="true">{_asked(question)}'
        f'<p class="status" role="status"><span class="pulse" aria-hidden="true"></span>{e(words)}…</p>'
        f"{so_far}</article>"
    )


def failed_turn(question: str, line: str, *, key: str) -> str:
    """A turn that went wrong: one line, and the question to ask again."""
    again = f'<button type="button" class="chip" data-ask="{e(question)}">Ask again</button>' if question else ""
    return clean(
        f'<article class="turn failed" data-turn="{e(key)}">{_asked(question)}'
        f'<p class="notice" role="alert">{e(line[:1].upper() + line[1:])}</p>{again}</article>'
    )


def source_panel(answer: Answer, citation: Citation, text: str, *, today: date) -> str:
    """The cited section with the passage marked, where it stands, how old it is, and the way to its origin."""
    numbers = [known.n for known in answer.citations]
    place = numbers.index(citation.n)
    crumbs = "".join(f"<li>{e(part)}</li>" for part in citation.section)
    path = f'<ol class="crumbs" aria-label="Headings">{crumbs}</ol>' if crumbs else ""
    facts = [f"<li>{e(when)}</li>"] if (when := age(citation, today)) else []
    if citation.basis:
        facts.insert(0, f'<li class="guide">{e(origin(citation))}</li>')
    basis = "".join(
        f"<li>{external_link(b.url, b.title)}<span>{e(b.section)}</span>"
        f"<small>{e(_dated(b.published, b.read))}</small></li>"
        for b in citation.basis
    )
    rests = f'<section class="basis"><h3>What this rests on</h3><ul>{basis}</ul></section>' if basis else ""
    opens = external_link(citation.url, "Open the original", "origin") if citation.url.startswith("http") else ""
    return clean(
        f'<div class="source" data-answer="{e(answer.id)}" data-n="{citation.n}" data-numbers="{e(_csv(numbers))}">'
        f'<p class="place"><span class="cite still">{citation.n}</span> Source {place + 1} of {len(numbers)}</p>'
        f'<h2 id="panel-title" tabindex="-1">{e(citation.title)}</h2>{path}<ul class="facts">{"".join(facts)}</ul>'
        f'<div class="passage">{paragraphs(text, citation.start, citation.end)}</div>{rests}{opens}</div>'
    )


def _asked(question: str) -> str:
    post = " post" if len(question) > _POST else ""
    return f'<h2 class="asked{post}" tabindex="-1">{e(question)}</h2>'


def _choices(texts: Sequence[str], classes: str) -> str:
    buttons = "".join(
        f'<li><button type="button" class="chip" data-ask="{e(text)}">{e(text)}</button></li>' for text in texts
    )
    return f'<ul class="chips {classes}">{buttons}</ul>'


def _other_case(answer: Answer, options: Sequence[Option]) -> str:
    """The best case for what was not chosen: shown where one option was, so that the reader can object."""
    if answer.verdict.choice not in {option.id for option in options}:
        return ""
    other = next(option for option in options if option.id != answer.verdict.choice)
    points = case_for(answer, other.id)[:4]
    if not points:
        return ""
    items = "".join(f"<li>{e(text)} {citation_links(answer, numbers)}</li>" for text, numbers in points)
    name = choice_name(other.id, options)
    return (
        f'<details class="other" data-side="{side(other.id, options)}"><summary>The best case for {e(name)}'
        f"</summary><ul>{items}</ul></details>"
    )


def _contradictions(answer: Answer) -> str:
    items = "".join(
        f"<li>{citation_links(answer, c.between[:1])} and {citation_links(answer, c.between[1:])} disagree on "
        f"{e(c.about)}</li>"
        for c in answer.contradictions
    )
    return f'<section class="contradictions"><h3>Sources that disagree</h3><ul>{items}</ul></section>' if items else ""


def _sources(answer: Answer, today: date) -> str:
    if not answer.citations:
        return ""
    near = answer.not_covered.nearest if answer.not_covered else ()
    items = "".join(
        f'<li data-source="{c.n}">{citation_link(answer, c.n)}<span class="where">'
        f'<button type="button" class="text" data-answer="{e(answer.id)}" data-cite="{c.n}">'
        f"{e(heading_path(c))}</button><small>{e(_about(c, today))}</small></span></li>"
        for c in answer.citations
    )
    title = "What the sources do say nearby" if near else "Sources"
    return f'<section class="sources"><h3>{title}</h3>{_freshness(answer, today)}<ol>{items}</ol></section>'


def _freshness(answer: Answer, today: date) -> str:
    day = oldest(answer)
    if day is None or (today - day).days < STALE_DAYS:
        return ""
    return f'<p class="stale">The oldest of this evidence is from {day:%B %Y}; check that it still holds.</p>'


def _about(citation: Citation, today: date) -> str:
    return " · ".join(part for part in (origin(citation) if citation.basis else "", age(citation, today)) if part)


def _actions(answer: Answer) -> str:
    made = answer.made_by
    how = "Quoted from the sources, no model" if made.mode == "extractive" else f"Written by {made.model}, checked"
    record = (
        f'<a class="tool" data-do="record" href="ui/answers/{e(answer.id)}/record.md" download>Decision record</a>'
        if answer.verdict.choice
        else ""
    )
    return (
        '<footer class="actions"><div class="tools" role="group" aria-label="This answer">'
        '<button type="button" class="tool thumb" data-opinion="up" aria-pressed="false">'
        '<span class="icon up" aria-hidden="true"></span><span class="unseen">This answer is right</span></button>'
        '<button type="button" class="tool thumb" data-opinion="down" aria-pressed="false">'
        '<span class="icon down" aria-hidden="true"></span><span class="unseen">This answer is wrong</span></button>'
        '<button type="button" class="tool" data-do="copy">Copy</button>'
        f"{record}"
        f'<a class="tool" data-do="link" href="./?a={e(answer.id)}">Link</a></div>'
        f'<p class="made">{e(how)}</p>'
        '<form class="comment" hidden><label>What was wrong, or missing? <textarea name="comment" rows="2" '
        'maxlength="2000"></textarea></label><button type="submit" class="chip">Send</button></form>'
        '<p class="said" role="status"></p></footer>'
    )


def _dated(published: str | None, read: str) -> str:
    return f"published {published}" if published else f"read {read}" if read else ""


def _csv(numbers: Sequence[int]) -> str:
    return ",".join(str(n) for n in numbers)
