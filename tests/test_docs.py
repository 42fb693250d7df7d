"""What the documentation says is so: its commands and options exist, its links lead somewhere, its samples load."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from kb.cli import COMMANDS, resolve
from kb.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
EXAMPLE = ROOT / "whichway.example.toml"
FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
NOT_OPTIONS = {"--help", "--config", "--home", "--verbose", "--version"}

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def code(page: Path) -> Iterator[tuple[str, str]]:
    """Language and text of each block and each `span` of code."""
    text = page.read_text(encoding="utf-8")
    for _, language, body in FENCE.findall(text):
        yield language, body
    for span in re.findall(r"`([^`\n]+)`", FENCE.sub("", text)):
        yield "", span


def commands(page: Path) -> Iterator[list[str]]:
    """The words after `whichway` wherever it is run, up to a pipe, a redirection or a comment."""
    for _, body in code(page):
        for line in body.splitlines():
            called = re.match(r"\s*(?:\$ |ExecStart=)?(?:\S+/)?whichway +((?:--\w+|[a-z]).*)", line)
            if called:
                words = re.split(r" [|<>#;&]|\s#", called[1])[0]
                try:
                    yield shlex.split(words)
                except ValueError:
                    yield words.split()


def options_of(command: Any) -> set[str]:
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}


def test_there_is_documentation() -> None:
    assert {page.name for page in PAGES} >= {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "evals.md", "sources.md"}
    assert sum(1 for _ in commands(ROOT / "README.md")) >= 8


@pages
def test_every_command_exists_with_its_options(page: Path) -> None:
    for words in commands(page):
        while words and words[0] in ("--config", "--home"):
            words = words[2:]
        if not words or words[0].startswith("-"):
            assert set(words) <= NOT_OPTIONS, words
            continue
        name, *rest = words
        assert name in COMMANDS, f"no command {name!r}: whichway {' '.join(words)}"
        command = resolve(name)
        if hasattr(command, "commands") and rest and not rest[0].startswith("-"):
            assert rest[0] in command.commands, f"no command: whichway {name} {rest[0]}"
            command = command.commands[rest[0]]
        if command.context_settings.get("ignore_unknown_options"):
            continue
        for word in rest:
            if re.match(r"--?[a-z]", word):
                option = word.partition("=")[0].rstrip(".,;:")
                assert option in options_of(command) | NOT_OPTIONS, f"whichway {name} has no {option}"


@pages
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {target for _, body in code(page) for target in re.findall(r"^make ([a-z-]+)", body, re.MULTILINE)}
    assert named <= targets


@pages
def test_every_link_inside_the_project_leads_to_a_file(page: Path) -> None:
    text = re.sub(r"`[^`\n]+`", "", FENCE.sub("", page.read_text(encoding="utf-8")))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:|#", target):
            assert (page.parent / target.partition("#")[0]).exists(), target


@pages
def test_it_names_no_package_index_and_no_path_of_one_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for host in ("pypi.org", "pythonhosted.org", "download.pytorch.org", "--index-url", "--extra-index-url"):
        assert host not in text
    assert not re.search(r"(?<![\w.~])/(?:work|tmp|root|home/\w+)/", text)


@pages
def test_every_variable_it_names_is_one(page: Path) -> None:
    known = {"WHICHWAY_HOME", "WHICHWAY_TEST_DATA", *variables()}
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"\bWHICHWAY_[A-Z][A-Z_]*[A-Z]\b", text)) <= known


@pages
def test_every_sample_of_a_configuration_loads(page: Path, tmp_path: Path) -> None:
    for language, body in code(page):
        if language == "toml" and re.search(
            r"^\[+(?:decision|source|embedding|store|model|fetch|web|slack)\b", body, re.M
        ):
            (tmp_path / "whichway.toml").write_text(body, encoding="utf-8")
            load_settings(config=tmp_path / "whichway.toml", environ={})


def test_the_sample_of_the_design_loads(test_data: Path, tmp_path: Path) -> None:
    [(_, _, sample)] = [
        found for found in FENCE.findall((test_data / "DESIGN.md").read_text("utf-8")) if found[1] == "toml"
    ]
    (tmp_path / "whichway.toml").write_text(sample, encoding="utf-8")
    settings = load_settings(config=tmp_path / "whichway.toml", environ={})
    assert [option.id for option in settings.decision.options] == ["azure_ml", "databricks"]
    assert [bool(source.guide) for source in settings.source] == [True, False, False]
    assert settings.source[1].follow is not None


def test_the_example_says_the_defaults() -> None:
    settings = load_settings(config=EXAMPLE, environ={})
    assert settings.model_dump() == Settings().model_dump()


def test_the_example_names_every_setting() -> None:
    written = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    missing = [
        f"{section}.{key}"
        for section, model in sections().items()
        for key in model.model_fields
        if key not in written[section] and f"# {key} = " not in EXAMPLE.read_text(encoding="utf-8")
    ]
    assert missing == []


def test_the_sources_that_the_example_suggests_are_valid(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    uncommented = re.sub(
        r"^# (\[\[source\]\]|url =|follow =|path =|base_url =|reading_list =|topics =)", r"\1", text, flags=re.M
    )
    (tmp_path / "whichway.toml").write_text(uncommented, encoding="utf-8")
    settings = load_settings(config=tmp_path / "whichway.toml", environ={})
    assert len(settings.source) == 4


def sections() -> dict[str, type[BaseModel]]:
    found = {}
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found[name] = field.annotation
    return found


def variables() -> set[str]:
    return {f"WHICHWAY_{section}_{key}".upper() for section, model in sections().items() for key in model.model_fields}
