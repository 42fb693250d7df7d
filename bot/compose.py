"""Puts an answer into words: claims that are quotes, each with its number, ordered, nothing said twice."""

import re
from collections.abc import Collection, Sequence

from bot.answer import Cell, Claim, Contradiction, Criterion, NotCoveredReason, Verdict
from bot.citing import Citations
from bot.facts import Hit
from bot.judge import Judgement
from bot.leanings import Weighted
from bot.render_markdown import escaped
from bot.render_words import NOT_COVERED_WORDS
from bot.verdict_rules import pull
from kb.pointing_back import points_back
from kb.records import Option, Statement

_WORDS = 45

BESIDE = 0.5
"""A fact is stated by the best statement, and by others that score at least this share of it."""

SOUGHT, SOUGHT_AT_ALL = 0.5, 0.15
"""Cited beside what the criteria cite: a statement that the question seeks with this probability; and from when on it
seeks it at all.
"""


def criteria_of(
    judgements: Sequence[Judgement], citations: Citations, options: Sequence[Option], *, weighed: bool
) -> tuple[Criterion, ...]:
    """The judgements as criteria, their cells citing the best statement of each side.

    The strongest side of the weightiest need is cited first, each need before a second statement of any.
    """
    order = sorted(range(len(judgements)), key=lambda i: (-_strength(judgements[i]), i))
    picked: dict[tuple[int, str], Statement] = {}
    for stronger in (True, False):
        for i in order:
            ranked = sorted(options, key=lambda o: (-_quotable(judgements[i], o.id), o.id))
            option = ranked[0] if stronger else ranked[1]
            statement = _best(judgements[i], option.id)
            if statement is not None and citations.cite(statement) is not None:
                picked[i, option.id] = statement
    found = []
    for i, judgement in enumerate(judgements):
        cells = {}
        for option in sorted(options, key=lambda o: o.id):
            side = judgement.sides[option.id]
            statement = picked.get((i, option.id))
            number = citations.number(statement) if statement is not None else None
            cells[option.id] = Cell(
                finding=side.finding,
                score=side.score,
                text=_trimmed(statement.text) if statement is not None else "",
                citations=(number,) if number is not None else (),
            )
        found.append(
            Criterion(
                id=f"c{i + 1}",
                text=judgement.need.text,
                polarity=judgement.need.polarity,
                weight=judgement.need.weight if weighed else 0.0,
                together=judgement.together,
                cells=cells,
            )
        )
    return tuple(found)


def claims_of(
    criteria: Sequence[Criterion], verdict: Verdict, options: Sequence[Option], further: Sequence[Claim] = ()
) -> tuple[Claim, ...]:
    """What is said for and against: first for the choice, by how much each criterion pulls, then for the other side."""
    first = [verdict.choice] if verdict.choice in {o.id for o in options} else []
    order = [*first, *(o.id for o in sorted(options, key=lambda o: o.id) if o.id not in first)]
    claims: list[Claim] = []
    said: set[tuple[int, ...]] = set()
    for option in order:
        ranked = sorted(criteria, key=lambda c: (-pull(c).get(option, 0.0) if c.cells else 0.0, c.id))
        for criterion in ranked:
            cell = criterion.cells.get(option)
            if cell is None or not cell.citations or cell.citations in said:
                continue
            said.add(cell.citations)
            claims.append(
                Claim(
                    text=cell.text,
                    option=option,
                    polarity="against" if cell.finding == "not_supported" else "for",
                    criterion=criterion.id,
                    citations=cell.citations,
                )
            )
        claims += [claim for claim in further if claim.option == option and claim.citations not in said]
    claims += [claim for claim in further if claim.option is None and claim.citations not in said]
    return tuple(claims)


