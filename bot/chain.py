"""The chain: from a question to an answer, in named steps, deterministic, over one index.

    standalone -> understand -> criteria -> retrieve -> judge -> verdict and compose

Every step takes and gives a frozen `Draft`; the last one gives the `Answer`.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bot import compose, coverage
from bot.answer import (
    QUESTION_LIMIT,
    Answer,
    Citation,
    Claim,
    Criterion,
    MadeBy,
    NotCovered,
    NotCoveredReason,
    Question,
    Turn,
    Verdict,
)
from bot.asking import Asked
from bot.assessing import shipped_assessor
from bot.citing import LIMIT, Citations
from bot.conversation import Standalone, standalone
from bot.evidence import WeighingStatements
from bot.facts import Hit, find_hits, read_by
from bot.follow_ups import follow_ups
from bot.instructions import without_instructions
from bot.judge import Judgement, judge, judge_as_such
from bot.kinds import what_is_asked
from bot.needs import Need, find_needs
from bot.reading import Reading, shipped_reader
from bot.seeking import shipped_seeker
from bot.situation import borne_out, whole_of
from bot.verdict import decide
from bot.without_asking import without_asking
from kb.embedders import same_space
from kb.errors import UsageError
from kb.index import Index
from kb.matching import Matcher
from kb.options import OptionFinder
from kb.recogniser import Recogniser
from kb.search import HybridSearch

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable

EVIDENCE = 14
"""How many passages a chat model is given."""

SURE_TOPIC = 0.6
"""From this probability on, a comparison is headed by its topic."""

ASKED_OF = 0.7
"""Probability from which a fact is asked of an option; of the likelier one, where neither has it. Chosen on dev."""

AS_SUCH, GENERAL = "what-each-is", "in general"
"""The topic of a question about the two as such, and what that is called."""

LEFT_OUT = "What told the bot how to answer was left out of the question."
_NOTHING = Standalone("", "no")


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known of an answer between two steps. `text`: the question without what tells the bot how to answer."""

    question: Question
    started: float
    text: str = ""
    alone: Standalone = _NOTHING
    asked: Asked = "recommendation"
    named: tuple[str, ...] = ()
    vector: NDArray[np.float32] | None = None
    reading: Reading | None = None
    needs: tuple[Need, ...] = ()
    sought: NDArray[np.float32] | None = None
    hits: tuple[Hit, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    refused: NotCoveredReason | None = None
    seen: coverage.Signals | None = None
    timings: tuple[tuple[str, float], ...] = ()


class ExtractiveChain:
    """The steps over one index. Build once per index; safe to share between threads."""

    def __init__(self, index: Index, known: Recogniser | None, *, config: str) -> None:
        self.index = index
        self.options = index.options
        self.finder = OptionFinder(index.options)
        self.weighing = WeighingStatements(index, known)
        self._known = known
        self._config = config
        self.reader = shipped_reader()
        self._own = self.reader.is_about(index.options)
        self._agreed = borne_out(self.reader.leans, self.weighing.leanings)
        self._seeker = shipped_seeker()
        self._matcher = Matcher(index.options)
        self._search = HybridSearch(index)

    def answer(self, question: Question) -> Answer:
        """As `runnable`, without LangChain: importing that takes longer than an answer."""
        draft = self.begin(question)
        for name, step in self._steps():
            draft = _timed(name, step)(draft)
        return self.compose(draft)

    def runnable(self) -> "Runnable[Question, Answer]":
        """The chain as a Runnable with named steps; `get_graph()` shows them."""
        return self._ending(self.compose)

    def drafting(self) -> "Runnable[Question, tuple[Answer, tuple[Citation, ...]]]":
        """As `runnable`, giving the evidence found beside the answer: what a chat model writes from."""
        return self._ending(self._with_evidence)

    def _with_evidence(self, draft: Draft) -> tuple[Answer, tuple[Citation, ...]]:
        answer = self.compose(draft)
        more = Citations(self.index, limit=EVIDENCE, known=answer.citations)
        for judgement in draft.judgements:
            for side in judgement.sides.values():
                for each in (*side.evidence[:3], *side.against[:1]):
                    more.cite(each.statement)
        for hit in draft.hits[:4]:
            more.cite(hit.statement)
        return answer, more.all()

    def _steps(self) -> tuple[tuple[str, Callable[[Draft], Draft]], ...]:
        return (
            ("understand", self.understand),
            ("criteria", self.split),
            ("retrieve", self.retrieve),
            ("judge", self.judge),
        )

    def _ending(self, last: Callable[[Draft], Any]) -> "Runnable[Any, Any]":
        from langchain_core.runnables import RunnableLambda

        chain: Runnable[Any, Any] = RunnableLambda(self.begin, name="standalone")
        for name, step in self._steps():
            chain = chain | RunnableLambda(_timed(name, step), name=name)
        return chain | RunnableLambda(last, name="compose")

    def begin(self, question: Question) -> Draft:
        """Refuse what is no question; make the rest stand on its own."""
        text = question.text.strip()
        if not text:
            raise UsageError("the question is empty; ask, for example: which platform should I use for streaming?")
        if len(text) > QUESTION_LIMIT:
            raise UsageError(f"the question has {len(text):,} characters; ask in at most {QUESTION_LIMIT:,}")
        started = time.perf_counter()
        asked = without_instructions(text, self.finder)
        history = [
            turn.model_copy(update={"content": content}) for turn in question.history if (content := self._told(turn))
        ]
        refused: NotCoveredReason | None = None if asked else "instruction"
        alone = standalone(asked or text, history, self.finder)
        return Draft(question, started, asked or text, alone, refused=refused)

    def _told(self, turn: Turn) -> str:
        return without_instructions(turn.content, self.finder) if turn.role == "user" else turn.content

    def judged(self, question: Question) -> Draft:
        """All that is known of an answer before it is put into words."""
        draft = self.begin(question)
        for _name, step in self._steps():
            draft = step(draft)
        return draft

    def understand(self, draft: Draft) -> Draft:
        """What is asked, and of which options."""
        text = draft.alone.text
        reading = self.reader.read(text, self.finder, since=draft.alone.since)
        asked = "instruction" if draft.refused else what_is_asked(draft.text, reading)
        refused: NotCoveredReason | None = "instruction" if asked == "instruction" else None
        return replace(draft, asked=asked, refused=refused, reading=reading, named=self.finder.named(text))

    def split(self, draft: Draft) -> Draft:
        """The needs in the question."""
        if draft.asked == "smalltalk" or draft.reading is None:
            return draft
        text = draft.alone.text
        embed = self.index.embedder.embed_queries
        vector = self.index.embedder.embed_query(self._matcher.nameless(text) or text)
        needs = find_needs(text, draft.reading, options=self.finder, own=self._own, known=self._known, embed=embed)
        if draft.asked == "comparison":
            # What is compared is a subject: its name reads better than the words of the asking. "How do they differ?"
            # names none.
            named = (need for need in needs if need.topic != AS_SUCH)
            needs = tuple(replace(n, text=_subject(n), polarity="wanted", weight=1.0) for n in named)
        return replace(draft, needs=needs, vector=vector)

    def retrieve(self, draft: Draft) -> Draft:
        """The statements that answer the question as a whole."""
        if draft.asked == "smalltalk" or draft.vector is None:
            return draft
        sought = None
        if self._own and same_space(self._seeker.encoder, self.index.embedder.name) and draft.reading is not None:
            sought = self._seeker.likely(draft.reading, draft.vector, self.weighing.vectors)
        hits = find_hits(
            draft.alone.text,
            vector=draft.vector,
            named=draft.named,
            sought=sought,
            index=self.index,
            weighing=self.weighing,
            search=self._search,
            matcher=self._matcher,
        )
        if draft.asked == "fact":
            hits = read_by(shipped_assessor(), draft.alone.text, hits, index=self.index, options=self.finder)
        return replace(draft, hits=hits, sought=sought)

    def judge(self, draft: Draft) -> Draft:
        """A judgement a need, and whether the sources cover the question."""
        if draft.asked == "smalltalk" or draft.vector is None:
            return draft
        judgements = tuple(
            judge(need, draft.sought, weighing=self.weighing, options=self.options) for need in draft.needs
        )
        text = draft.alone.text
        assert draft.reading is not None
        most = float(draft.sought.max()) if draft.sought is not None and len(draft.sought) else None
        seen = coverage.signals(
            text,
            draft.reading,
            draft.hits,
            judgements,
            most,
            own=self._own,
            index=self.index,
            options=self.finder,
        )
        refused = draft.refused
        if refused is None:
            refused = coverage.refusal(
                text,
                draft.asked,
                seen,
                draft.reading,
                named=draft.named,
                needs=len(draft.needs),
                own=self._own,
                index=self.index,
            )
        return replace(draft, judgements=judgements, refused=refused, seen=seen)

    def compose(self, draft: Draft) -> Answer:
        """The answer in words, with its citations."""
        citations = Citations(self.index)
        if draft.asked == "smalltalk":
            return self._answer(draft, kind="smalltalk", text=self._small_talk(draft.text))
        if draft.refused:
            nearest = compose.fact_claims(draft.hits, citations, most=2) if draft.refused != "off_topic" else ()
            return self._answer(
                draft,
                kind="not_covered",
                claims=nearest,
                text=compose.not_covered_text(draft.refused, nearest),
                citations=citations.all(),
                not_covered=NotCovered(reason=draft.refused, nearest=tuple(n for c in nearest for n in c.citations)),
            )
        if draft.asked == "fact":
            claims = compose.fact_claims(draft.hits, citations)
            return self._answer(
                draft,
                kind="fact",
                applies_to=self._applies_to(draft, claims),
                claims=claims,
                text=compose.fact_text(claims),
                citations=citations.all(),
                grounding="grounded",
            )
        weighed = draft.asked == "recommendation"
        judgements = draft.judgements or (self._general(draft),)
        needs = compose.criteria_of(judgements, citations, self.options, weighed=weighed)
        criteria = needs
        if weighed and self._own and draft.reading is not None:
            criteria = (*needs, whole_of(draft.reading, self._agreed, needs, self.options))
        verdict = decide(criteria)
        further = self._further(draft, judgements, citations, criteria, verdict)
        claims = compose.claims_of(needs, verdict, self.options, further)
        text = (
            compose.recommendation_text(needs, claims, verdict, self.options)
            if weighed
            else compose.comparison_text(needs, further, self.options)
        )
        applies = (verdict.choice,) if verdict.choice in {o.id for o in self.options} else ()
        return self._answer(
            draft,
            kind="recommendation" if weighed else "comparison",
            applies_to=applies or tuple(o.id for o in self.options),
            verdict=verdict,
            criteria=criteria,
            claims=claims,
            text=text,
            citations=citations.all(),
            contradictions=compose.contradictions_of(judgements, citations),
            grounding="grounded" if claims else None,
        )

    def _further(
        self,
        draft: Draft,
        judgements: Sequence[Judgement],
        citations: Citations,
        criteria: Sequence[Criterion],
        verdict: Verdict,
    ) -> tuple[Claim, ...]:
        if draft.sought is None:
            return compose.further_claims(judgements, citations, self.options)
        told = {option for criterion in criteria for option, cell in criterion.cells.items() if cell.citations}
        takes_both = draft.asked == "comparison" or verdict.choice in ("both", "either")
        silent = {option.id for option in self.options} - told if takes_both else set()
        ranked = self.weighing.most_sought(draft.sought, 2 * LIMIT)
        if not draft.needs:  # so general a question seeks a bit of everything
            ranked = [(statement, chance) for statement, chance in ranked if chance >= compose.SOUGHT]
        return compose.sought_claims(ranked, citations, silent=silent)

    def _general(self, draft: Draft) -> Judgement:
        """The judgement of a question that names no need: what the sources say of the choice as such."""
        text = without_asking(draft.alone.text) or GENERAL
        vector = draft.vector if draft.vector is not None else self.index.embedder.embed_query(text)
        topics = tuple((t, 0.5) for t in (AS_SUCH, "together") if t in self.weighing.leanings)
        need = Need(GENERAL, vector, topics, "wanted", 1.0)
        return judge_as_such(need, weighing=self.weighing, options=self.options)

    def _applies_to(self, draft: Draft, claims: Sequence[Claim]) -> tuple[str, ...]:
        """The options that a fact is asked of, as the reader sees it.

        A post often names the other option as mere background, or a part of an option instead of its name. Without a
        reader for this decision: those named, else those that the best claims are about.
        """
        if not self._own or draft.reading is None:
            found = set(draft.named) or {claim.option for claim in claims[:2] if claim.option}
        else:
            about = draft.reading.about
            found = {option for option in about if about[option] >= ASKED_OF} or {max(about, key=lambda o: about[o])}
        return tuple(o.id for o in self.options if o.id in found)

    def _small_talk(self, text: str) -> str:
        first, second = (option.name for option in self.options)
        if text.strip().endswith("?") or len(text.split()) > 6:
            return (
                f"I answer questions on the choice between {first} and {second}, from a knowledge base: describe what"
                " you need, compare the two on a point, or ask for a fact. Every sentence carries its source."
            )
        return f"Ask me anything about the choice between {first} and {second}."

    def _answer(self, draft: Draft, **fields: Any) -> Answer:
        made_by = MadeBy(snapshot=self.index.snapshot_id, config=self._config)
        verdict = fields.pop("verdict", Verdict())
        question = draft.question
        identity = (question.text, [t.model_dump() for t in question.history], made_by.model_dump(), time.time_ns())
        return Answer(
            id=hashlib.sha256(repr(identity).encode()).hexdigest()[:16],
            request_id=question.request_id,
            question=question.text,
            standalone_question=draft.alone.text,
            verdict=verdict,
            follow_ups=follow_ups(draft.text, draft.asked, draft.refused, draft.needs, self.options),
            made_by=made_by,
            notices=(LEFT_OUT,) if draft.text != question.text.strip() else (),
            timings_ms={
                **{name: round(value, 1) for name, value in draft.timings},
                "total": round((time.perf_counter() - draft.started) * 1000, 1),
            },
            **fields,
        )


def _subject(need: Need) -> str:
    if need.topic is None or need.topics[0][1] < SURE_TOPIC:
        return need.text
    return need.topic.replace("-", " ")


def _timed(name: str, step: Callable[[Draft], Draft]) -> Callable[[Draft], Draft]:
    def run(draft: Draft) -> Draft:
        begun = time.perf_counter()
        done = step(draft)
        return replace(done, timings=(*done.timings, (name, (time.perf_counter() - begun) * 1000)))

    return run
