"""The gate shuts for every way in which the bot is broken on purpose, and for nothing else.

Asked of the real chain over the bundled guide, all its dev questions: stripped headings cost little more than the
margin, and a broken dense leg is seen in what is retrieved alone.
"""

from pathlib import Path

import pytest

from evals import gate
from evals.bases import share
from evals.golden import GoldenSet, load_golden
from evals.results import Run
from evals.sabotage import SABOTAGES
from evals.suite import run_set
from kb.embedders import Embedder
from kb.settings import Settings, load_settings

MARGIN = 0.05
RETRIEVED = {"fused.gold_in_5": 0.85}
WHAT_SUFFERS = {
    "dense": {"fused.gold_in_5"},
    "ranks": {"gold_cited", "gold_first", "crag"},
    "headings": {"gold_first"},
    "reading": {"verdict", "gold_first", "crag"},
    "stance": {"verdict", "crag"},
    "answer": {"refusal", "crag"},
    "refuse": {"verdict", "gold_cited", "refusal", "crag"},
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, encoder_home: Path, bundled_embedder: Embedder) -> Settings:
    home = tmp_path_factory.mktemp("home")
    share(encoder_home, home)
    return load_settings(config=_no_configuration(home), home=home, environ={})


@pytest.fixture(scope="module")
def questions() -> GoldenSet:
    golden = load_golden(gate.FLOORS.with_name("guide.yaml"))
    return golden.model_copy(update={"questions": golden.of_split("dev")})


@pytest.fixture(scope="module")
def clean(questions: GoldenSet, settings: Settings) -> Run:
    return run_set(questions, settings, baselines=False, variants=False)


def failed(run: Run, clean: Run) -> set[str]:
    checks = gate.check_run(run, gate.Floors(RETRIEVED, {}, MARGIN), gate.baseline_of(clean))
    return {check.name.split()[0] for check in checks if not check.passed}


def test_the_gate_opens_for_the_same_bot(questions: GoldenSet, settings: Settings, clean: Run) -> None:
    again = run_set(questions, settings, baselines=False, variants=False, cached=False)
    assert again.counts["errored"] == 0
    assert failed(again, clean) == set()
    assert {name: figure.value for name, figure in again.figures.items() if not name.startswith("latency")} == {
        name: figure.value for name, figure in clean.figures.items() if not name.startswith("latency")
    }


@pytest.mark.parametrize("name", SABOTAGES)
def test_the_gate_shuts_for_a_broken_bot(name: str, questions: GoldenSet, settings: Settings, clean: Run) -> None:
    run = run_set(questions, settings, baselines=False, variants=False, broken=name)
    assert run.counts["errored"] == 0
    assert failed(run, clean) >= WHAT_SUFFERS[name]


def _no_configuration(home: Path) -> Path:
    file = home / "whichway.toml"
    file.write_text("")
    return file
