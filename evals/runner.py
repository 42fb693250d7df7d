"""Runs a golden set against a system: asks, scores, and records all that repeats the run."""

import datetime as dt
import hashlib
import importlib.metadata
import logging
import platform
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.answer import Question
from evals.asking import WORKERS, Answerer, Asked, Asker, Progress, same_bytes
from evals.cache import ResultCache, key_of
from evals.figures import figures_of, passes_by_choice
from evals.golden import Case, GoldenSet, Split
from evals.metrics import NONE
from evals.results import CaseResult, Run
from evals.retrieval import RankedLeg, score_ranking
from evals.scorers import Rules, Score, score_answer, unjudged
from evals.stats import SEED
from evals.variants import swapped
from kb.errors import UsageError
from kb.options import OptionFinder

log = logging.getLogger(__name__)

REPEAT_EVERY = 10
"""Every so many cases are asked a second time, past the cache, to see whether the answer is the same."""
PACKAGES = ("chromadb", "langchain-core", "numpy", "onnxruntime", "sentence-transformers", "bm25s", "tokenizers")

BaselineScores = Callable[[Sequence[Case]], Mapping[str, Sequence[Mapping[str, float]]]]


@dataclass(frozen=True, slots=True)
class System:
    """What is evaluated. `identity` is all that its answers depend on besides the question.

    `legs` rank section ids for a question. `baselines` gives other systems' scores, a mapping a case.
    `elsewhere` makes the same answerer in another process, if that can be (it is pickled). `made_by` is recorded with
    the run.
    """

    make_answerer: Callable[[], Answerer]
    identity: str
    rules: Rules
    finder: OptionFinder
    legs: Mapping[str, RankedLeg] = field(default_factory=dict)
    baselines: BaselineScores | None = None
    elsewhere: Callable[[], Answerer] | None = None
    made_by: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run: which split, how many at a time, and what to leave out."""

    split: Split = "dev"
    live: bool = False
    workers: int = WORKERS
    limit: int | None = None
    swaps: bool = True
    repeats: bool = True


def run_golden(
    golden: GoldenSet,
    system: System,
    options: RunOptions,
    *,
    cache: ResultCache | None,
    progress: Progress | None = None,
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> Run:
    """The run of one split. UsageError where the split is empty or a gold label no longer holds.

    With `options.live` a missing gold section leaves its measures unscored instead: another knowledge base is no
    fault of the set.
    """
    cases = golden.of_split(options.split)[: options.limit]
    if not cases:
        raise UsageError(f"the set {golden.set!r} has no {options.split} questions")
    if not options.live:
        check_gold(golden, cases, system)
    started, clock = now(), time.perf_counter()
    asker = Asker(
        system.make_answerer,
        identity=system.identity,
        cache=cache,
        workers=options.workers,
        elsewhere=system.elsewhere,
        progress=progress,
    )
    with asker:
        asked = asker.ask_all([_question(case) for case in cases], label="questions")
        swaps = _ask_swaps(cases, asker, system) if options.swaps else {}
        repeats = _ask_again(cases, asked, asker) if options.repeats else {}
    retrieval = _rank(cases, system, cache, progress)
    baselines = system.baselines(cases) if system.baselines else {}
    results = []
    for number, (case, found) in enumerate(zip(cases, asked, strict=True)):
        result = result_of(case, found, system.rules)
        update = {
            "retrieval": retrieval[number],
            "baselines": {name: dict(rows[number]) for name, rows in baselines.items() if rows[number]},
            "swaps": swaps.get(case.id, ()),
            "repeatable": repeats.get(case.id),
        }
        results.append(result.model_copy(update=update))
    figures = figures_of(results)
    stamp = started.strftime("%Y%m%d-%H%M%S")
    body = key_of(system.identity, golden.model_dump(mode="json"), options.split, stamp)[:6]
    return Run(
        id=f"{stamp}-{golden.set}-{options.split}-{body}",
        set=golden.set,
        split=options.split,
        live=options.live,
        started=started.isoformat(timespec="seconds"),
        seconds=round(time.perf_counter() - clock, 2),
        made_by=environment() | {"golden": golden_hash(golden), "limit": options.limit} | dict(system.made_by),
        counts={state: sum(r.state == state for r in results) for state in ("scored", "unscored", "errored")},
        figures=figures,
        confusion=passes_by_choice(results),
        cases=tuple(hidden(result) for result in results) if options.split == "test" else tuple(results),
    )


def check_gold(golden: GoldenSet, cases: Sequence[Case], system: System) -> None:
    """UsageError for the first gold section or quote that the knowledge base no longer holds."""
    problems = system.rules.sections.problems(cases)
    if problems:
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise UsageError(
            f"golden set {golden.set!r}, {first.case!r}: {first.problem} in its knowledge base{more}; "
            f"correct evals/data/{golden.set}.yaml, or list all with: whichway eval run --set {golden.set} --check"
        )


def result_of(case: Case, asked: Asked, rules: Rules) -> CaseResult:
    """One case, scored, unscored with a reason, or errored."""
    base = CaseResult(
        case=case.id,
        family=case.family,
        kind=case.kind,
        near=case.near,
        state="errored",
        reason=asked.error or "",
        expected=case.choice or NONE,
        accepted=case.right_choices,
        should_refuse=case.unanswerable,
        paraphrase_of=case.paraphrase_of,
        ms=asked.ms,
        golden=case,
    )
    answer = asked.answer
    if answer is None:
        return base
    scores = score_answer(case, answer, rules)
    taken = {name: round(score.value, 6) for name, score in scores.items() if score.value is not None}
    scored = scores["crag"].value is not None
    return base.model_copy(
        update={
            "state": "scored" if scored else "unscored",
            "reason": "" if scored else scores["crag"].reason,
            "scores": taken,
            "unscored": _reasons(scores),
            "given": answer.verdict.choice or NONE,
            "confidence": answer.verdict.confidence if answer.verdict.choice else None,
            "refused": answer.not_covered.reason if answer.not_covered else None,
            "holes": tuple(rules.sections.name(i) for i in unjudged(case, answer, rules)) if case.gold else (),
            "answer": answer,
        }
    )


def hidden(result: CaseResult) -> CaseResult:
    """A result of the test split without anything to tune on: hashed names, no answer, no holes."""
    secret = {name: hashlib.sha256(getattr(result, name).encode()).hexdigest()[:12] for name in ("case", "family")}
    return result.model_copy(
        update=secret | {"golden": None, "answer": None, "holes": (), "reason": "", "paraphrase_of": None}
    )


def golden_hash(golden: GoldenSet) -> str:
    """A hash of a set's content."""
    return key_of(golden.model_dump(mode="json"))[:16]


