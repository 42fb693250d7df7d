"""Unanswerable questions without end: each golden question asked of an index that lacks its gold sections.

What other sections say of a subject is not taken away. Where judges read what remains (`evals/remaining.py`), a
question that it still answers has to be answered, one that it answers in part counts neither way, and the rest has to
be refused; where nobody did, each has to be refused, and the figure is a floor.
"""

import datetime as dt
import functools
import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace

from bot.answer import Question
from evals.asking import Asker, Progress
from evals.bases import derive, prepare
from evals.cache import ResultCache, key_of
from evals.figures import figures_of
from evals.gold_sections import SectionMap
from evals.golden import Case, GoldenSet, Split
from evals.remaining import Answered, Remaining
from evals.results import CaseResult, Run
from evals.runner import environment, golden_hash, hidden, result_of
from evals.system import Product, system_of
from kb.errors import UsageError
from kb.records import Corpus
from kb.settings import Settings


def without(corpus: Corpus, sections: Collection[str]) -> Corpus:
    """The corpus without these sections, their chunks and their statements; documents stay."""
    gone = frozenset(sections)
    return replace(
        corpus,
        sections=tuple(section for section in corpus.sections if section.id not in gone),
        chunks=tuple(chunk for chunk in corpus.chunks if chunk.section_id not in gone),
        statements=tuple(statement for statement in corpus.statements if statement.section_id not in gone),
    )


def made_unanswerable(case: Case) -> Case:
    """The case as it is once its ground is gone: the right answer is to refuse."""
    return _named(case).model_copy(
        update={
            "kind": "conversation" if case.history else "unanswerable",
            "choice": None,
            "accept": (),
            "applies_to": None,
            "criteria": None,
            "gold": (),
            "facts_required": (),
            "facts_forbidden": (),
            "unanswerable": "no_evidence",
            "near": True,
            "paraphrase_of": None,
        }
    )


def _named(case: Case) -> Case:
    return case.model_copy(update={"id": f"{case.id}-left-out"})


def once_left_out(case: Case, answered: Answered | None) -> Case | None:
    """The case that is asked of the rest, as judges found what remains; None where it counts neither way."""
    if answered == "partly":
        return None
    return _named(case) if answered == "yes" else made_unanswerable(case)


def left_out_run(
    golden: GoldenSet, settings: Settings, *, split: Split, limit: int | None, progress: Progress | None
) -> Run:
    """The run over all questions of a split that have gold sections. One small index for each set of sections."""
    started, clock = dt.datetime.now(dt.UTC), time.perf_counter()
    base = prepare(golden.knowledge_base, settings, progress)
    results: list[CaseResult] = []
    made_by: dict[str, object] = {}
    remaining = Remaining.load()
    with Product(base) as whole, ResultCache(settings.home / "evals" / "cache.sqlite3") as cache:
        sections = SectionMap(whole.index.corpus)
        groups: dict[frozenset[str], list[Case]] = defaultdict(list)
        for case in [case for case in golden.of_split(split) if case.gold][:limit]:
            groups[frozenset().union(*(sections.resolve(gold.section) for gold in case.gold))].append(case)
        groups.pop(frozenset(), None)
        if not groups:
            raise UsageError(f"the set {golden.set!r} has no {split} questions with gold sections")
        for number, (gone, cases) in enumerate(groups.items()):
            if progress:
                progress("left out", number, len(groups))
            name = f"left-out-{key_of(sorted(gone))[:8]}"
            ours = derive(whole.index, base, name, functools.partial(without, sections=gone))
            bare = [once_left_out(case, remaining.answered(case.id, gone, sections)) for case in cases]
            with Product(ours, name="left-out") as product:
                results += _ask(product, golden, [case for case in bare if case is not None], cache)
                made_by = product.made_by
    stamp = started.strftime("%Y%m%d-%H%M%S")
    return Run(
        id=f"{stamp}-{golden.set}-left-out-{split}-{key_of(stamp, made_by['code'])[:6]}",
        set=f"{golden.set}-left-out",
        split=split,
        started=started.isoformat(timespec="seconds"),
        seconds=round(time.perf_counter() - clock, 2),
        made_by=environment() | {"golden": golden_hash(golden), "limit": limit} | made_by,
        counts={state: sum(r.state == state for r in results) for state in ("scored", "unscored", "errored")},
        figures=figures_of(results),
        cases=tuple(hidden(result) for result in results) if split == "test" else tuple(results),
    )


def _ask(product: Product, golden: GoldenSet, cases: Sequence[Case], cache: ResultCache) -> list[CaseResult]:
    system = system_of(product, golden, cache=cache, baselines=False)
    asker = Asker(product.answerer, identity=product.identity, cache=cache)
    asked = asker.ask_all([Question(text=case.question, history=case.history) for case in cases])
    return [result_of(case, found, system.rules) for case, found in zip(cases, asked, strict=True)]
