"""Writes one answer with a chat model: asks, checks each sentence, has it mended once, keeps to the budgets."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import RunnableConfig

from bot.answer import Answer, Citation, Claim
from bot.model.account import Account, log_account
from bot.model.asking import OnText, Said, ask, estimate_tokens
from bot.model.breaker import Breaker
from bot.model.checking import Checked, Problem, SentenceCheck, same_sentence
from bot.model.failures import NOTHING_READ, ModelFailedError, failure_of
from bot.model.labels import SIGN, Labelled, labelled, mark_of, plainly_shown, shown
from bot.model.ledger import Ledger, key_of
from bot.model.prompts import load_prompt, prompt_hash
from bot.model.proposals import take_over
from bot.model.provider import LOCAL, address_of, check_installed, open_model, provider_of
from bot.model.reply import Reply, ReplySchema, read_reply
from bot.model.writing import marked, written
from bot.render_words import choice_name
from bot.verification import Checker, Embed, Entails
from kb.errors import UsageError
from kb.options import OptionFinder
from kb.settings import Settings

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

log = logging.getLogger(__name__)

WRITTEN_KINDS = frozenset(("recommendation", "comparison", "fact"))
"""Kinds of answer that a model writes; that the sources say nothing is not put into other words."""

MOST_EVIDENCE = 24
REPLY_TOKENS = 1200
LEAST_KEPT = 0.5
"""Share of a model's sentences that has to be borne out; below it the extractive answer is the better one."""


@dataclass(slots=True)
class _Turn:
    """One answer in the making: what was asked of the model, and what has been spent."""

    deadline: float
    config: RunnableConfig | None
    on_text: OnText | None
    account: Account
    released: int = 0
    claims: list[Claim] = field(default_factory=list)