def environment() -> dict[str, Any]:
    """What a run depends on outside the project: versions, machine, seed; and the commit, if in a checkout."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "missing"
    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "packages": versions,
        "seed": SEED,
        "commit": commit(),
    }


def commit(folder: Path = Path(__file__).parent) -> str | None:
    """The commit of the checkout, `+` added where it has changes; None outside one."""
    try:
        head = _git(folder, "rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _question(case: Case, text: str | None = None) -> Question:
    return Question(text=text or case.question, history=case.history)


def _ask_swaps(cases: Sequence[Case], asker: Asker, system: System) -> dict[str, tuple[tuple[str, str], ...]]:
    chosen = [case for case in cases if case.kind in ("recommendation", "mixed")]
    texts = [swapped(case.question, system.finder) for case in chosen]
    questions = [_question(case, text) for case, pair in zip(chosen, texts, strict=True) for text in pair]
    asked = iter(asker.ask_all(questions, label="swaps"))
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for case, first, second in zip(chosen, asked, asked, strict=False):
        found[case.id] = ((_choice(first, "error"), _choice(second, "another error")),)
    return found


def _choice(asked: Asked, error: str) -> str:
    return error if asked.answer is None else asked.answer.verdict.choice or NONE


def _ask_again(cases: Sequence[Case], asked: Sequence[Asked], asker: Asker) -> dict[str, bool]:
    chosen = [(case, found) for case, found in zip(cases, asked, strict=True) if found.answer][::REPEAT_EVERY]
    again = asker.ask_all([_question(case) for case, _ in chosen], label="repeats", variant="again")
    return {
        case.id: second.answer is not None and first.answer is not None and same_bytes(first.answer, second.answer)
        for (case, first), second in zip(chosen, again, strict=True)
    }


def _rank(
    cases: Sequence[Case], system: System, cache: ResultCache | None, progress: Progress | None
) -> list[dict[str, dict[str, float]]]:
    """Scores a leg for the questions that stand alone; a follow-up is no query by itself."""
    found: list[dict[str, dict[str, float]]] = [{} for _ in cases]
    for name, leg in system.legs.items():
        for number, case in enumerate(cases):
            if case.history or not case.gold:
                continue
            key = key_of("leg", name, leg.identity, case.question)
            ranked = cache.get(key) if cache else None
            if ranked is None:
                ranked = list(leg.rank(case.question))
                if cache:
                    cache.put(key, ranked)
            scores = score_ranking(ranked, case, system.rules.sections)
            if scores:
                found[number][name] = scores
            if progress:
                progress(f"leg {name}", number + 1, len(cases))
    return found


def _reasons(scores: Mapping[str, Score]) -> dict[str, str]:
    return {name: score.reason for name, score in scores.items() if score.value is None}
