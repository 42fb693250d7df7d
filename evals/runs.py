"""Runs on disk: `<home>/evals/runs/<id>/run.json`, found again by id, by its beginning, or as `latest`."""

import json
from pathlib import Path

from pydantic import ValidationError

from evals.results import Run
from kb.errors import UsageError


def runs_folder(home: Path) -> Path:
    """Where the runs of a home are."""
    return home / "evals" / "runs"


def save_run(run: Run, home: Path) -> Path:
    """Write a run's record; returns its folder."""
    folder = runs_folder(home) / run.id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(run.model_dump_json(indent=1), encoding="utf-8")
    return folder


def list_runs(home: Path) -> list[str]:
    """Ids of the recorded runs, oldest first."""
    return sorted(path.parent.name for path in runs_folder(home).glob("*/run.json"))


def load_run(name: str, home: Path, *, set_name: str | None = None, split: str | None = None) -> Run:
    """A run by id, by the beginning of one, as `latest` (of a set and split, if named), or by file.

    UsageError names what there is where nothing or more than one fits.
    """
    if name.endswith(".json"):
        return _read(Path(name))
    ids = list_runs(home)
    if name == "latest":
        mark = "-".join(("", *(part for part in (set_name, split) if part), ""))
        fitting = [i for i in ids if mark in i][-1:]
    else:
        fitting = [i for i in ids if i == name] or [i for i in ids if i.startswith(name)]
    if len(fitting) != 1:
        known = ", ".join(ids[-5:]) or "none yet; make one with: whichway eval run"
        raise UsageError(f"{'several runs begin with' if fitting else 'no run'} {name!r}; runs: {known}")
    return _read(runs_folder(home) / fitting[0] / "run.json")


def _read(path: Path) -> Run:
    try:
        return Run.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"no run {str(path)!r}: {error.strerror or error}") from None
    except (ValidationError, json.JSONDecodeError):
        raise UsageError(f"{path} is no run of this version; repeat it with: whichway eval run") from None
