"""Where the knowledge base is thin: topics with little evidence for an option, and questions that stayed open."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.answer import Answer
from kb.records import Corpus, Option


@dataclass(frozen=True, slots=True)
class TopicEvidence:
    """How many origins speak for each option on a topic (or, without topics, in a document)."""

    topic: str
    origins: dict[str, int]

    @property
    def weakest(self) -> int:
        """The count of the option with the least."""
        return min(self.origins.values())


@dataclass(frozen=True, slots=True)
class OpenNeed:
    """A need that answers left undocumented for an option, how often, and a question that had it."""

    text: str
    option: str
    times: int
    example: str


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question that was refused, and why."""

    question: str
    reason: str
    times: int


def topic_evidence(corpus: Corpus, options: Sequence[Option]) -> list[TopicEvidence]:
    """Origins by topic and option, thinnest first. Evidence counts once per origin."""
    topics = {section.id: section.topic for section in corpus.sections}
    documents = {document.id: document for document in corpus.documents}
    origins: dict[str, dict[str, set[str]]] = defaultdict(lambda: {option.id: set() for option in options})
    for statement in corpus.statements:
        document = documents[statement.document_id]
        found = origins[topics.get(statement.section_id) or document.title]
        if statement.stance in found:
            found[statement.stance].update(basis.url for basis in statement.basis)
            if not statement.basis:
                found[statement.stance].add(document.source_id)
    counted = [
        TopicEvidence(topic, {option: len(sources) for option, sources in by_option.items()})
        for topic, by_option in origins.items()
        if any(by_option.values())
    ]
    return sorted(counted, key=lambda evidence: (evidence.weakest, sum(evidence.origins.values()), evidence.topic))


def open_needs(answers: Iterable[Answer]) -> list[OpenNeed]:
    """Criteria with a cell that is not documented, most frequent first."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for answer in answers:
        for criterion in answer.criteria:
            for option, cell in criterion.cells.items():
                if cell.finding == "not_documented":
                    found[criterion.text.strip(), option].append(answer.question)
    needs = [OpenNeed(text, option, len(asked), asked[0]) for (text, option), asked in found.items()]
    return sorted(needs, key=lambda need: (-need.times, need.text, need.option))


def open_questions(answers: Iterable[Answer]) -> list[OpenQuestion]:
    """Refused questions that more sources could answer, most frequent first; off-topic ones are no gap."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for answer in answers:
        reason = answer.not_covered.reason if answer.not_covered else None
        if reason in ("figure_missing", "no_evidence"):
            found[answer.question.strip(), reason] += 1
    asked = [OpenQuestion(question, reason, times) for (question, reason), times in found.items()]
    return sorted(asked, key=lambda question: (-question.times, question.question))
