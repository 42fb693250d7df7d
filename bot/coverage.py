"""Whether the sources answer a question at all, and if not, why: many weak signals, one calibrated probability."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.answer import NotCoveredReason
from bot.facts import Hit
from bot.judge import Judgement
from kb.index import Index
from kb.lexical import tokens
from kb.options import OptionFinder

VENDORS = re.compile(
    r"""\b(?:sage\s?maker|vertex(?:\s+ai)?|big\s?query|snowflake|redshift|bedrock|aws|amazon|gcp|google\s+cloud"
    r"|palantir|foundry\s+by\s+palantir
    |dataiku|data\s?robot|h2o(?:\.ai)?|knime|alteryx|rapid\s?miner|domino(?:\s+data\s+lab)?|cloudera|teradata|watson(?:x)?|ibm|oracle|sas\s+viya
    |hugging\s?face\s+(?:endpoints|spaces)|starburst|dremio|clear\s?ml|kubeflow|comet|neptune\.ai|weights\s*(?:&|and)\s*biases|wandb|paperspace
    |lambda\s+labs|coreweave|anyscale|modal|sap\s+(?:datasphere|hana)|qlik|tableau|matillion|fivetran|talend|informatica|dagster|prefect|emr
    |azure\s+batch|azure\s+notebooks|ml\s+studio\s+classic|hdinsight)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_FIGURE = re.compile(
    r"""\b(?:price|prices|pricing|cost\s+per|costs?\s+(?:of|for)\s+(?:one|an?|1)|how\s+much(?:\s+does|\s+is"
    r"|\s+do|\s+would|\s+will)?|what\s+does\b[^?]{0,60}\bcost
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
_PREMISE = re.compile(
    r"""\b(?:since|because|given\s+that|now\s+that|considering\s+that|seeing\s+that)\b[^,?!]{6,140}
      \b(?:no\s+longer|has\s+(?:been|become)|have\s+been|was|were|only|not|n['’]t|stopped|dropped|pulled|retired|removed|bought|acquired|became|is|are|forbids|requires|can|runs?)\b
    |\b(?:after|since|with)\s+(?:its|the|their)\s+(?:removal|retirement|shutdown|withdrawal|end|acquisition|takeover|ban)\b
    |\bwhy\s+(?:was|were|did|has|have|does|is)\b[^?]{0,80}\b(?:removed|taken\s+out|dropped|discontinued|retired|forbid\w*|ban\w*|no\s+longer|stop\w*|remove|drop|end|abandon\w*|kill\w*)\b
    |\b(?:pulled\s+out\s+of|has\s+become\s+part\s+of|was\s+(?:bought|acquired)\s+by|is\s+being\s+(?:retired|shut)|forbids|has\s+been\s+(?:retired|removed|discontinued|merged|renamed))\b
    |\bwhat\s+replaces\b""",
    re.IGNORECASE | re.VERBOSE,
)
_NEWS = re.compile(
    r"""\b(?:no\s+longer|pull(?:ed|s|ing)?\s+out|forbid\w*|ban(?:s|ned)?|stop(?:s|ped)|remov\w+|retir\w+"
    r"|discontinu\w+|shut\w*
    |clos(?:es|ed|ing)|drop(?:s|ped)|kill(?:s|ed)|replac\w+|becam?e?s?|bought|buys|acquir\w+|merg\w+|moved|part\s+of|only\s+allows?
    |from\s+20\d\d|must\s+all|gone|end(?:s|ed|ing)?\s+(?:of|in|support)|deprecat\w+|taken\s+(?:out|over)|renamed|split\s+off|sold)\b""",
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

COVERED = {"fact": 0.36, "recommendation": 0.12, "comparison": 0.1}
"""Probability from which a question of each kind counts as covered: chosen on dev, see docs/evals.md."""

FAR = 0.25
"""A question whose nearest statement is farther than this needs a probability of one half at least."""

COEFFICIENTS: dict[str, dict[str, float]] = {
    "fact": {"bias": -4.1, "cosine": 3.1, "relevance": 4.0, "covered": 1.1, "figure": -1.5},
    "recommendation": {"bias": -4.6, "relevance": 4.5, "documented": 3.3, "covered": 0.2, "figure": -0.9},
}
"""Logistic weights of the signals, fitted on the dev questions and on those made unanswerable by leaving out."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What speaks for and against an answer in the sources; each is 0 to 1.

    `cosine` and `covered`: the best statements' nearness and the share of the question's rare words in them;
    `relevance` and `documented`: how well a statement that takes sides speaks to a need, and the share of needs with
    one; `topic`: how sure the likeliest topic is; `figure`: a figure is asked for and none is near.
    """

    cosine: float
    covered: float
    relevance: float
    documented: float
    topic: float
    figure: float

    def probability(self, asked: str) -> float:
        """The probability that the sources answer a question of this kind."""
        weights = COEFFICIENTS["fact" if asked == "fact" else "recommendation"]
        total = weights["bias"] + sum(getattr(self, name) * w for name, w in weights.items() if name != "bias")
        return 1 / (1 + math.exp(-total))


def signals(
    text: str, hits: Sequence[Hit], judgements: Sequence[Judgement], *, index: Index, options: OptionFinder
) -> Signals:
    """The signals of a question, given the statements that would answer it, best first, and its needs judged."""
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
    return Signals(
        cosine=max((hit.cosine for hit in best), default=0.0),
        covered=sum(weights[word] for word in weights if word in said) / total if total else 0.5,
        relevance=max(near, default=0.0),
        documented=sum(j.documented for j in judgements) / len(judgements) if judgements else 0.0,
        topic=max((j.need.topics[0][1] for j in judgements if j.need.topics), default=0.0),
        figure=1.0 if missing else (0.5 if asks_figure(text) else 0.0),
    )


def asks_sum(text: str) -> bool:
    """Whether a sum of money is asked for."""
    return bool(_MONEY.search(text)) and asks_figure(text)


def gives_sum(hits: Sequence[Hit]) -> bool:
    """Whether one of the best statements names a sum of money."""
    return any(_SUM.search(hit.statement.text) for hit in hits[:3])


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


def doubtful(text: str) -> bool:
    """Whether something is stated that would be news: an end, a ban, a takeover, a move."""
    return bool(_NEWS.search(text))


def why_not(text: str, seen: Signals) -> NotCoveredReason:
    """The likeliest reason why the sources do not answer."""
    if seen.cosine < 0.33 and seen.relevance < 0.4:
        return "off_topic"
    if supposes(text):
        return "false_premise"
    if asks_figure(text):
        return "figure_missing"
    return "no_evidence"


def _of_options(word: str, options: OptionFinder) -> bool:
    return any(word in tokens(name) for option in options.options for name in (option.name, *option.aliases))
