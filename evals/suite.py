"""What the commands do: a set against its knowledge base, a set without its gold, candidates, holes."""

import datetime as dt
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from evals.asking import Progress
from evals.bases import derive, prepare
from evals.beir import BeirReport, legs_of, load_beir, measure, open_collection
from evals.cache import ResultCache
from evals.gold_sections import GoldProblem, SectionMap
from evals.golden import BaseName, GoldenSet, Split
from evals.judgements import Judgements, asked
from evals.results import Run
from evals.runner import RunOptions, commit, run_golden
from evals.runs import load_run, save_run
from evals.sabotage import SABOTAGES, Sabotage
from evals.scorers import Rules, unjudged
from evals.system import Product, system_of
from kb.errors import UsageError
from kb.records import Corpus, Option
from kb.settings import Settings

TEST_LOOKS = Path(__file__).parent / "data" / "test_looks.jsonl"


def run_set(
    golden: GoldenSet,
    settings: Settings,
    *,
    split: Split = "dev",
    live: bool = False,
    baselines: bool = True,
    cached: bool = True,
    limit: int | None = None,
    variants: bool = True,
    progress: Progress | None = None,
    looks: Path = TEST_LOOKS,
    broken: str | None = None,
) -> Run:
    """Run a set, record the run in the home, and, for the test split, the look at it.

    `variants` also asks with the options swapped, and some questions twice. `broken` names a sabotage: the run of a
    bot that is broken on purpose.
    """
    sabotage = _sabotage(broken)
    ours = settings if live else prepare(golden.knowledge_base, settings, progress)
    sections = None
    if sabotage is not None and sabotage.corpus is not None:
        ours, sections = _with_changed_corpus(ours, f"broken-{broken}", sabotage.corpus)
    home = settings.home / "evals"
    name = f"broken: {broken}" if broken else "whichway"
    with Product(ours, name=name, sabotage=sabotage) as product, ResultCache(home / "cache.sqlite3") as cache:
        kept = cache if cached else None
        system = system_of(
            product, golden, cache=kept, baselines=baselines, folder=home / "baselines", sections=sections
        )
        run = run_golden(golden, system, RunOptions(split=split, live=live, limit=limit), cache=kept, progress=progress)
    save_run(run, settings.home)
    if split == "test":
        note_look(run, looks)
    return run


def _sabotage(name: str | None) -> Sabotage | None:
    if name is None:
        return None
    if name not in SABOTAGES:
        raise UsageError(f"nothing {name!r} to break; known: {', '.join(SABOTAGES)}")
    return SABOTAGES[name]


def _with_changed_corpus(
    settings: Settings, name: str, change: Callable[[Corpus, Sequence[Option]], Corpus]
) -> tuple[Settings, SectionMap]:
    """Settings of an index of the changed corpus, and the sections as they were."""
    from kb.index import open_index

    with open_index(settings) as index:
        changed = derive(index, settings, name, lambda corpus: change(corpus, settings.decision.options))
        return changed, SectionMap(index.corpus)


def note_look(run: Run, path: Path = TEST_LOOKS) -> None:
    """Append to the list of looks at a test split: date, commit, set and how many questions."""
    look = {"date": run.started[:10], "commit": commit(), "set": run.set, "n": len(run.cases), "run": run.id}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(look) + "\n")


def broken_labels(golden: GoldenSet, settings: Settings, *, progress: Progress | None = None) -> list[GoldProblem]:
    """Every gold section or quote of a set that its knowledge base no longer holds."""
    from kb.index import open_index

    with open_index(prepare(golden.knowledge_base, settings, progress)) as index:
        return SectionMap(index.corpus).problems(golden.questions)


def run_beir(folder: Path, settings: Settings, *, progress: Progress | None = None) -> BeirReport:
    """Measure the legs on a collection in the BEIR layout."""
    collection = load_beir(folder)
    with open_collection(collection, settings, progress) as index:
        return measure(collection, legs_of(index), progress)


def run_left_out(
    golden: GoldenSet,
    settings: Settings,
    *,
    split: Split = "dev",
    limit: int | None = None,
    progress: Progress | None = None,
) -> Run:
    """Ask each question of an index without its gold sections, where it should be refused."""
    from evals.left_out import left_out_run

    run = left_out_run(golden, settings, split=split, limit=limit, progress=progress)
    save_run(run, settings.home)
    if split == "test":
        note_look(run)
    return run


def candidates_from_feedback(
    settings: Settings, *, answer_id: str | None, author: str, date: dt.date
) -> tuple[int, Path]:
    """Add candidates of one answer, or of all that somebody judged wrong; how many are new, and their file."""
    from bot.store import AnswerStore
    from evals.candidates import add_candidates, candidate, candidates_file
    from kb.index import open_index

    store = AnswerStore(settings.home)
    try:
        stored = [store.stored(answer_id)] if answer_id else list(store.recent(limit=10_000, opinion="down"))
    finally:
        store.close()
    if answer_id and stored == [None]:
        raise UsageError(f"no answer {answer_id!r} is kept here; leave the id out to take all that were judged wrong")
    with open_index(settings) as index:
        sections = SectionMap(index.corpus)
    found = [
        candidate(
            each.answer,
            comment="; ".join(f.comment for f in each.feedback if f.comment),
            author=author,
            date=date,
            name_section=sections.reference,
        )
        for each in stored
        if each is not None
    ]
    path = candidates_file(settings.home)
    return add_candidates(found, path), path


def list_holes(run_name: str, settings: Settings) -> Iterator[dict[str, Any]]:
    """What a dev run cited and nobody judged: a line a section, with its words, its grade left to fill in."""
    from kb.index import open_index

    run = load_run(run_name, settings.home)
    base: BaseName = "guide" if run.set == "guide" else "article" if run.set == "article" else "corpus"
    ours = settings if run.live else prepare(base, settings)
    judged = Judgements.load()
    with open_index(ours) as index:
        sections = SectionMap(index.corpus)
        seen: set[tuple[str, str]] = set()
        for result in run.cases:
            if result.golden is None or result.answer is None:
                continue
            for section in unjudged(result.golden, result.answer, Rules(sections, judged)):
                key = (asked(result.golden), sections.name(section))
                if key in seen:
                    continue
                seen.add(key)
                yield {
                    "question": key[0],
                    "section": key[1],
                    "digest": sections.digest(section),
                    "grade": None,
                    "judge": "",
                    "date": run.started[:10],
                    "_asked": result.golden.question,
                    "_text": sections.text(section),
                }
