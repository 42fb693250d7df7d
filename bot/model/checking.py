"""Every sentence of a model against this turn's evidence: kept, given its right label, or handed back as a problem."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.answer import Claim
from bot.model.labels import Labelled
from bot.model.plain_text import plain_sentence
from bot.model.reply import Sentence
from bot.verification import Checker, Support
from kb.options import OptionFinder

_ADVICE = re.compile(
    r"\b(?:choose|pick|select|go with|go for|opt for|we recommend|is recommended|i recommend|you should use|"
    r"(?:better|best|right|clear|stronger) (?:choice|option|fit|platform|pick)|(?:wins|fits best|is better))\b",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"\b(?:if|when|where|for|unless|once|while|who|that|with|in)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Problem:
    """A sentence that cannot be shown, and why."""

    sentence: Sentence
    why: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A claim that the passages bear out. `mended`: its labels had to be put right."""

    claim: Claim
    cited: tuple[Labelled, ...]
    mended: bool


class SentenceCheck:
    """Checks the sentences of one turn. `verdict` is the choice that no sentence may advise against."""

    def __init__(
        self,
        evidence: Mapping[str, Labelled],
        checker: Checker,
        finder: OptionFinder,
        *,
        asked: str,
        verdict: str | None,
        criteria: frozenset[str],
        secrets: Sequence[str] = (),
    ) -> None:
        self._evidence = evidence
        self._checker = checker
        self._finder = finder
        self._asked = asked
        self._verdict = verdict
        self._criteria = criteria
        self._secrets = secrets
        self._known: dict[Sentence, Checked | Problem] = {}
        self._ids = {option.id for option in finder.options}

    def check(self, sentence: Sentence) -> Checked | Problem:
        """The sentence as a claim, or what is wrong with it. The same sentence is checked once."""
        if sentence not in self._known:
            self._known[sentence] = self._check(sentence)
        return self._known[sentence]

    def _check(self, sentence: Sentence) -> Checked | Problem:
        if any(secret in sentence.text for secret in self._secrets):
            return Problem(sentence, "it repeats the instructions")
        text = plain_sentence(sentence.text)
        if len(re.findall(r"\w+", text)) < 3:
            return Problem(sentence, "it says nothing that could be checked")
        option = sentence.option if sentence.option in self._ids else None
        named = self._finder.named(text)
        if len(named) == 1:
            option = named[0]
        if self._against_verdict(text, named):
            return Problem(sentence, "it advises against the verdict")
        own = [self._evidence[label] for label in sentence.labels if label in self._evidence]
        support, cited, mended = self._supported(text, own, option)
        if not support.enough:
            return Problem(sentence, support.problem or "the passage does not say it")
        claim = Claim(
            text=text,
            option=option,
            polarity=sentence.polarity,
            criterion=sentence.criterion if sentence.criterion in self._criteria else None,
            citations=tuple(each.citation.n for each in cited),
            support=support.score,
        )
        return Checked(claim, tuple(cited), mended or len(own) < len(sentence.labels))

    def _supported(
        self, text: str, own: Sequence[Labelled], option: str | None
    ) -> tuple[Support, Sequence[Labelled], bool]:
        """The support, the passages that give it, and whether they are others than those that were named."""
        support = self._checker.check(text, [each.passage for each in own], option=option, asked=self._asked)
        if support.enough:
            alone = [each for each in own if self._alone(text, each, option).enough]
            return support, alone or own, False
        best, found = Support(0.0, support.problem), None
        for each in self._evidence.values():
            other = self._alone(text, each, option)
            if other.score > best.score:
                best, found = other, each
        return (best, [found], True) if found is not None and best.enough else (support, own, False)

    def _alone(self, text: str, each: Labelled, option: str | None) -> Support:
        return self._checker.check(text, [each.passage], option=option, asked=self._asked)

    def _against_verdict(self, text: str, named: Sequence[str]) -> bool:
        if self._verdict is None or not named or not _ADVICE.search(text) or _CONDITION.search(text):
            return False
        return self._verdict in self._ids and named[0] != self._verdict


def same_sentence(one: str, other: str) -> bool:
    """Whether two sentences have the same words."""
    return re.findall(r"\w+", one.lower()) == re.findall(r"\w+", other.lower())
