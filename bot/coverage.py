"""Whether the sources answer a question at all, and if not, why: many weak signals, one calibrated probability."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.answer import NotCoveredReason
from bot.coverage_weights import COEFFICIENTS
from bot.facts import ASSESSED, Hit
from bot.judge import Judgement
from bot.kinds import likeliest_reason, open_chance
from bot.reading import Reading
from kb.index import Index
from kb.lexical import tokens
from kb.options import OptionFinder

VENDORS = re.compile(
    r"""\b(?:sage\s?maker|vertex(?:\s+ai)?|big\s?query|snowflake|redshift|bedrock|aws|amazon|gcp|google\s+cloud
    |palantir|foundry\s+by\s+palantir
    |dataiku|data\s?robot|h2o(?:\.ai)?|knime|alteryx|rapid\s?miner|domino(?:\s+data\s+lab)?|cloudera|teradata|watson(?:x)?|ibm|oracle|sas\s+viya
    |hugging\s?face\s+(?:endpoints|spaces)|starburst|dremio|clear\s?ml|kubeflow|comet|neptune\.ai|weights\s*(?:&|and)\s*biases|wandb|paperspace
    |lambda\s+labs|coreweave|anyscale|modal|sap\s+(?:datasphere|hana)|qlik|tableau|matillion|fivetran|talend|informatica|dagster|prefect|emr
    |azure\s+batch|azure\s+notebooks|ml\s+studio\s+classic|hdinsight)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_FIGURE = re.compile(
    r"""\b(?:price|prices|pricing|cost\s+per|costs?\s+(?:of|for)\s+(?:one|an?|1)|how\s+much(?:\s+does|\s+is
    |\s+do|\s+would|\s+will)?|what\s+does\b[^?]{0,60}\bcost
    |hourly\s+rate|rate\b|euros?|dollars?|usd|eur|\$|€|per\s+(?:hour|month|year|seat|user|node|gb|tb)|discount|%\s*off|percent(?:age)?|monthly\s+total
    |how\s+(?:many|big|large|long|fast|old|often|soon)|max(?:imum)?(?:\s+\w+){0,3}|minimum\s+(?:number|size)|limit|quota|upper\s+bound|by\s+what\s+factor|number\s+for
    |uptime|sla|latency\s+in|milliseconds?|which\s+(?:date|year|month|version)|when\s+(?:will|does|did|was|is)|release\s+date|market\s+share|revenue|benchmark)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_MONEY = re.compile(
    r"\b(?:price[sd]?|pricing|rate|euros?|dollars?|usd|eur|discount|fee|bill|cost\s+per|monthly\s+total|yearly"
    r"|per\s+(?:hour|month|seat|user)|prepay\w*"
    r"|what\s+(?:does|do|would|will|is)\b[^?]{0,60}\bcost|how\s+much\b[^?]{0,40}\b(?:cost|pay|is|charge))\b"
    r"|[$€£]|%\s*off",
    re.IGNORECASE,
)
_SUM = re.compile(r"[$€£]\s?\d|\d\s?(?:[$€£]|usd|eur|euros?|dollars?|cents?)\b", re.IGNORECASE)
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twice|double|half|zero|no)\b", re.IGNORECASE
)
_FILLER = frozenset(
    tokens(
        "need want like good best better platform tool service thing things people team company use using used make get"
        " give tell know work works working way lot much many really please thanks time day year month week today new"
        " old big small one two first last next also just even still already going come take put data model models"
        " machine learning azure answer question exactly built something anything somebody anybody right both either"
    )
)

COVERED = {"fact": 0.3, "other": 0.3}
"""Probability from which a question counts as covered, by its group: chosen on dev."""

ABOUT_IT = 0.05
"""Another vendor's name may be mere background; from this chance on, the question is about it to the reader."""

SURELY = 0.5
"""From this chance on the reader is believed: off topic, whatever the passages resemble; asked for the choice."""

READ_IN_IT = 1.5
"""Log odds from which what the assessor reads in the passages outweighs that."""

SUREST = 3.0
"""Log odds at most that the reader's word on the kind counts with: beyond, only the passages tell."""

SHORT, LONG = 30, 120
"""Words up to which a text is a question, and from which it is a post."""

PERHAPS, NEAR, CLEAR = 0.05, 0.45, 0.5
"""Perhaps off topic, no passage near it and no topic clear: off topic, unless an option is named."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What speaks for and against an answer in the sources; each is 0 to 1 but `open`.

    `cosine` and `covered`: the best statements' nearness and the share of the question's rare words in them;
    `relevance` and `documented`: how well a statement that takes sides speaks to a need, and the share of needs with
    one; `topic`: how sure the likeliest topic is; `figure`: a figure is asked for and none is near; `one_sided`: asked
    of one option, and the best statements are about the other one; `open`: the log odds that it is a question of a
    kind that sources may answer, as the reader sees it; `answers` and `sought`: the log odds that the best statement
    answers, as the assessor reads it (of a question for a fact), and that a statement that takes sides is sought
    (even, where that is not known); `long`: it is a post, of which no statement holds as many words.
    """

    cosine: float
    covered: float
    relevance: float
    documented: float
    topic: float
    figure: float
    one_sided: float
    open: float
    answers: float
    sought: float
    long: float

    def probability(self, asked: str) -> float:
        """The probability that the sources answer a question of this kind."""
        weights = COEFFICIENTS[group_of(asked)]
        total = weights["bias"] + sum(getattr(self, name) * w for name, w in weights.items() if name != "bias")
        return 1 / (1 + math.exp(-total))


def group_of(asked: str) -> str:
    """The questions that are weighed alike: those for a fact, and those that weigh the options."""
    return "fact" if asked == "fact" else "other"


def signals(
    text: str,
    reading: Reading,
    hits: Sequence[Hit],
    judgements: Sequence[Judgement],
    sought: float | None,
    *,
    own: bool,
    index: Index,
    options: OptionFinder,
) -> Signals:
    """The signals of a question, given the statements that would answer it, best first, and its needs judged.

    `own`: the decision is the one that the reader was trained for.
    """
    best = hits[:3]
    words = [word for word in dict.fromkeys(tokens(text)) if word not in _FILLER and not _of_options(word, options)]
    weights = {word: min(index.rarity(word), 1.0) for word in words if index.rarity(word) > 0.25}
    said: set[str] = set()
    for hit in best:
        section = index.section(hit.statement.section_id)
        said |= set(tokens(" ".join((hit.statement.text, hit.statement.context, *section.path))))
    total = sum(weights.values())
    near = [
        each.relevance
        for judgement in judgements
        for found in (*((side.evidence, side.against) for side in judgement.sides.values()), (judgement.shared,))
        for group in found
        for each in group[:1]
    ]
    wanted = _SUM if _MONEY.search(text) else _NUMBER
    missing = asks_figure(text) and not any(wanted.search(hit.statement.text) for hit in best[:2])
    named = options.named(text)
    return Signals(
        cosine=max((hit.cosine for hit in best), default=0.0),
        covered=sum(weights[word] for word in weights if word in said) / total if total else 0.5,
        relevance=max(near, default=0.0),
        documented=sum(j.documented for j in judgements) / len(judgements) if judgements else 0.5,
        topic=max((j.need.topics[0][1] for j in judgements if j.need.topics), default=0.0),
        figure=1.0 if missing else (0.5 if asks_figure(text) else 0.0),
        one_sided=1.0 if len(named) == 1 and _of_the_other_only(hits, named[0]) else 0.0,
        open=max(-SUREST, min(SUREST, _log_odds(open_chance(reading, own=own)))),
        answers=_log_odds(max((hit.answers for hit in hits[:ASSESSED]), default=0.0)),
        sought=_log_odds(sought) if sought is not None else 0.0,
        long=min(max((len(text.split()) - SHORT) / (LONG - SHORT), 0.0), 1.0),
    )


def refusal(
    text: str, asked: str, seen: Signals, reading: Reading, *, named: Sequence[str], needs: int, own: bool, index: Index
) -> NotCoveredReason | None:
    """Why the sources do not answer; None where they do.

    `needs`: how many the question states. `own`: the decision is the one that the reader was trained for.
    """
    if other_vendor(text, index) and reading.kinds["other_vendor"] >= ABOUT_IT:
        return "other_vendor"
    off = reading.kinds["off_topic"]
    far = off > PERHAPS and seen.cosine < NEAR and seen.topic < CLEAR
    if not named and (far or (own and off > SURELY)) and seen.answers < READ_IN_IT:
        return "off_topic"
    if not needs and reading.kinds["recommendation"] + reading.kinds["comparison"] > SURELY:
        return None  # asks about the two as such, which the index is about
    if seen.probability(asked) >= COVERED[group_of(asked)]:
        return None
    reason = likeliest_reason(reading)
    if reading.kinds[reason] < 0.2:
        reason = "figure_missing" if asks_figure(text) else "no_evidence"
    return reason


def asks_figure(text: str) -> bool:
    """Whether a price, limit, share, date or other figure is asked for."""
    return bool(_FIGURE.search(text))


def other_vendor(text: str, index: Index) -> str | None:
    """Another vendor's product that the question is about and that the sources hardly mention; None: there is none."""
    for match in VENDORS.finditer(text):
        words = tokens(match[0])
        if any(index.rarity(word) > 0.6 for word in words):
            return match[0]
    return None


def _of_the_other_only(hits: Sequence[Hit], option: str) -> bool:
    best = [hit for hit in hits[:3] if hit.score >= 0.8 * hits[0].score]
    return bool(best) and all(hit.statement.options and option not in hit.statement.options for hit in best)


def _log_odds(chance: float) -> float:
    inside = min(max(chance, 0.002), 0.998)
    return math.log(inside / (1 - inside))


def _of_options(word: str, options: OptionFinder) -> bool:
    return any(word in tokens(name) for option in options.options for name in (option.name, *option.aliases))