class Writer:
    """Writes answers with the configured model. Share one among all threads: it keeps the breaker and the ledger.

    `embed` gives unit vectors (the index's encoder), `entails` replaces the configured inference model, `on_account`
    gets the account of each answer, written or not.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        embed: Embed | None = None,
        entails: Entails | None = None,
        on_account: Callable[[Account], None] = log_account,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        if not settings.model.name:
            raise UsageError("no chat model is configured; set [model] name in whichway.toml")
        check_installed(settings.model.name)
        self._settings = settings
        self._now = now
        self._on_account = on_account
        self._options = settings.decision.options
        self._finder = OptionFinder(self._options)
        if entails is None and settings.model.nli:
            from bot.model.local import load_entailment

            entails = load_entailment(settings.model.nli)
        self._checker = Checker(self._options, embed=embed, entails=entails)
        self._breaker = Breaker(now=now)
        self._ledger = Ledger(settings.home)
        self._small = provider_of(settings.model.name)[0] == LOCAL
        self._bare = False
        self._opened: dict[bool, Any] = {}
        self._room = min(REPLY_TOKENS, settings.model.tokens_per_answer // 3)
        self._lock = threading.Lock()
        self._prompts = ("small",) if self._small else ("answer", "repair")

    def write(
        self,
        answer: Answer,
        evidence: Sequence[Citation] = (),
        *,
        on_text: OnText | None = None,
        config: RunnableConfig | None = None,
    ) -> Answer:
        """The answer in the model's words. ModelFailedError where there is none to show; `answer` itself for the
        kinds that no model writes. `on_text` gets each sentence, checked and with its numbers, as it comes.
        """
        if answer.kind not in WRITTEN_KINDS or not (evidence or answer.citations):
            return answer
        self.open()  # before the clock starts: loading a provider's package is not waiting for its service
        begun = self._now()
        model = self._settings.model
        turn = _Turn(begun + model.timeout_seconds, config, on_text, Account(answer.id, model.name))
        try:
            done = self._written(answer, evidence, turn)
        except ModelFailedError as failure:
            turn.account.failure, turn.account.detail = failure.kind, failure.detail
            raise
        finally:
            turn.account.ms = round((self._now() - begun) * 1000, 1)
            self._on_account(turn.account)
        return done.model_copy(update={"timings_ms": answer.timings_ms | {"model": turn.account.ms}})

    def _written(self, answer: Answer, evidence: Sequence[Citation], turn: _Turn) -> Answer:
        account = turn.account
        found = self._evidence(answer, evidence)
        messages, mark, found = self._messages(answer, found)
        by_label = {each.label: each for each in found}
        checks = SentenceCheck(
            by_label,
            self._checker,
            self._finder,
            asked=answer.standalone_question,
            verdict=answer.verdict.choice,
            criteria=frozenset(criterion.id for criterion in answer.criteria),
            secrets=(mark.strip("= "), SIGN),
        )
        reply = self._reply(messages, turn, checks)
        good, problems = _sorted(checks, reply)
        removed = len(problems)
        if problems and not self._small:
            mended = self._repair(messages, reply, (good, problems), turn, checks)
            good += mended
            removed = max(removed - len(mended), 0)
        unique = _unique(good)
        total = len(unique) + removed
        # Without labels shown there are none to put right.
        account.mended = 0 if self._small else sum(each.mended for each in unique)
        account.kept, account.removed = len(unique) - account.mended, removed
        if not unique or len(unique) < LEAST_KEPT * total:
            raise ModelFailedError("unsupported", f"{removed} of {total} sentences not borne out")
        judged = take_over(answer, reply.proposals, by_label, self._checker, self._finder)
        account.judgements_taken, account.judgements_refused = judged.taken, judged.refused
        notices = [_removed_notice(removed)] if removed else []
        return written(
            answer,
            [each.claim for each in unique],
            judged,
            [each.citation for checked in unique for each in checked.cited],
            options=self._options,
            made_by=answer.made_by.model_copy(
                update={"mode": "model", "model": self._settings.model.name, "prompt": prompt_hash(*self._prompts)}
            ),
            notices=notices,
        )

    def _evidence(self, answer: Answer, evidence: Sequence[Citation]) -> tuple[Labelled, ...]:
        """The answer's citations first, then the further ones under numbers that are free."""
        about = {n: str(claim.option) for claim in answer.claims if claim.option for n in claim.citations}
        for criterion in answer.criteria:
            for option, cell in criterion.cells.items():
                for n in cell.citations:
                    about.setdefault(n, option)
        places = {(c.section_id, c.start, c.end) for c in answer.citations}
        free = max((c.n for c in answer.citations), default=0) + 1
        numbered: list[Citation] = list(answer.citations)
        for citation in evidence:
            if (citation.section_id, citation.start, citation.end) not in places:
                places.add((citation.section_id, citation.start, citation.end))
                numbered.append(citation.model_copy(update={"n": free}))
                free += 1
        return labelled(numbered[:MOST_EVIDENCE], self._checker, about=about)

    def _messages(
        self, answer: Answer, evidence: tuple[Labelled, ...]
    ) -> tuple["list[BaseMessage]", str, tuple[Labelled, ...]]:
        """The prompt, its mark, and the evidence that fits into the budget."""
        budget = self._settings.model.tokens_per_answer - self._room
        first, second = self._options
        needs = "\n".join(
            f"{c.id}: {c.text} ({c.polarity}, weight {c.weight:g}; "
            + ", ".join(f"{option} {cell.finding} {cell.score:g}" for option, cell in sorted(c.cells.items()))
            + ")"
            for c in answer.criteria
        )
        prompt = load_prompt(self._prompts[0])
        if self._small:
            evidence = evidence[:3]
        while True:
            passages = plainly_shown(evidence) if self._small else shown(evidence)
            mark = mark_of(passages, answer.standalone_question)
            messages = prompt.template.format_messages(
                first=first.name,
                second=second.name,
                mark=mark,
                sign=SIGN,
                ids=f"{first.id} is {first.name}, {second.id} is {second.name}",
                question=answer.standalone_question,
                verdict=choice_name(answer.verdict.choice, self._options) or "none: the question asks for no choice",
                needs=needs or "none",
                passages=passages,
            )
            if estimate_tokens(_joined(messages)) <= budget:
                return messages, mark, evidence
            if len(evidence) <= 1:
                raise ModelFailedError("over_budget", "the prompt alone is over tokens_per_answer")
            evidence = evidence[:-1]

    def _reply(self, messages: "list[BaseMessage]", turn: _Turn, checks: SentenceCheck) -> Reply:
        """The model's reply, from the cache where these very messages were answered before."""
        key = self._key(messages)
        kept = self._ledger.reply(key)
        if kept is not None:
            turn.account.cached = True
            reply = read_reply(kept)
            self._release(reply, turn, checks)
            return reply

        seen = 0

        def so_far(text: str) -> None:
            nonlocal seen
            fresh, seen = text[seen:], len(text)
            if any(sign in fresh for sign in "}.!?"):
                self._release(read_reply(text, ended=False), turn, checks)

        said = self._say(messages, turn, so_far if turn.on_text else None)
        reply = read_reply(said.text)
        if reply.refusal:
            raise ModelFailedError("refused", said.text[:200])
        if not reply.whole and said.ended:
            raise ModelFailedError("cut" if reply.sentences else "garbled", said.text[-200:])
        # A small model is shown no labels: each sentence gets the label of the passage that bears it out.
        if not self._small and not any(sentence.labels for sentence in reply.sentences):
            raise ModelFailedError("garbled", said.text[:200])
        self._release(reply, turn, checks)
        self._ledger.keep(key, said.text)
        return reply

    def _key(self, messages: "Sequence[BaseMessage]") -> str:
        model = self._settings.model
        return key_of(
            model.name, address_of(model.name, model), str(model.temperature), str(model.tokens_per_answer),
            _joined(messages),
        )  # fmt: skip

    def _say(self, messages: "list[BaseMessage]", turn: _Turn, on_text: OnText | None) -> Said:
        """One request within the budgets; once more without what the server does not know, if that is what it says."""
        prompt = estimate_tokens(_joined(messages))
        needed, limits = prompt + self._room, self._settings.model
        if turn.account.tokens + needed > limits.tokens_per_answer:
            raise ModelFailedError("over_budget", "tokens_per_answer")
        if not self._ledger.take(needed, limits.tokens_per_day):
            raise ModelFailedError("over_budget", "tokens_per_day")
        spent = (prompt, 0)
        try:
            self._breaker.check()
            bare = self._bare
            try:
                said = self._ask(messages, turn, on_text, bare=bare)
            except ModelFailedError as failure:
                if failure.kind != "rejected" or bare:
                    raise
                log.info("asking again without structured output: %s", failure.detail)
                said = self._ask(messages, turn, on_text, bare=True)
                self._bare = True
            spent = (said.tokens_in, said.tokens_out)
        except ModelFailedError as failure:
            self._breaker.failed(failure.kind)
            spent = (0, 0) if failure.kind in NOTHING_READ else spent
            raise
        finally:
            turn.account.tokens_in += spent[0]
            turn.account.tokens_out += spent[1]
            self._ledger.give_back(needed - sum(spent))
        self._breaker.succeeded()
        return said

    def _ask(self, messages: "list[BaseMessage]", turn: _Turn, on_text: OnText | None, *, bare: bool) -> Said:
        schema = None if bare or self._small else ReplySchema.model_json_schema()
        return ask(
            self.open(bare=bare),
            messages,
            schema=schema,
            deadline=turn.deadline,
            on_text=on_text,
            config=turn.config,
            now=self._now,
        )

    def open(self, *, bare: bool = False) -> Any:
        """The model, opened once. ModelFailedError where the provider does not take its settings."""
        with self._lock:
            if bare not in self._opened:
                name, model = self._settings.model.name, self._settings.model
                try:
                    self._opened[bare] = open_model(name, model, max_tokens=self._room, bare=bare)
                except UsageError:
                    raise
                except Exception as error:  # noqa: BLE001 - a provider refuses its settings in ways of its own
                    raise failure_of(error) from None
            return self._opened[bare]

    def _repair(
        self,
        messages: "list[BaseMessage]",
        reply: Reply,
        so_far: tuple[Sequence[Checked], Sequence[Problem]],
        turn: _Turn,
        checks: SentenceCheck,
    ) -> list[Checked]:
        """The model's second try at the sentences that failed; empty where there is no time, budget or answer."""
        from langchain_core.messages import AIMessage

        good, problems = so_far
        listed = "\n".join(f"- {' '.join(p.sentence.text.split())} ({p.why})" for p in problems[:8])
        again = load_prompt("repair").template.format_messages(problems=listed)
        first = AIMessage("\n".join(f"{s.text} [{', '.join(s.labels)}]" for s in reply.sentences))
        asked = [*messages, first, *again]
        key = self._key(asked)
        text = self._ledger.reply(key)
        if text is None:
            try:
                text = self._say(asked, turn, None).text
            except ModelFailedError as failure:
                log.info("no second try", extra={"kind": failure.kind})
                return []
            self._ledger.keep(key, text)
        mended = _unique(_sorted(checks, read_reply(text))[0])
        fresh = [m for m in mended if not any(same_sentence(m.claim.text, g.claim.text) for g in good)]
        for each in fresh[: len(problems)]:
            if turn.on_text is not None:
                turn.on_text(marked(each.claim) + " ")
        return [replace(each, mended=True) for each in fresh[: len(problems)]]

    def _release(self, reply: Reply, turn: _Turn, checks: SentenceCheck) -> None:
        """Hands on the sentences that are new, if they are borne out. Nothing unchecked is ever streamed."""
        if turn.on_text is None:
            return
        for sentence in reply.sentences[turn.released :]:
            checked = checks.check(sentence)
            if isinstance(checked, Checked) and not any(same_sentence(c.text, checked.claim.text) for c in turn.claims):
                turn.claims.append(checked.claim)
                turn.on_text(marked(checked.claim) + " ")
        turn.released = max(turn.released, len(reply.sentences))


def _sorted(checks: SentenceCheck, reply: Reply) -> tuple[list[Checked], list[Problem]]:
    good: list[Checked] = []
    problems: list[Problem] = []
    for sentence in reply.sentences:
        checked = checks.check(sentence)
        if isinstance(checked, Checked):
            good.append(checked)
        else:
            problems.append(checked)
    return good, problems


def _unique(found: Sequence[Checked]) -> list[Checked]:
    kept: list[Checked] = []
    for each in found:
        if not any(same_sentence(each.claim.text, other.claim.text) for other in kept):
            kept.append(each)
    return kept


def _removed_notice(removed: int) -> str:
    what = "One sentence of the chat model was" if removed == 1 else f"{removed} sentences of the chat model were"
    return f"{what} removed: the cited passages do not bear {'it' if removed == 1 else 'them'} out."


def _joined(messages: "Sequence[BaseMessage]") -> str:
    return "\0".join(str(message.content) for message in messages)
