"""Whether the sources answer a question at all, and if not, why: many weak signals, one calibrated probability."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.answer import NotCoveredReason
from bot.facts import Hit
from kb.index import Index
from kb.lexical import tokens
from kb.options import OptionFinder

VENDORS = re.compile(
    r"""\b(?:sage\s?maker|vertex(?:\s+ai)?|big\s?query|snowflake|redshift|bedrock|aws|amazon|gcp|google\s+cloud|palantir|foundry\s+by\s+palantir
    |dataiku|data\s?robot|h2o(?:\.ai)?|knime|alteryx|rapid\s?miner|domino(?:\s+data\s+lab)?|cloudera|teradata|watson(?:x)?|ibm|oracle|sas\s+viya
    |hugging\s?face\s+(?:endpoints|spaces)|starburst|dremio|clear\s?ml|kubeflow|comet|neptune\.ai|weights\s*(?:&|and)\s*biases|wandb|paperspace
    |lambda\s+labs|coreweave|anyscale|modal|sap\s+(?:datasphere|hana)|qlik|tableau|matillion|fivetran|talend|informatica|dagster|prefect|emr
    |azure\s+batch|azure\s+notebooks|ml\s+studio\s+classic|hdinsight)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_FIGURE = re.compile(
    r"""\b(?:price|prices|pricing|cost\s+per|costs?\s+(?:of|for)\s+(?:one|an?|1)|how\s+much(?:\s+does|\s+is|\s+do|\s+would|\s+will)?|what\s+does\b[^?]{0,60}\bcost
    |hourly\s+rate|rate\b|euros?|dollars?|usd|eur|\$|€|per\s+(?:hour|month|year|seat|user|node|gb|tb)|discount|%\s*off|percent(?:age)?|monthly\s+total
    |how\s+(?:many|big|large|long|fast|old|often|soon)|max(?:imum)?(?:\s+\w+){0,3}|minimum\s+(?:number|size)|limit|quota|upper\s+bound|by\s+what\s+factor|number\s+for
    |uptime|sla|latency\s+in|milliseconds?|which\s+(?:date|year|month|version)|when\s+(?:will|does|did|was|is)|release\s+date|market\s+share|revenue|benchmark)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_NUMBER = re.compile(r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twice|double|half|zero|no)\b", re.IGNORECASE)
_PREMISE = re.compile(
    r"""\b(?:since|because|given\s+that|now\s+that|considering\s+that|seeing\s+that)\b[^,?!]{6,140}
      \b(?:no\s+longer|has\s+(?:been|become)|have\s+been|was|were|only|not|n['’]t|stopped|dropped|pulled|retired|removed|bought|acquired|became|is|are|forbids|requires|can|runs?)\b
    |\b(?:after|since|with)\s+(?:its|the|their)\s+(?:removal|retirement|shutdown|withdrawal|end|acquisition|takeover|ban)\b
    |\bwhy\s+(?:was|were|did|has|have|does|is)\b[^?]{0,80}\b(?:removed|taken\s+out|dropped|discontinued|retired|forbid\w*|ban\w*|no\s+longer|stop\w*|remove|drop|end|abandon\w*|kill\w*)\b
    |\b(?:pulled\s+out\s+of|has\s+become\s+part\s+of|was\s+(?:bought|acquired)\s+by|is\s+being\s+(?:retired|shut)|forbids|has\s+been\s+(?:retired|removed|discontinued|merged|renamed))\b
    |\bwhat\s+replaces\b""",
    re.IGNORECASE | re.VERBOSE,
)
_FILLER = frozenset(
    tokens(
        "need want like good best better platform tool service thing things people team company use using used make get"
        " give tell know work works working way lot much many really please thanks time day year month week today new"
        " old big small one two first last next also just even still already going come take put data model models"
        " machine learning azure answer question exactly built something anything somebody anybody right both either"
    )
)

COVERED = 0.5
"""Probability from which a question counts as covered: chosen on dev, see docs/evals.md."""

COEFFICIENTS = {"bias": -5.2, "cosine": 6.0, "covered": 3.2, "unknown": -2.2, "topic": 1.2, "figure": -1.6}
"""Logistic weights of the signals, fitted on the dev questions."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What speaks for and against an answer in the sources; each is 0 to 1."""

    cosine: float
    covered: float
    unknown: float
    topic: float
    figure: float

    @property
    def probability(self) -> float:
        """The calibrated probability that the sources answer."""
        total = COEFFICIENTS["bias"] + sum(
            COEFFICIENTS[name] * getattr(self, name) for name in ("cosine", "covered", "unknown", "topic", "figure")
        )
        return 1 / (1 + math.exp(-total))


def signals(text: str, hits: Sequence[Hit], *, index: Index, options: OptionFinder, topic: float) -> Signals:
    """The signals of a question, given the statements that would answer it, best first."""
    best = hits[:3]
    words = [word for word in dict.fromkeys(tokens(text)) if word not in _FILLER and not _of_options(word, options)]
    rare = [word for word in words if index.rarity(word) > 0.25]
    said: set[str] = set()
    for hit in best:
        section = index.section(hit.statement.section_id)
        said |= set(tokens(" ".join((hit.statement.text, hit.statement.context, *section.path))))
    weights = {word: min(index.rarity(word), 1.0) for word in rare}
    total = sum(weights.values())
    unknown = sum(weights[word] for word in rare if index.rarity(word) > 1.0) / total if total else 0.0
    figure = 0.0
    if asks_figure(text) and not any(_NUMBER.search(hit.statement.text) for hit in best[:2]):
        figure = 1.0
    return Signals(
        cosine=max((hit.cosine for hit in best), default=0.0),
        covered=sum(weights[word] for word in rare if word in said) / total if total else 0.5,
        unknown=unknown,
        topic=topic,
        figure=figure,
    )


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


def supposes(text: str) -> bool:
    """Whether the question takes something for granted that it would have to rest on."""
    return bool(_PREMISE.search(text))


def why_not(text: str, seen: Signals) -> NotCoveredReason:
    """The likeliest reason why the sources do not answer."""
    if seen.cosine < 0.33 and seen.topic < 0.5:
        return "off_topic"
    if supposes(text):
        return "false_premise"
    if asks_figure(text):
        return "figure_missing"
    return "no_evidence"


def _of_options(word: str, options: OptionFinder) -> bool:
    return any(word in tokens(name) for option in options.options for name in (option.name, *option.aliases))
