"""What every test can use: the test data, a home of its own, a small corpus, and no network but loopback."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from corpora import CorpusBuilder, build_corpus
from hypothesis import settings as hypothesis_settings

from kb import snapshots
from kb.embedders import Embedder, load_embedder
from kb.fill_store import Filling, fill
from kb.settings import EmbeddingSettings, Settings, StoreSettings
from kb.verify_snapshot import verify

# CI tries the same examples each time; elsewhere every run looks for new ones.
hypothesis_settings.register_profile("ci", derandomize=True)
if os.environ.get("CI") == "true":
    hypothesis_settings.load_profile("ci")

ROOT = Path(__file__).resolve().parents[1]
_VERIFY_APART, _FILL_APART = snapshots.verifier, snapshots.filler
LOOPBACK = "127.0.0.0/8,::1,localhost"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-slow", action="store_true", help="also run the tests marked slow")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    # Before pytest-socket reads its options: its defaults would let every host through.
    config.option.allow_hosts = config.option.allow_hosts or LOOPBACK
    config.option.allow_unix_socket = True
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    _keep_to_a_core(os.environ.get("PYTEST_XDIST_WORKER", ""))


def _keep_to_a_core(worker: str) -> None:
    """Each of several workers, with the processes that it starts, has a core to itself.

    Matrix products that share their cores with another process's wait for each other's threads: several times slower.
    """
    if worker and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})


def pytest_collection_modifyitems(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    if config.getoption("--run-slow"):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: give --run-slow"))


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of test data: WHICHWAY_TEST_DATA, else ../shared. Skips without it; under CI that is an error."""
    folder = Path(os.environ.get("WHICHWAY_TEST_DATA") or ROOT.parent / "shared")
    if not folder.is_dir():
        reason = f"no test data in {folder}; name its folder in WHICHWAY_TEST_DATA"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder; nothing of the surrounding configuration reaches the test."""
    for name in [name for name in os.environ if name.startswith("WHICHWAY_") and name != "WHICHWAY_TEST_DATA"]:
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session", autouse=True)
def verified_here() -> Iterator[None]:
    """A snapshot that a test writes itself is filled and verified without processes of their own, which take a second.

    Those that a command or another process writes are written as they always are.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(snapshots, "verifier", lambda: contextlib.nullcontext(verify))
        patched.setattr(snapshots, "filler", lambda: contextlib.nullcontext(_filled_here))
        yield


@pytest.fixture
def verified_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot is verified in a fresh process, whoever writes it."""
    monkeypatch.setattr(snapshots, "verifier", _VERIFY_APART)


@pytest.fixture
def filled_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot's vector store is filled in a fresh process, whoever writes it."""
    monkeypatch.setattr(snapshots, "filler", _FILL_APART)


def _filled_here(folder: Path) -> Filling:
    found = fill(folder)
    return lambda: found


@pytest.fixture(scope="session")
def encoder_home() -> Path:
    """A home that keeps the compiled bundled encoder and its vectors from one test run to the next: the gate's own."""
    folder = ROOT / "build" / "home"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def bundled_embedder(encoder_home: Path) -> Embedder:
    """The bundled encoder. Compiled on the first run in a checkout, which takes about a minute."""
    return load_embedder(EmbeddingSettings(), encoder_home)


@pytest.fixture
def hashed_settings(home: Path) -> Settings:
    """Settings with a home of its own, the hashed encoder, which needs no model, and Chroma however small the index."""
    return Settings(home=home, embedding=EmbeddingSettings(model="hashed"), store=StoreSettings(exact_up_to=0))


@pytest.fixture(scope="session")
def make_corpus() -> CorpusBuilder:
    """Builds a Corpus by hand: `make_corpus({"Title": {"Heading": ["A statement.", ...]}}, standing="guide")`.

    One section a heading, one chunk a section, one statement a string; a statement that names one platform has
    that stance.
    """
    return build_corpus
