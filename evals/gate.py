"""The gate: absolute floors, and no worse than the stored baseline by more than a margin."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from evals.compare import paired
from evals.figures import PRIMARY
from evals.results import CaseResult, Run
from evals.stats import paired_difference
from kb.errors import UsageError

FLOORS = Path(__file__).parent / "data" / "floors.toml"
BASELINE = Path(__file__).parent / "data" / "baseline.json"


@dataclass(frozen=True, slots=True)
class Check:
    """One condition and whether it holds; `message` says what was seen and what was asked for."""

    name: str
    passed: bool
    message: str


@dataclass(frozen=True, slots=True)
class Floors:
    """Of one set: figures that must be at least, or at most, so much; and the margin against the baseline."""

    at_least: Mapping[str, float]
    at_most: Mapping[str, float]
    margin: float


def load_floors(set_name: str, path: Path = FLOORS) -> Floors:
    """The floors of a set. UsageError where there are none."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        section = data[set_name]
        return Floors(section["at_least"], section["at_most"], float(data["margin"]))
    except OSError as error:
        raise UsageError(f"no floors {str(path)!r}: {error.strerror or error}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: {error}") from None
    except KeyError as missing:
        raise UsageError(f"{path} has no {missing}; the gate needs [{set_name}.at_least] and [.at_most]") from None


def check_run(run: Run, floors: Floors, baseline: Mapping[str, Any] | None) -> list[Check]:
    """Every condition of the gate, in order: no error, the floors, then the baseline."""
    errored = [result.case for result in run.cases if result.state == "errored"]
    checks = [Check("no case errored", not errored, ", ".join(errored[:5]) or f"{len(run.cases)} cases answered")]
    for name, limit in floors.at_least.items():
        checks.append(_limit(run, name, limit, lowest=True))
    for name, limit in floors.at_most.items():
        checks.append(_limit(run, name, limit, lowest=False))
    return checks + _against(run, floors.margin, baseline)


def baseline_of(run: Run) -> dict[str, Any]:
    """What is kept of a run to compare later ones with."""
    return {
        "run": run.id,
        "golden": run.made_by.get("golden"),
        "commit": run.made_by.get("commit"),
        "cases": {
            result.case: {
                "family": result.family,
                "kind": result.kind,
                "scores": {m: result.scores[m] for m in PRIMARY if m in result.scores},
            }
            for result in run.cases
        },
    }


def load_baseline(set_name: str, path: Path = BASELINE) -> dict[str, Any] | None:
    """The stored baseline of a set, None where there is none yet."""
    if not path.is_file():
        return None
    found: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")).get(set_name)
    return found


def store_baseline(run: Run, path: Path = BASELINE) -> None:
    """Make a run the baseline of its set."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    kept[run.set] = baseline_of(run)
    path.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def junit(run: Run, checks: list[Check]) -> str:
    """The checks as JUnit XML, a test case each."""
    failed = sum(not check.passed for check in checks)
    suite = ElementTree.Element(
        "testsuite",
        name=f"whichway eval gate {run.set}",
        tests=str(len(checks)),
        failures=str(failed),
        errors="0",
        time=f"{run.seconds:.2f}",
        timestamp=run.started,
    )
    for check in checks:
        case = ElementTree.SubElement(suite, "testcase", classname=f"evals.{run.set}", name=check.name, time="0")
        if not check.passed:
            ElementTree.SubElement(case, "failure", message=check.message)
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _limit(run: Run, name: str, limit: float, *, lowest: bool) -> Check:
    figure = run.figures.get(name)
    sign = "at least" if lowest else "at most"
    if figure is None:
        return Check(f"{name} {sign} {limit:g}", False, "the run has no such figure")
    # Rounded, so that 0.85 as 17 of 20 is at least 0.85.
    value = round(figure.value, 9)
    return Check(
        f"{name} {sign} {limit:g}",
        value >= limit if lowest else value <= limit,
        f"{value:.3f} over {figure.n}, {sign} {limit:g} is asked for",
    )


def _against(run: Run, margin: float, baseline: Mapping[str, Any] | None) -> list[Check]:
    if baseline is None:
        return []
    kept = {name: CaseResult(case=name, state="scored", **case) for name, case in baseline["cases"].items()}
    common = [result for result in run.cases if result.case in kept]
    if not common:
        return [Check("baseline", False, "the baseline shares no case with this run; store one: --update-baseline")]
    checks = []
    for measure in PRIMARY:
        first, second, families = paired(measure, [kept[r.case] for r in common], common)
        if not first:
            continue
        found = paired_difference(first, second, families)
        checks.append(
            Check(
                f"{measure} no worse than the baseline by more than {margin:g}",
                found.value >= -margin,
                f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}] over {found.n} cases",
            )
        )
    return checks