def further_claims(
    judgements: Sequence[Judgement], citations: Citations, options: Sequence[Option], *, most: int = 2
) -> tuple[Claim, ...]:
    """What else speaks for each side, from other origins, as far as there is room for citations."""
    claims: list[Claim] = []
    for depth in range(1, most + 1):
        for number, judgement in enumerate(judgements, 1):
            for option in sorted(options, key=lambda o: (-_quotable(judgement, o.id), o.id)):
                side = judgement.sides[option.id]
                if len(side.evidence) <= depth or side.evidence[depth].relevance < 0.75 * side.evidence[0].relevance:
                    continue
                statement = side.evidence[depth].statement
                if citations.number(statement) is not None or points_back(statement.text):
                    continue
                cited = citations.cite(statement)
                if cited is not None:
                    claims.append(
                        Claim(
                            text=_trimmed(statement.text),
                            option=option.id,
                            polarity="for",
                            criterion=f"c{number}",
                            citations=(cited,),
                        )
                    )
    return tuple(claims)


def sought_claims(
    ranked: Sequence[tuple[Statement, float]], citations: Citations, *, silent: Collection[str]
) -> tuple[Claim, ...]:
    """What the question seeks besides and no criterion cites, likeliest first, as far as there is room.

    `ranked`: statements with the probability that they are sought, best first; `silent`: options that have a part in
    the verdict and that nothing is cited for. Less will do for the best statement of each of these, and for what
    stands in a section that nothing is cited from yet.
    """
    claims: list[Claim] = []
    cited = {citation.section_id for citation in citations.all()}
    for statement, chance in ranked:
        known = statement.section_id in cited and statement.stance not in silent
        least = SOUGHT if known else SOUGHT_AT_ALL
        if chance < least or citations.number(statement) is not None or points_back(statement.text):
            continue
        number = citations.cite(statement)
        if number is not None:
            cited.add(statement.section_id)
            silent = {option for option in silent if option != statement.stance}
            claims.append(
                Claim(
                    text=_trimmed(statement.text),
                    option=statement.stance,
                    polarity="against" if statement.strength < 0 else "for",
                    citations=(number,),
                )
            )
    return tuple(claims)


def fact_claims(hits: Sequence[Hit], citations: Citations, *, most: int = 3) -> tuple[Claim, ...]:
    """The best statements as claims: those that score at least BESIDE of the first, none that repeats another."""
    claims: list[Claim] = []
    kept: list[set[str]] = []
    for hit in hits:
        if len(claims) == most or (claims and hit.score < BESIDE * hits[0].score):
            break
        words = set(re.findall(r"\w{4,}", hit.statement.text.lower()))
        if any(len(words & other) > 0.6 * len(words | other) for other in kept if words):
            continue
        if claims and points_back(hit.statement.text):
            continue
        number = citations.cite(hit.statement)
        if number is None:
            break
        kept.append(words)
        option = hit.statement.options[0] if len(hit.statement.options) == 1 else hit.statement.stance
        claims.append(Claim(text=_trimmed(hit.statement.text), option=option, citations=(number,)))
    return tuple(claims)


def recommendation_text(
    criteria: Sequence[Criterion], claims: Sequence[Claim], verdict: Verdict, options: Sequence[Option]
) -> str:
    """What stands behind the verdict, as Markdown; the verdict itself is data that every rendering shows first."""
    names = {option.id: option.name for option in options}
    lines: list[str] = []
    for option in dict.fromkeys(claim.option for claim in claims):
        for polarity, title in (("for", "The case for"), ("against", "Limits of")):
            own = [claim for claim in claims if claim.option == option and claim.polarity == polarity]
            if own:
                lines += ["", f"**{title} {names[option]}**" if option is not None else "**On both**", ""]
                lines += [_bullet(claim) for claim in own]
    silent = [
        f"“{escaped(c.text)}” ({names[o]})"
        for c in criteria
        for o, cell in sorted(c.cells.items())
        if cell.finding == "not_documented" and c.weight > 0
    ]
    if silent:
        lines += ["", f"Not documented in the sources: {'; '.join(silent[:4])}."]
    return "\n".join(lines).strip() or verdict.reason


