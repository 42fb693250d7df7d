"""What is shipped: the four packages with their data, nothing heavy at start, and locks that fit pyproject.toml."""

import ast
import importlib.util
import json
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
OURS = ("bot", "evals", "ingest", "kb")
HEAVY = ("chromadb", "torch", "gradio", "slack_bolt", "sentence_transformers", "langchain", "langchain_core")
LOCKS = ("requirements.lock", "requirements-test.lock", "requirements-slow.lock")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    from hatchling.builders.wheel import WheelBuilder

    [built] = WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("dist")), versions=["standard"])
    return zipfile.ZipFile(built)


def tracked(*under: str) -> set[str]:
    listed = subprocess.run(["git", "ls-files", "-z", *under], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no git checkout to compare with")
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith(("#", "-r ")))


def test_no_other_distribution_installs_a_package_of_our_names() -> None:
    owners = packages_distributions()
    # An editable install lists no packages, so that a name may also be nobody's.
    assert {name: set(owners.get(name, ())) - {"whichway"} for name in OURS} == {name: set() for name in OURS}


def test_the_wheel_has_the_four_packages_with_every_tracked_file_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    shipped = set(wheel.namelist())
    assert {name.split("/")[0] for name in shipped} == {*OURS, "whichway-0.1.0.dist-info"}
    assert tracked(*OURS) - shipped == set()
    assert {name for name in shipped if name.startswith("tests/")} == set()


def test_the_wheel_has_one_command(wheel: zipfile.ZipFile) -> None:
    scripts = wheel.read("whichway-0.1.0.dist-info/entry_points.txt").decode()
    assert "whichway = kb.cli:main" in scripts.splitlines()


@pytest.mark.parametrize(
    ("package", "path", "holds"),
    [
        ("kb", "guide/azure-ml-vs-databricks/data-engineering.md", "## Streaming"),
        ("kb", "guide/azure-ml-vs-databricks/topics/streaming.toml", 'id = "streaming"'),
        ("kb", "guide/reading-list.toml", "[[page]]"),
        ("evals", "data/guide.yaml", "set: guide"),
        ("bot", "slack/manifest.json", "agent_view"),
        ("bot", "web/static/app.js", "function"),
    ],
)
def test_data_files_load_as_resources(package: str, path: str, holds: str) -> None:
    assert holds in files(package).joinpath(path).read_text(encoding="utf-8")


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import json, sys\n"
        "sys.argv = ['whichway', '--help']\n"
        "from kb.cli import main\n"
        "try:\n    main()\nexcept SystemExit as left:\n    assert not left.code\n"
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert "Which platform should I use" in done.stdout
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_every_library_that_is_imported_is_declared(project: dict[str, Any]) -> None:
    extras = [text for group in project["project"]["optional-dependencies"].values() for text in group]
    declared = {canonicalize_name(Requirement(text).name) for text in project["project"]["dependencies"] + extras}
    owners = packages_distributions()
    undeclared = {}
    for file in sorted(path for name in OURS for path in (ROOT / name).rglob("*.py")):
        for module in imported(file) - sys.stdlib_module_names - set(OURS):
            names = {canonicalize_name(owner) for owner in owners.get(module, [module])}
            if not names & declared:
                undeclared[module] = str(file.relative_to(ROOT))
    assert undeclared == {}


def imported(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_the_lock_holds_every_requirement_at_a_version_that_meets_it(project: dict[str, Any]) -> None:
    run = pins("requirements.lock")
    for text in project["project"]["dependencies"] + project["build-system"]["requires"]:
        need = Requirement(text)
        assert need.specifier.contains(run[canonicalize_name(need.name)]), text
    test = run | pins("requirements-test.lock")
    for text in project["dependency-groups"]["test"]:
        need = Requirement(text)
        assert need.specifier.contains(test[canonicalize_name(need.name)]), text


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_versions_and_no_index(name: str) -> None:
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        assert line.startswith(("# ", "-r requirements")) or line.count("==") == 1, line
        assert "+" not in line, f"a local version installs in one place only: {line}"
        assert not {"--hash", "://", "--index"} & set(line.split()), line
    assert pins("requirements.lock")["torch"] == "2.13.0"


@pytest.mark.skipif(
    sys.platform != "linux" or sys.version_info[:2] != (3, 11), reason="the locks are for Linux and Python 3.11"
)
def test_the_locks_are_what_make_lock_compiles() -> None:
    spec = importlib.util.spec_from_file_location("whichway_lock", ROOT / "tools" / "lock.py")
    assert spec is not None
    assert spec.loader is not None
    lock = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(lock)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = lock.closure([*project["project"]["dependencies"], *project["build-system"]["requires"], "editables"])
    assert lock.lock_text(needed) == (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_the_licence_is_that_of_the_metadata(project: dict[str, Any]) -> None:
    assert project["project"]["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text


def test_nothing_of_the_sources_is_repeated(test_data: Path) -> None:
    """Facts carry over, with their address; sentences do not, in data files either."""
    done = subprocess.run(
        [sys.executable, str(test_data / "tools" / "check_originality.py"), str(ROOT)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout[:2000]
