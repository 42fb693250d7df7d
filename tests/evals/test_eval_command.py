"""`whichway eval` from end to end, over a small folder of pages with the encoder that needs no model."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

from bot.store import AnswerStore
from evals.golden import load_golden
from evals.runs import list_runs, load_run
from evals.suite import candidates_from_feedback
from kb.cli import app
from kb.errors import UsageError, WhichwayError
from kb.settings import Settings, load_settings

Invoke = Callable[..., Result]

CONFIG = """
[decision]
topics = ""
[[decision.option]]
id = "azure_ml"
name = "Azure Machine Learning"
aliases = ["Azure ML", "AML"]
[[decision.option]]
id = "databricks"
name = "Azure Databricks"
aliases = ["Databricks"]
[[source]]
path = "pages"
standing = "comparison"
[embedding]
model = "hashed"
"""
DATA_PAGE = """# Data work: Azure Machine Learning or Azure Databricks

## Streaming

Choose Azure Databricks if an event stream or sensor telemetry has to be processed continuously with Spark.

## Tables

Azure Databricks keeps versioned tables in a lakehouse.
"""
MODEL_PAGE = """# Model work: Azure Machine Learning or Azure Databricks

## Endpoints

Choose Azure Machine Learning if a model has to be deployed to managed online endpoints with blue-green rollout.

## Registry

Azure Machine Learning registers models and their versions.
"""
GOLDEN = """
set: guide
knowledge_base: guide
questions:
  - id: c-stream
    version: 1
    family: stream
    split: dev
    kind: recommendation
    question: Which platform should process our event stream of sensor telemetry continuously with Spark?
    choice: databricks
    gold: [{section: "pages/data.md#Streaming", grade: primary, quote: sensor telemetry}]
    provenance: {author: ann, date: 2026-11-23}
  - id: c-endpoint
    version: 1
    family: endpoint
    split: dev
    kind: recommendation
    question: Which platform should deploy a model to managed online endpoints with blue-green rollout?
    choice: azure_ml
    gold: [{section: "pages/models.md#Endpoints", grade: primary}]
    provenance: {author: ann, date: 2026-11-23}
  - id: c-pizza
    version: 1
    family: pizza
    split: dev
    kind: unanswerable
    question: Where is the best pizza in Rome?
    unanswerable: off_topic
    provenance: {author: ann, date: 2026-11-23}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with configuration, pages, golden set and an index; tests work on copies."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "whichway.toml").write_text(CONFIG)
    (folder / "golden.yaml").write_text(GOLDEN)
    (folder / "pages").mkdir()
    (folder / "pages" / "data.md").write_text(DATA_PAGE)
    (folder / "pages" / "models.md").write_text(MODEL_PAGE)
    done = CliRunner().invoke(
        app, ["--config", str(folder / "whichway.toml"), "--home", str(folder / "home"), "ingest"]
    )
    assert done.exception is None, done.output
    return folder