def comparison_text(criteria: Sequence[Criterion], further: Sequence[Claim], options: Sequence[Option]) -> str:
    """Both options side by side on each criterion, a citation in every cell that says something; below, what is said
    besides.
    """
    ordered = sorted(options, key=lambda o: o.id)
    lines = ["| | " + " | ".join(option.name for option in ordered) + " |", "| --- | --- | --- |"]
    for criterion in criteria:
        cells = []
        for option in ordered:
            cell = criterion.cells.get(option.id)
            marks = "".join(f"[{n}]" for n in cell.citations) if cell else ""
            words = f"{escaped(cell.text)} {marks}" if cell and cell.text else "The sources say nothing on it."
            cells.append(words.replace("|", "\\|"))
        lines.append(f"| {escaped(criterion.text)} | " + " | ".join(cells) + " |")
    if further:
        lines += ["", "**Said besides**", "", *(_bullet(claim) for claim in further)]
    return "\n".join(lines)


def fact_text(claims: Sequence[Claim]) -> str:
    """The statements that answer, one a paragraph."""
    return "\n\n".join(f"{escaped(claim.text)} {_marks(claim)}" for claim in claims)


def not_covered_text(reason: NotCoveredReason, nearest: Sequence[Claim]) -> str:
    """One plain sentence that says why, and the nearest passages."""
    lines = [NOT_COVERED_WORDS[reason]]
    if nearest:
        lines += ["", "The nearest that they do say:", "", *(_bullet(claim) for claim in nearest)]
    return "\n".join(lines)


def contradictions_of(judgements: Sequence[Judgement], citations: Citations) -> tuple[Contradiction, ...]:
    """Cited statements that say of one option that it does and that it does not meet the same need."""
    found: list[Contradiction] = []
    for judgement in judgements:
        for option in sorted(judgement.sides):
            side = judgement.sides[option]
            pro = _first_cited(side.evidence, citations)
            con = _first_cited(side.against, citations)
            if pro is not None and con is not None and pro != con:
                found.append(Contradiction(between=(min(pro, con), max(pro, con)), about=judgement.need.text))
    return tuple(found)


def _first_cited(found: Sequence[Weighted], citations: Citations) -> int | None:
    for each in found[:3]:
        number = citations.number(each.statement)
        if number is not None:
            return number
    return None


def _strength(judgement: Judgement) -> float:
    scores = [side.score for side in judgement.sides.values()]
    relevance = max((e.relevance for s in judgement.sides.values() for e in s.evidence[:1]), default=0.0)
    return judgement.need.weight * (max(scores) - min(scores) + 0.2 * relevance)


def _quotable(judgement: Judgement, option: str) -> float:
    side = judgement.sides[option]
    return side.score + (0.2 * side.evidence[0].relevance if side.evidence else 0.0)


def _best(judgement: Judgement, option: str) -> Statement | None:
    """The statement to quote for a side: one that stands alone, if one of the best does."""
    side = judgement.sides[option]
    candidates = side.evidence or side.against
    for each in candidates[:3]:
        if not points_back(each.statement.text) and each.relevance >= 0.8 * candidates[0].relevance:
            return each.statement
    return candidates[0].statement if candidates else None


def _trimmed(text: str) -> str:
    """A quote cut to what matters: its first sentences, at most about forty-five words."""
    words = text.split()
    if len(words) <= _WORDS:
        return text
    parts = re.split(r"(?<=[.;])\s+", text)
    kept = parts[0]
    for part in parts[1:]:
        if len(f"{kept} {part}".split()) > _WORDS:
            break
        kept = f"{kept} {part}"
    return kept


def _bullet(claim: Claim) -> str:
    return f"- {escaped(claim.text)} {_marks(claim)}"


def _marks(claim: Claim) -> str:
    return "".join(f"[{n}]" for n in claim.citations)
