"""The root command: its table, its help, and how it ends."""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer
from command_line import whichway

import kb.cli
from kb.cli import COMMANDS, resolve


@pytest.fixture(autouse=True)
def in_an_empty_folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WHICHWAY_HOME", str(home))


def test_help_lists_every_command_with_what_it_does() -> None:
    done = whichway("--help")
    assert done.code == 0
    for name in COMMANDS:
        assert re.search(rf"^│ {name}\s+[A-Z]", done.out, re.MULTILINE), name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_name_of_the_table_is_a_command_that_explains_itself(name: str) -> None:
    assert resolve(name).name == name
    done = whichway(name, "--help")
    assert done.code == 0
    assert f"whichway {name}" in done.out
    assert done.err == ""


def test_version_is_that_of_the_distribution() -> None:
    assert whichway("--version").out.strip() == f"whichway {version('whichway')}"


def test_no_command_shows_the_help() -> None:
    assert "Commands" in whichway().out


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["aks", "x"], "No such command 'aks'"),
        (["ask", "--jsno"], "No such option: --jsno"),
        (["serve", "--port", "http"], "should be a valid integer"),
        (["--config"], "requires an argument"),
    ],
)
def test_wrong_usage_is_one_line_that_leads_to_the_help(args: list[str], says: str) -> None:
    done = whichway(*args)
    assert done.code == 2
    assert says in done.complaint
    assert done.complaint.endswith("--help")


def test_a_bad_configuration_stops_every_command_before_it_starts(tmp_path: Path) -> None:
    (tmp_path / "whichway.toml").write_text("[web]\nprot = 1\n", encoding="utf-8")
    for name in ("ask", "doctor", "sources"):
        done = whichway(name)
        assert done.code == 2
        assert "unknown key 'web.prot'; did you mean 'port'?" in done.complaint
    assert whichway("--config", "elsewhere.toml", "doctor").code == 2


def test_a_bug_shows_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        """Break."""
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(kb.cli, "broken", broken, raising=False)
    monkeypatch.setitem(COMMANDS, "doctor", "kb.cli:broken")
    with pytest.raises(ZeroDivisionError, match="a bug"):
        whichway("doctor")


def test_an_interruption_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless() -> None:
        """Go on."""
        raise KeyboardInterrupt

    monkeypatch.setattr(kb.cli, "endless", endless, raising=False)
    monkeypatch.setitem(COMMANDS, "doctor", "kb.cli:endless")
    done = whichway("doctor")
    assert (done.code, done.err.strip()) == (130, "")


def test_an_exit_code_of_a_command_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing() -> None:
        """Fail."""
        raise typer.Exit(1)

    monkeypatch.setattr(kb.cli, "failing", failing, raising=False)
    monkeypatch.setitem(COMMANDS, "doctor", "kb.cli:failing")
    assert whichway("doctor").code == 1


def test_a_reader_that_leaves_early_is_no_reason_to_complain() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as out:
        done = subprocess.run(
            [sys.executable, "-m", "kb.cli", "--help"], stdout=out, stderr=subprocess.PIPE, check=False, timeout=60
        )
    assert done.stderr == b""
