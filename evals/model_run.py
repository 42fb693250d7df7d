"""Golden questions asked with and without a chat model: are its citations valid, what is kept, where verdicts differ.

    python -m evals.model_run [--model smollm] [--limit 60] [--out FILE]

Each question's outcome is a line of FILE as soon as it is there; a run that was stopped goes on behind the last one.
Made for the small model in this process, which needs seconds an answer; any other configured model works too.
"""

import argparse
import hashlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from langchain_core.runnables import Runnable
from pydantic import BaseModel, ConfigDict

from bot.answer import Answer, Citation, Question
from bot.chat_model import Draft, Writer, model_step
from bot.model.account import Account
from bot.model.writer import WRITTEN_KINDS
from bot.verdict import decide
from bot.verification import Checker, Passage
from evals.bases import prepare
from evals.cache import code_version, key_of
from evals.golden import Case, load_golden
from kb.index import Index, open_index
from kb.settings import Settings, load_settings

SECONDS = 120.0
"""A small model on a busy machine is slow; how long an answer takes is not what is measured."""

_SKIPPED = ("unanswerable", "smalltalk")


class Outcome(BaseModel):
    """One question: what the model's sentences came to, and faults, of which there should be none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    identity: str
    kind: str
    written: bool
    failure: str | None = None
    kept: int = 0
    mended: int = 0
    removed: int = 0
    citations: int = 0
    invalid: tuple[str, ...] = ()
    extractive_choice: str | None = None
    choice: str | None = None
    better_supported: bool | None = None
    tokens: int = 0
    seconds: float = 0.0


def golden_cases(limit: int) -> list[Case]:
    """The dev questions of the guide that have an answer, in an order that mixes kinds and is always the same."""
    golden = load_golden(Path(__file__).parent / "data" / "guide.yaml")
    cases = [case for case in golden.of_split("dev") if case.kind not in _SKIPPED and case.unanswerable is None]
    return sorted(cases, key=lambda case: hashlib.sha256(case.id.encode()).hexdigest())[:limit]


def run_model(
    settings: Settings, cases: Sequence[Case], out: Path, *, each: Callable[[Outcome], None] = lambda outcome: None
) -> list[Outcome]:
    """The outcome of each case, in order; those that `out` holds of the same code, model and index are not asked."""
    from bot.factory import extractive_chain

    model = settings.model
    plain = settings.model_copy(update={"model": type(model)()})
    with open_index(prepare("guide", plain)) as index:
        identity = key_of(index.snapshot_id, model.model_dump(mode="json"), code_version("bot", "kb"))
        known = {outcome.id: outcome for outcome in _kept(out) if outcome.identity == identity}
        # A home of its own: a reply kept from an earlier run is no new measurement.
        home = out.parent / f"{out.stem}-{identity[:8]}"
        ours = settings.model_copy(update={"home": home})
        accounts: list[Account] = []
        writer = Writer(ours, embed=index.embedder.embed_queries, on_account=accounts.append)
        drafting = extractive_chain(plain, index).drafting()
        written = model_step(ours, writer=writer)
        found = []
        for case in cases:
            if case.id not in known:
                accounts.clear()
                outcome = _outcome(case, identity, drafting, written, accounts, index)
                with out.open("a", encoding="utf-8") as file:
                    file.write(outcome.model_dump_json() + "\n")
                known[case.id] = outcome
            each(known[case.id])
            found.append(known[case.id])
    return found


def _kept(out: Path) -> Iterator[Outcome]:
    out.parent.mkdir(parents=True, exist_ok=True)
    lines = out.read_text(encoding="utf-8").splitlines() if out.exists() else []
    for line in lines:
        try:
            yield Outcome.model_validate_json(line)
        except ValueError:
            continue  # a line that was cut when the run was stopped


def _outcome(
    case: Case,
    identity: str,
    drafting: Runnable[Question, tuple[Answer, tuple[Citation, ...]]],
    written: Runnable[Draft, Answer],
    accounts: list[Account],
    index: Index,
) -> Outcome:
    before, evidence = drafting.invoke(Question(text=case.question, history=case.history, request_id=case.id))
    done = written.invoke(Draft(before, evidence)) if before.kind in WRITTEN_KINDS else before
    account = accounts[-1] if accounts else Account(before.id, "")
    moved = done.verdict.choice != before.verdict.choice
    return Outcome(
        id=case.id,
        identity=identity,
        kind=before.kind,
        written=done.made_by.mode == "model",
        failure=account.failure,
        kept=account.kept,
        mended=account.mended,
        removed=account.removed,
        citations=sum(len(claim.citations) for claim in done.claims),
        invalid=tuple(_faults(done, index)),
        extractive_choice=before.verdict.choice,
        choice=done.verdict.choice,
        better_supported=_passages_for(done) > _passages_for(before) if moved else None,
        tokens=account.tokens,
        seconds=round(account.ms / 1000, 1),
    )


def _faults(answer: Answer, index: Index) -> Iterator[str]:
    """What is not as an answer promises: a marker without a citation, a quote not in its section, a claim not in it."""
    checker = Checker(index.options)
    citations = {citation.n: citation for citation in answer.citations}
    for citation in answer.citations:
        text = index.section_text(citation.section_id)
        if text[citation.start : citation.end] != citation.quote:
            yield f"[{citation.n}] is not in its section"
    for claim in answer.claims:
        if not claim.citations or not set(claim.citations) <= set(citations):
            yield f"no citation: {claim.text}"
            continue
        if answer.made_by.mode == "model":
            cited = [citations[n] for n in claim.citations]
            passages = [Passage(c.quote, "", checker.about(c.quote, " > ".join((c.title, *c.section)))) for c in cited]
            support = checker.check(claim.text, passages, option=claim.option, asked=answer.standalone_question)
            if not support.enough:
                yield f"not borne out: {claim.text}"
    if answer.kind == "recommendation" and decide(answer.criteria) != answer.verdict:
        yield "the verdict does not follow from the criteria"


def _passages_for(answer: Answer) -> int:
    choice = answer.verdict.choice
    cells = [c.cells[choice] for c in answer.criteria if choice in c.cells]
    return len({n for cell in cells if cell.finding == "supported" for n in cell.citations})


def summary(outcomes: Sequence[Outcome]) -> list[str]:
    """The figures, a line each."""
    asked = [outcome for outcome in outcomes if outcome.kind in WRITTEN_KINDS]
    said = sum(o.kept + o.mended + o.removed for o in asked)
    invalid = [fault for o in outcomes for fault in o.invalid]
    cited, own = sum(o.citations for o in outcomes), sum(o.citations for o in outcomes if o.written)
    failures = Counter(o.failure for o in asked if o.failure)
    extractive = len(asked) - sum(o.written for o in asked)
    moved = [o for o in asked if o.choice != o.extractive_choice]
    seconds = sorted(o.seconds for o in asked)
    shares = ", ".join(
        f"{name} {count} ({count / said:.0%})" if said else f"{name} 0"
        for name, count in (
            ("kept", sum(o.kept for o in asked)),
            ("repaired", sum(o.mended for o in asked)),
            ("removed", sum(o.removed for o in asked)),
        )
    )
    return [
        f"questions {len(outcomes)}, of which the model was asked {len(asked)}",
        f"citations {cited}, {own} of them in answers of the model, faults {len(invalid)}"
        + "".join(f"\n  {fault}" for fault in invalid),
        f"sentences {said}: {shares}",
        f"answers of the model {len(asked) - extractive}, extractive instead {extractive}"
        + (f" ({', '.join(f'{kind} {count}' for kind, count in sorted(failures.items()))})" if failures else ""),
        f"verdicts that differ {len(moved)}, of which better supported {sum(bool(o.better_supported) for o in moved)}",
        f"tokens {sum(o.tokens for o in asked)}, seconds {sum(seconds):.0f}"
        + (f", an answer in the middle {seconds[len(seconds) // 2]:.1f}, at most {seconds[-1]:.1f}" if seconds else ""),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit 1 where a citation or a verdict is at fault."""
    parser = argparse.ArgumentParser(prog="python -m evals.model_run", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--model", default="smollm", help="as [model] name")
    parser.add_argument("--limit", type=int, default=60, help="how many questions (60)")
    parser.add_argument("--home", type=Path, help="as whichway --home")
    parser.add_argument("--out", type=Path, help="the file of outcomes (<home>/evals/model-<name>.jsonl)")
    given = parser.parse_args(arguments)
    settings = with_model(load_settings(home=given.home), given.model)
    name = given.model.replace(":", "-").replace("/", "-")
    out: Path = given.out or settings.home / "evals" / f"model-{name}.jsonl"
    done = 0

    def each(outcome: Outcome) -> None:
        nonlocal done
        done += 1
        came = outcome.failure or ("written" if outcome.written else "not asked")
        _say(f"{done}/{given.limit} {outcome.id}: {came}, {outcome.seconds:.1f} s")

    outcomes = run_model(settings, golden_cases(given.limit), out, each=each)
    _say("\n".join(summary(outcomes)))
    return 1 if faulty(outcomes) else 0


def with_model(settings: Settings, name: str) -> Settings:
    """The settings with this model, time enough for a slow one, and no limit a day."""
    changes: dict[str, Any] = {"name": name, "timeout_seconds": SECONDS, "tokens_per_day": 10**9}
    return settings.model_copy(update={"model": settings.model.model_copy(update=changes)})


def faulty(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those with a fault, or with another verdict than the extractive one that is not better supported."""
    return [o for o in outcomes if o.invalid or o.better_supported is False]


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
