"""Fits what weighs the reader's readings: the verdict's weights and those of refusals.

To questions that the reader has not seen: the stories of the authors who are left out of its training, and the dev
questions. Refusals learn besides from the posts, and from what sections that are left out make unanswerable: the gold
sections of the article's dev questions, and of the guide all those of a story's topics.
"""

import contextlib
import dataclasses
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from bot.answer import Question, Turn
from bot.chain import Draft, ExtractiveChain
from bot.coverage import group_of
from bot.factory import extractive_chain
from bot.verdict import documented, features, log_odds, softmax
from evals.assessments import load_assessments
from evals.bases import derive, find_test_data, prepare
from evals.cache import key_of
from evals.gold_sections import SectionMap
from evals.golden import BaseName, Case, load_golden
from evals.left_out import without
from evals.reader_training import Report
from evals.real import load_posts
from evals.remaining import Remaining
from evals.signed_fit import Features, fit
from evals.stories import example_of, load_stories
from evals.training import ASSESSED_EXAM, EXAM
from kb.index import Index, open_index
from kb.settings import Settings

_FOR = frozenset({"both_low", "both_weak", "both_together", "both_balance", "neither_rejected"})
_AGAINST = frozenset({"either_high", "either_share", "either_strong", "neither_strong"})
_LOWERS = frozenset({"figure", "one_sided"})
_PASSED_OVER = frozenset({"smalltalk", "instruction"})

FOLDS = 5

ONE_IN = 3
"""Of so many sets of topics one is left out of the guide: each is an index of its own."""

Example = tuple[Features, Mapping[str, float]]


def fit_verdict_weights(settings: Settings, *, report: Report) -> Path:
    """Fit the verdict's weights and write them; the file."""
    examples: list[Example] = []

    def add(chain: ExtractiveChain, question: Question, right: Mapping[str, float]) -> None:
        answer = chain.runnable().invoke(question)
        counting = documented(answer.criteria)
        if answer.kind == "recommendation" and counting:
            examples.append((features(counting), right))

    for base in ("guide", "article"):
        for chain, cases in _over(settings, base):
            for case in cases:
                if case.choice is not None:
                    add(chain, _question(case), _shares(case))
            if base == "guide":
                for author in EXAM:
                    for story in load_stories()[author]:
                        right = example_of(story, chain.finder).choices
                        if right is not None:
                            add(chain, _told(story), right)
    report(f"fitted to {len(examples)} questions")
    confidence = fit(_judged(examples), lambda name: 1 if name == "log_odds" else 0)
    return _written("verdict", {"CONFIDENCE": confidence, "WITH_WHOLE": fit(examples, _verdict_sign)})


def fit_refusals(settings: Settings, *, report: Report) -> Path:
    """Fit the weights of what speaks for an answer in the sources, and write them; the file."""
    examples: dict[str, list[Example]] = defaultdict(list)

    def add(draft: Draft, *, answerable: bool) -> None:
        if draft.seen is not None and draft.refused != "instruction":
            values = dataclasses.asdict(draft.seen) | {"bias": 1.0}
            right = {"covered": 1.0} if answerable else {"refused": 1.0}
            examples[group_of(draft.asked)].append(({"covered": values, "refused": {}}, right))

    for base in ("guide", "article"):
        for chain, cases in _over(settings, base):
            for case in cases:
                if case.kind not in _PASSED_OVER and case.unanswerable not in _PASSED_OVER:
                    add(chain.judged(_question(case)), answerable=case.unanswerable is None)
            if base == "guide":
                for author in EXAM:
                    for story in load_stories()[author]:
                        if story["kind"] != "smalltalk" and story.get("unanswerable") != "instruction":
                            add(chain.judged(_told(story)), answerable=story["kind"] != "unanswerable")
                for bare, story in _without_topics(settings, chain.index):
                    add(bare.judged(_told(story)), answerable=False)
            else:
                for bare, case, answered in _left_out(settings, chain.index, cases):
                    add(bare.judged(_question(case)), answerable=answered)
    judged = [each for each in load_assessments(settings) if each.author in ASSESSED_EXAM]
    for assessed_base in ("guide", "corpus"):
        ours = prepare(assessed_base, settings)
        with open_index(ours) as index:
            chain = extractive_chain(ours, index)
            for each in judged:
                if each.base == assessed_base:
                    add(chain.judged(Question(text=each.text)), answerable=each.answered)
            if assessed_base == "corpus":
                for case in load_posts(find_test_data()).questions:
                    add(chain.judged(_question(case)), answerable=case.unanswerable is None)
    report(f"fitted to {sum(map(len, examples.values()))} questions")
    return _written("coverage", {"COEFFICIENTS": {g: fit(examples[g], _refusal_sign) for g in sorted(examples)}})


