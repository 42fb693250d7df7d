"""Comparing runs, and the gate: what it lets through and what it stops."""

from collections.abc import Callable, Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest

from evals import gate
from evals.compare import compare
from evals.figures import figures_of
from evals.results import CaseResult, Run
from kb.errors import UsageError

Make = Callable[..., Run]


def run_of(verdicts: Mapping[str, float], *, id_: str = "run", errored: tuple[str, ...] = ()) -> Run:
    cases = tuple(
        CaseResult(
            case=name,
            family=name.split("-")[0],
            kind="recommendation",
            state="errored" if name in errored else "scored",
            scores={} if name in errored else {"verdict": value, "crag": value},
        )
        for name, value in verdicts.items()
    )
    return Run(
        id=id_,
        set="guide",
        split="dev",
        started="2026-11-23T00:00:00+00:00",
        seconds=1.0,
        made_by={"golden": "g", "commit": "c"},
        counts={},
        figures=figures_of(cases),
        cases=cases,
    )


def numbered(values: str) -> dict[str, float]:
    return {f"f{n}-q": float(value) for n, value in enumerate(values)}


def test_broken_and_mended_cases_are_named() -> None:
    found = compare(run_of(numbered("1110000")), run_of(numbered("1101100")))
    assert [pair.first.case for pair in found.broken] == ["f2-q"]
    assert [pair.first.case for pair in found.mended] == ["f3-q", "f4-q"]
    assert found.p_mcnemar == 1.0
    change = next(change for change in found.changes if change.measure == "verdict")
    assert change.difference.value == pytest.approx(1 / 7)
    assert change.difference.low < 0 < change.difference.high


def test_a_large_change_is_told_from_chance() -> None:
    found = compare(run_of(numbered("1" * 40)), run_of(numbered("0" * 15 + "1" * 25)))
    change = next(change for change in found.changes if change.measure == "verdict")
    assert change.difference.high < 0
    assert change.p_holm < 0.01
    assert found.p_mcnemar == pytest.approx(2 / 2**15)


def test_a_case_that_errors_counts_as_lost() -> None:
    verdicts = numbered("1111")
    found = compare(run_of(verdicts), run_of(verdicts, errored=("f0-q",)))
    assert next(c for c in found.changes if c.measure == "verdict").difference.value == -0.25
    assert [pair.second.state for pair in found.broken] == ["errored"]


def test_runs_of_other_questions_are_refused_and_differences_noted() -> None:
    with pytest.raises(UsageError, match="share no case"):
        compare(run_of({"a-1": 1}), run_of({"b-1": 1}))
    other = run_of({"a-1": 1, "c-1": 1}).model_copy(update={"made_by": {"golden": "h"}})
    assert compare(run_of({"a-1": 1}), other).notes == (
        "1 cases stand in one run only and are left out",
        "the golden set differs: g and h",
    )


FLOORS = gate.Floors(at_least={"verdict": 0.8}, at_most={"swap_flips": 0.0}, margin=0.05)


def names(checks: list[gate.Check]) -> list[str]:
    return [check.name for check in checks if not check.passed]


def test_floors_hold_at_the_limit_and_a_missing_figure_fails() -> None:
    checks = gate.check_run(run_of(numbered("11110")), FLOORS, None)
    assert names(checks) == ["swap_flips at most 0"]
    assert next(c for c in checks if c.name.startswith("swap")).message == "the run has no such figure"
    assert "verdict at least 0.8" in names(gate.check_run(run_of(numbered("11100")), FLOORS, None))


def test_an_error_shuts_the_gate() -> None:
    assert names(gate.check_run(run_of(numbered("11111"), errored=("f1-q",)), FLOORS, None))[0] == "no case errored"


def test_worse_than_the_baseline_by_more_than_the_margin(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    assert gate.load_baseline("guide", file) is None
    gate.store_baseline(run_of(numbered("1" * 100)), file)
    kept = gate.load_baseline("guide", file)
    floors = gate.Floors(at_least={}, at_most={}, margin=0.05)
    assert names(gate.check_run(run_of(numbered("0" * 5 + "1" * 95)), floors, kept)) == []
    assert names(gate.check_run(run_of(numbered("0" * 6 + "1" * 94)), floors, kept)) == [
        "verdict no worse than the baseline by more than 0.05",
        "crag no worse than the baseline by more than 0.05",
    ]
    assert names(gate.check_run(run_of({"z-1": 1.0}), floors, kept)) == ["baseline"]


def test_junit_names_every_condition_and_its_failure() -> None:
    run = run_of(numbered("11100"))
    root = ElementTree.fromstring(gate.junit(run, gate.check_run(run, FLOORS, None)).encode())
    assert (root.get("tests"), root.get("failures")) == ("3", "2")
    failures = {case.get("name"): case.find("failure") for case in root}
    assert failures["no case errored"] is None
    message = failures["verdict at least 0.8"]
    assert message is not None
    assert message.get("message") == "0.600 over 5, at least 0.8 is asked for"


def test_floors_are_read_strictly(tmp_path: Path) -> None:
    file = tmp_path / "floors.toml"
    file.write_text("margin = 0.05\n[guide.at_least]\nverdict = 0.8\n[guide.at_most]\nswap_flips = 0.0\n")
    assert gate.load_floors("guide", file) == FLOORS
    with pytest.raises(UsageError, match=r"needs \[article\.at_least\]"):
        gate.load_floors("article", file)