@pytest.fixture
def folder(built: Path, tmp_path: Path, home: Path) -> Path:
    """A copy of the project for one test; `home` keeps the surrounding configuration out."""
    shutil.copytree(built, tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def settings(folder: Path) -> Settings:
    return load_settings(config=folder / "whichway.toml", home=folder / "home", environ={})


@pytest.fixture
def whichway(folder: Path) -> Invoke:
    """Runs a command line; a failure of the command is the test's, unless it asks for the error."""

    def invoke(*arguments: str, fails: type[Exception] | None = None) -> Result:
        command = ["--config", str(folder / "whichway.toml"), "--home", str(folder / "home"), *arguments]
        result = CliRunner().invoke(app, command)
        if fails is None:
            assert result.exception is None, result.output
        else:
            assert isinstance(result.exception, fails), result.output
        return result

    return invoke


def run_json(whichway: Invoke, folder: Path) -> dict[str, object]:
    done = whichway("eval", "run", "--live", "--path", str(folder / "golden.yaml"), "--no-baselines", "--json")
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_run_compare_report_and_gate(whichway: Invoke, settings: Settings, folder: Path, tmp_path: Path) -> None:
    first = run_json(whichway, folder)
    assert first["counts"] == {"scored": 3, "unscored": 0, "errored": 0}
    shown = whichway("eval", "run", "--live", "--path", str(folder / "golden.yaml")).stdout
    for word in ("verdict", "gold_cited", "refusal_recall", "majority", "fused", "lexical"):
        assert word in shown
    run = load_run("latest", settings.home)
    assert run.figures["citations_valid"].value == 1.0
    assert run.figures["fused.gold_in_5"].value == 1.0
    assert run.by_case()["c-pizza"].refused == "off_topic"

    page = tmp_path / "both.html"
    whichway("eval", "compare", list_runs(settings.home)[0], run.id, "--report", str(page))
    assert f"Against {first['id']}" in page.read_text(encoding="utf-8")
    whichway("eval", "report", run.id, "--out", str(tmp_path / "one.html"))
    assert "Where is the best pizza in Rome?" in (tmp_path / "one.html").read_text(encoding="utf-8")


def test_the_gate_exits_1_below_a_floor_and_says_which(
    whichway: Invoke, settings: Settings, folder: Path, tmp_path: Path
) -> None:
    run_json(whichway, folder)
    floors, baseline, junit = tmp_path / "floors.toml", tmp_path / "baseline.json", tmp_path / "junit.xml"
    files = ("--floors", str(floors), "--baseline", str(baseline), "--junit", str(junit), "--run", "latest")
    floors.write_text("margin = 0.05\n[guide.at_least]\ncitations_valid = 1.0\n[guide.at_most]\nswap_flips = 0.0\n")
    whichway("eval", "gate", *files, "--update-baseline")
    assert set(json.loads(baseline.read_text())["guide"]["cases"]) == {"c-stream", "c-endpoint", "c-pizza"}
    assert ElementTree.parse(junit).getroot().get("failures") == "0"

    floors.write_text("margin = 0.05\n[guide.at_least]\nfused_gold = 1.0\n[guide.at_most]\nswap_flips = 0.0\n")
    failed = whichway("eval", "gate", *files, fails=WhichwayError)
    assert "the gate is shut: fused_gold at least 1" in str(failed.exception)
    assert ElementTree.parse(junit).getroot().get("failures") == "1"


def test_a_judged_answer_becomes_a_golden_question(
    whichway: Invoke, settings: Settings, folder: Path, tmp_path: Path
) -> None:
    question = "Which platform should process our event stream of sensor telemetry continuously with Spark?"
    whichway("ask", question)
    store = AnswerStore(settings.home)
    answer = store.recent(1)[0].answer
    store.add_feedback(answer.id, "down", comment="We need tables", who="x")
    store.close()

    assert whichway("eval", "new").stdout.startswith("1 new in ")
    assert whichway("eval", "new").stdout.startswith("0 new in ")
    listed = whichway("eval", "review").stdout
    assert question[:60] in listed
    assert "We need tables" in listed
    name = listed.split()[0]

    from evals import candidates

    golden = folder / "golden.yaml"
    case = next(c for c in candidates.load_candidates(candidates.candidates_file(settings.home)) if c["id"] == name)
    candidates.accept_into(case, golden)
    accepted = next(c for c in load_golden(golden).questions if c.id == name)
    assert (accepted.question, accepted.choice) == (question, answer.verdict.choice)
    assert len(load_golden(golden).questions) == 4

    whichway("eval", "review", "--reject", name)
    assert whichway("eval", "review").stdout == ""
    assert f"no candidate {name!r}" in str(whichway("eval", "review", "--reject", name, fails=UsageError).exception)


def test_the_bundled_sets_are_not_asked_of_another_decision(whichway: Invoke, folder: Path) -> None:
    config = folder / "whichway.toml"
    config.write_text(CONFIG.replace('"databricks"', '"lakes"'))
    error = whichway("eval", "run", "--set", "guide", fails=UsageError).exception
    assert "the set 'guide' is about azure_ml and databricks, and this decision is not" in str(error)


def test_an_invalid_candidate_leaves_the_set_as_it_was(tmp_path: Path) -> None:
    from evals import candidates

    golden = tmp_path / "golden.yaml"
    golden.write_text(GOLDEN)
    twice = load_golden(golden).questions[0].model_dump(mode="json", exclude_defaults=True)
    with pytest.raises(UsageError, match="'c-stream' is used twice"):
        candidates.accept_into(twice, golden)
    assert golden.read_text() == GOLDEN


def test_unjudged_citations_are_listed_and_kept_once_judged(
    whichway: Invoke, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_json(whichway, folder)
    holes = [json.loads(line) for line in whichway("eval", "review", "--holes", "latest").stdout.splitlines()]
    assert {hole["question"] for hole in holes} <= {"c-stream", "c-endpoint"}
    gold = {"c-stream": "Streaming", "c-endpoint": "Endpoints"}
    assert all(not hole["section"].endswith(gold[hole["question"]]) for hole in holes)
    judged = tmp_path / "judged.jsonl"
    judged.write_text("".join(json.dumps(hole | {"grade": 1, "judge": "ann"}) + "\n" for hole in holes))
    kept = tmp_path / "kept.jsonl"
    monkeypatch.setattr("evals.judgements.FILE", kept)
    whichway("eval", "review", "--judge", str(judged))
    assert len(kept.read_text().splitlines()) == len(holes)
    assert "_text" not in kept.read_text()


def test_gaps_name_thin_topics(whichway: Invoke) -> None:
    shown = whichway("eval", "gaps").stdout
    assert "origins of evidence, thinnest first" in shown
    assert "Data work: Azure Machine Learning or Azure Databricks" in shown


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("run", "--set", "gide"), "no set 'gide'; known: guide"),
        (("run", "--split", "tset", "--live"), "no split 'tset'; known: dev, test"),
        (("run", "--set", "beir"), "--set beir needs --path DIR"),
        (("compare", "nothing"), "no run 'nothing'; runs: none yet"),
        (("gate", "--run", "latest"), "no run 'latest'; runs: none yet"),
        (("gate", "--set", "real"), "has no 'real'; the gate needs [real.at_least]"),
        (("gate", "--break", "wheel"), "nothing 'wheel' to break; known: dense, ranks, reading, headings"),
    ],
)
def test_wrong_usage_is_one_line(whichway: Invoke, arguments: tuple[str, ...], problem: str) -> None:
    message = str(whichway("eval", *arguments, fails=UsageError).exception)
    assert problem in message
    assert "\n" not in message


def test_new_of_an_unknown_answer_is_refused(whichway: Invoke, settings: Settings) -> None:
    import datetime as dt

    with pytest.raises(UsageError, match="no answer 'nope' is kept here"):
        candidates_from_feedback(settings, answer_id="nope", author="ann", date=dt.date(2026, 11, 23))
