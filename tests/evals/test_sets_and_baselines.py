"""Finding gold, swapping options, guessing verdicts, leaving sections out, reading BEIR folders and real questions."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from evals import baselines, beir
from evals.gold_sections import SectionMap
from evals.golden import Gold, GoldenSet, load_golden
from evals.judgements import Judgement, add_judgements, read_judgements
from evals.left_out import made_unanswerable, once_left_out, without
from evals.real import load_posts, load_real
from evals.remaining import FILE, Remaining, digest_of
from evals.variants import swapped
from kb.embedders import HashedBagEmbedder
from kb.errors import UsageError
from kb.options import OptionFinder
from kb.records import Corpus
from kb.settings import DecisionSettings

OPTIONS = DecisionSettings().options


def heading(pages: Corpus, ids: frozenset[str]) -> set[str]:
    return {section.path[-1] for section in pages.sections if section.id in ids}


def test_gold_is_found_by_heading_without_case_and_punctuation(pages: Corpus, sections: SectionMap) -> None:
    assert heading(pages, sections.resolve("pages/data#streaming:")) == {"Streaming"}
    assert heading(pages, sections.resolve("pages/models")) == {"Endpoints", "Registry"}
    assert sections.resolve("pages/models#Streaming") == frozenset()
    assert sections.resolve("guide#streaming") == frozenset()


def test_a_heading_without_text_stands_for_those_under_it(pages: Corpus) -> None:
    from dataclasses import replace

    first, second, *_ = pages.sections
    parent = replace(first, id="parent", path=("Data",), start=0, end=0)
    children = [replace(first, path=("Data", "Streaming")), replace(second, path=("Data", "Tables"))]
    found = SectionMap(replace(pages, sections=(parent, *children))).resolve("pages/data#Data")
    assert found == {"parent", first.id, second.id}


def test_names_outlive_ids(pages: Corpus, sections: SectionMap) -> None:
    streaming = pages.sections[0]
    assert sections.name(streaming.id) == "pages/data#Streaming"
    assert sections.resolve(sections.reference(streaming.id)) == {streaming.id}
    assert sections.name("unknown") == "unknown"


@pytest.mark.parametrize(
    ("quote", "problem"),
    [("takes an EVENT stream", None), ("an event stre", "does not stand"), (None, None)],
)
def test_a_quote_proves_that_the_ground_is_there(
    sample: GoldenSet, sections: SectionMap, quote: str | None, problem: str | None
) -> None:
    gold = Gold(section="pages/data#Streaming", grade="primary", quote=quote)
    found = sections.problems([sample.questions[0].model_copy(update={"gold": (gold,)})])
    assert [problem in each.problem for each in found] == ([True] if problem else [])


@pytest.mark.parametrize(
    ("question", "first", "second"),
    [
        ("Databricks or AML for this?", "Databricks or AML for this?", "AML or Databricks for this?"),
        (
            "Do it in Azure Databricks vs. in Azure ML?",
            "Do it in Azure Databricks vs. in Azure ML?",
            "Do it in Azure ML vs. in Azure Databricks?",
        ),
        (
            "We move from Databricks to Azure ML. Why?",
            "We move from Databricks to Azure ML. Why? Azure Machine Learning or Azure Databricks?",
            "We move from Databricks to Azure ML. Why? Azure Databricks or Azure Machine Learning?",
        ),
    ],
)
def test_only_names_side_by_side_are_swapped(question: str, first: str, second: str) -> None:
    assert swapped(question, OptionFinder(OPTIONS)) == (first, second)


def test_fixed_chunks_overlap_by_two_hundred() -> None:
    text = "".join(chr(97 + n % 26) for n in range(2100))
    chunks = baselines.fixed_chunks(text)
    assert [(start, len(chunk)) for start, chunk in chunks] == [(0, 1000), (800, 1000), (1600, 500)]
    assert chunks[0][1][-200:] == chunks[1][1][:200]
    assert baselines.fixed_chunks("short") == [(0, "short")]


def small_index(pages: Corpus) -> SimpleNamespace:
    from kb.lexical import LexicalIndex

    embedder = HashedBagEmbedder()
    texts = [statement.text for statement in pages.statements]
    ids = [statement.id for statement in pages.statements]
    words = LexicalIndex.build(texts)

    def lexical_statements(text: str, k: int) -> list[tuple[str, float]]:
        scores = words.scores(text)
        return [(ids[row], float(scores[row])) for row in np.argsort(-scores)[:k] if scores[row] > 0]

    return SimpleNamespace(
        corpus=pages,
        statement_ids=ids,
        statement_vectors=embedder.embed_documents(texts),
        embedder=embedder,
        lexical_statements=lexical_statements,
    )


def test_verdict_baselines_guess_from_what_they_are_given(pages: Corpus, sample: GoldenSet) -> None:
    index = small_index(pages)
    assert baselines.majority(sample)("anything") == "databricks"
    keywords = baselines.keywords(index, OPTIONS)
    assert (keywords("an event stream"), keywords("managed endpoints"), keywords("weather")) == (
        "databricks",
        "azure_ml",
        "both",
    )
    assert baselines.plain_vote(index)("weather") == "both"  # two statements a side among the best six
    scores = baselines.guess_verdicts(sample.questions, {"keywords": keywords})
    assert scores["keywords"][0] == {"verdict": 1.0}
    assert scores["keywords"][2] == {}


def test_leaving_a_section_out_leaves_the_rest(pages: Corpus, sample: GoldenSet) -> None:
    gone = pages.sections[0].id
    rest = without(pages, {gone})
    assert {chunk.section_id for chunk in pages.chunks} - {chunk.section_id for chunk in rest.chunks} == {gone}
    assert len(rest.statements) == len(pages.statements) - 1
    assert rest.documents == pages.documents
    case = made_unanswerable(sample.questions[0])
    assert (case.kind, case.unanswerable, case.near, case.choice, case.gold) == (
        "unanswerable",
        "no_evidence",
        True,
        None,
        (),
    )
    assert type(case).model_validate(case.model_dump()) == case


def test_what_the_rest_still_answers_is_not_to_be_refused(sample: GoldenSet) -> None:
    case = sample.questions[0]
    asked = {answered: once_left_out(case, answered) for answered in ("yes", "partly", "no", None)}
    assert asked["yes"] == case.model_copy(update={"id": f"{case.id}-left-out"})
    assert asked["partly"] is None
    assert asked["no"] == asked[None] == made_unanswerable(case)


def test_what_remains_is_judged_for_just_these_sections(tmp_path: Path, pages: Corpus, sections: SectionMap) -> None:
    first, second, *_ = (section.id for section in pages.sections)
    file = tmp_path / "remaining.jsonl"
    judged = {"question": "q", "without": digest_of({first, second}, sections), "answered": "no", "judges": ["no"]}
    file.write_text(json.dumps(judged) + "\n")
    remaining = Remaining.load(file)
    assert remaining.answered("q", [second, first], sections) == "no"
    assert remaining.answered("q", [first], sections) is None
    assert remaining.answered("p", [first, second], sections) is None
    assert Remaining.load(tmp_path / "none.jsonl").answered("q", [first, second], sections) is None
    for bad, why in (
        ('{"question": "q"}', "no judgement"),
        (json.dumps(judged | {"answered": "so"}), "answered is yes"),
    ):
        file.write_text(f"{bad}\n")
        with pytest.raises(UsageError, match=rf"remaining\.jsonl, line 1: {why}"):
            Remaining.load(file)


def test_every_question_of_the_article_was_judged_without_its_gold_sections() -> None:
    judged = {json.loads(line)["question"] for line in FILE.read_text(encoding="utf-8").splitlines()}
    golden = load_golden(FILE.with_name("article.yaml"))
    assert judged == {case.id for case in golden.questions if case.gold}


def test_judgements_are_kept_once_a_pair_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "judged.jsonl"
    old, new = (Judgement("q", "s", "d", grade, "ann", "2026-11-23") for grade in (0, 2))
    add_judgements([old], file)
    assert add_judgements([new], file) == 1
    assert read_judgements(file) == [new]
    file.write_text('{"question": "q", "section": "s", "digest": "d", "grade": 3, "judge": "a", "date": "d"}\n')
    with pytest.raises(UsageError, match=r"judged\.jsonl, line 1: a grade is 0, 1 or 2, not 3"):
        read_judgements(file)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    documents = [("d1", "Wings", "lift of a wing"), ("d2", "Heat", "heat in a plate"), ("d3", "", "")]
    rows = [json.dumps({"_id": i, "title": title, "text": text}) for i, title, text in documents]
    (tmp_path / "corpus.jsonl").write_text("\n".join(rows) + "\n")
    queries = [json.dumps({"_id": "q1", "text": "wing lift"}), json.dumps({"_id": "q9", "text": "not judged"})]
    (tmp_path / "queries.jsonl").write_text("\n".join(queries) + "\n")
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq1\td3\t1\n")
    return tmp_path


def test_a_beir_folder_is_read_and_measured(folder: Path) -> None:
    collection = beir.load_beir(folder)
    assert collection.queries == {"q1": "wing lift"}
    assert collection.gains == {"q1": {"d1": 2, "d3": 1}}
    corpus = beir.to_corpus(collection, HashedBagEmbedder())
    assert [(chunk.document_id, chunk.context, chunk.text) for chunk in corpus.chunks] == [
        ("d1", "Wings", "lift of a wing"),
        ("d2", "Heat", "heat in a plate"),
    ]
    legs = {"dense": lambda q: ["d2", "d1"], "lexical": lambda q: ["d2"], "fused": lambda q: ["d1"]}
    report = beir.measure(collection, legs)
    ideal = 2 + 1 / np.log2(3)
    assert report.figures["dense.ndcg@10"].value == pytest.approx(2 / np.log2(3) / ideal)
    assert report.figures["fused.mrr@10"].value == 1.0
    assert report.figures["fused.recall@100"].value == 0.5
    assert report.better_leg == "dense"
    assert report.fused_less_better.value == pytest.approx((2 - 2 / np.log2(3)) / ideal)


def test_a_bad_beir_folder_is_one_line(folder: Path, tmp_path: Path) -> None:
    (folder / "qrels" / "test.tsv").write_text("q1\td1\tmuch\n")
    with pytest.raises(UsageError, match=r"test\.tsv, line 1: a line is query, document and gain"):
        beir.load_beir(folder)
    with pytest.raises(UsageError, match=r"a BEIR folder has corpus\.jsonl"):
        beir.load_beir(tmp_path / "qrels")


@pytest.mark.data
def test_real_questions_are_a_set(test_data: Path) -> None:
    golden = load_real(test_data)
    named = [gold.section for case in golden.questions for gold in case.gold]
    assert named
    assert all(section.startswith(("article#", "https://")) for section in named)
    assert len(golden.questions) == 35
    uncovered = [case for case in golden.questions if case.unanswerable]
    assert len(uncovered) == 10
    assert all(case.split == "test" for case in golden.questions)
    drift = next(case for case in golden.questions if case.id == "r011")
    assert (drift.applies_to, drift.gold[0].section) == (
        ("azure_ml",),
        "article#MLOps in Azure ML: Enterprise-Grade Governance",
    )


@pytest.mark.data
def test_written_posts_are_a_set_to_tune_on(test_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    golden = load_posts(test_data)
    assert {case.split for case in golden.questions} == {"dev"}
    real = {case.question for case in load_real(test_data).questions}
    assert real.isdisjoint(case.question for case in golden.questions)
    assert any(case.unanswerable for case in golden.questions)
    assert all(case.gold for case in golden.questions if not case.unanswerable)
    bad = tmp_path / "posts.jsonl"
    bad.write_text('{"id": "p1"}\n', encoding="utf-8")
    monkeypatch.setattr("evals.real.POSTS", bad)
    with pytest.raises(UsageError, match=r"posts\.jsonl, line 1: no question"):
        load_posts(test_data)


@pytest.mark.data
def test_cranfield_is_read_whole(test_data: Path) -> None:
    collection = beir.load_beir(test_data / "ir" / "cranfield" / "beir")
    assert (collection.name, len(collection.documents), len(collection.queries)) == ("cranfield", 1400, 225)


def test_a_leg_that_finds_nothing_scores_zero(folder: Path) -> None:
    legs: dict[str, Callable[[str], list[str]]] = {"dense": lambda q: [], "fused": lambda q: []}
    assert beir.measure(beir.load_beir(folder), legs).figures["fused.ndcg@10"].value == 0.0