def _over(settings: Settings, base: str) -> Iterator[tuple[ExtractiveChain, tuple[Case, ...]]]:
    golden = load_golden(Path(str(files("evals") / "data" / f"{base}.yaml")))
    ours = prepare(golden.knowledge_base, settings)
    with open_index(ours) as index:
        yield extractive_chain(ours, index), golden.of_split("dev")


def _left_out(
    settings: Settings, index: Index, cases: tuple[Case, ...]
) -> Iterator[tuple[ExtractiveChain, Case, bool]]:
    """Each case over an index without its gold sections, and whether the rest still answers it."""
    sections, remaining = SectionMap(index.corpus), Remaining.load()
    groups: dict[frozenset[str], list[Case]] = defaultdict(list)
    for case in cases:
        if case.gold:
            groups[frozenset().union(*(sections.resolve(gold.section) for gold in case.gold))].append(case)
    for gone, lacking in groups.items():
        judged = {case.id: remaining.answered(case.id, gone, sections) for case in lacking}
        with _bare(settings, "article", index, gone) as chain:
            for case in lacking:
                if judged[case.id] != "partly":
                    yield chain, case, judged[case.id] == "yes"


def _without_topics(settings: Settings, index: Index) -> Iterator[tuple[ExtractiveChain, dict[str, Any]]]:
    """Stories that ask for advice, each over a guide without the sections of every topic that it touches."""
    groups: dict[frozenset[str], list[dict[str, Any]]] = defaultdict(list)
    for author in EXAM:
        for story in load_stories()[author]:
            if story["kind"] in ("recommendation", "comparison") and story.get("needs"):
                touched = {topic for need in story["needs"] for topic in (need["topic"], *need.get("also", ()))}
                groups[frozenset(touched)].append(story)
    for topics in sorted(groups, key=sorted)[::ONE_IN]:
        gone = frozenset(section.id for section in index.corpus.sections if section.topic in topics)
        with _bare(settings, "guide", index, gone) as chain:
            for story in groups[topics]:
                yield chain, story


@contextlib.contextmanager
def _bare(settings: Settings, base: BaseName, index: Index, gone: frozenset[str]) -> Iterator[ExtractiveChain]:
    """A chain over a copy of the index without these sections."""
    ours = derive(index, prepare(base, settings), f"fit-{key_of(sorted(gone))[:8]}", partial(without, sections=gone))
    with open_index(ours, embedder=index.embedder) as bare:
        yield extractive_chain(ours, bare)


def _question(case: Case) -> Question:
    return Question(text=case.question, history=case.history)


def _told(story: Mapping[str, str]) -> Question:
    turns = tuple(Turn(role="user", content=said) for said in story.get("history", ()))
    return Question(text=story["text"], history=turns)


def _shares(case: Case) -> dict[str, float]:
    others = [choice for choice in case.accept if choice != case.choice]
    if not others:
        return {str(case.choice): 1.0}
    return {str(case.choice): 0.75} | {choice: 0.25 / len(others) for choice in others}


def _verdict_sign(name: str) -> int:
    if name.startswith(("own_", "whole_")) or name in _FOR:
        return 1
    return -1 if name.startswith("other_") or name in _AGAINST else 0


def _refusal_sign(name: str) -> int:
    return 0 if name == "bias" else -1 if name in _LOWERS else 1


def _judged(examples: Sequence[Example]) -> list[Example]:
    """How sure the verdict is of each question, fitted to the others, and whether it is right or would be let pass."""
    found: list[Example] = []
    for fold in range(FOLDS):
        weights = fit([each for n, each in enumerate(examples) if n % FOLDS != fold], _verdict_sign)
        for values, right in examples[fold::FOLDS]:
            chances = softmax(values, weights)
            choice = max(chances, key=lambda name: chances[name])
            sure = {"constant": 1.0, "log_odds": log_odds(chances[choice])}
            found.append(({"right": sure, "wrong": {}}, {"right" if right.get(choice) else "wrong": 1.0}))
    return found


def _written(module: str, tables: Mapping[str, Mapping[str, Any]]) -> Path:
    """A module of these tables."""
    command = "refusals" if module == "coverage" else module
    text = f'"""Weights that `whichway eval train --{command}` fitted: docs/answers.md."""\n'
    for name, table in tables.items():
        nested = any(isinstance(value, dict) for value in table.values())
        kind = "dict[str, dict[str, float]]" if nested else "dict[str, float]"
        text += f"\n{name}: {kind} = {json.dumps(table, indent=4)}\n"
    file = Path(str(files("bot") / f"{module}_weights.py"))
    file.write_text(text, encoding="utf-8")
    return file
