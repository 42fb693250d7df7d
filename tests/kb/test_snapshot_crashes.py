"""A run that is killed, starved of disk or beaten to the lock leaves an index that reads and answers."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kb import plain
from kb.embedders import HashedBagEmbedder
from kb.index import open_index
from kb.settings import EmbeddingSettings, Settings
from kb.snapshots import STEPS, read_current

ROOT = Path(__file__).resolve().parents[2]
SUPPORT = ROOT / "tests" / "support"


class Writer:
    """A process that forks a child for each run."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(SUPPORT / "writing_child.py")],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, SUPPORT)))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, home: Path, number: int, *, failpoint: str = "-", file_limit: str = "-") -> int:
        """The process id of the run."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{home} {number} {failpoint} {file_limit}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def end(self) -> tuple[int, str]:
        """Exit code of the run and what it said."""
        assert self._process.stdout is not None
        code, _, said = self._process.stdout.readline().rstrip("\n").partition(" ")
        return int(code), said

    def write(self, home: Path, number: int, *, failpoint: str = "-", file_limit: str = "-") -> tuple[int, str]:
        self.start(home, number, failpoint=failpoint, file_limit=file_limit)
        return self.end()

    def close(self) -> None:
        self._process.communicate(timeout=60)


@pytest.fixture(scope="module")
def writer() -> Iterator[Writer]:
    started = Writer()
    yield started
    started.close()


@pytest.fixture
def second_writer() -> Iterator[Writer]:
    started = Writer()
    yield started
    started.close()


def edition(home: Path) -> int:
    """The variant that the live index holds, after it has answered like a whole one."""
    settings = Settings(home=home, embedding=EmbeddingSettings(model="hashed"))
    with open_index(settings) as index:
        assert len(index.chunks) == 32
        assert len(index.statements) == 34
        (best, _score), *_ = index.lexical("blue-green traffic", 3)
        assert "moves traffic blue-green" in index.chunk(best).text
        vector = HashedBagEmbedder().embed_query(index.chunks[0].indexed_text)
        assert index.dense(vector, 1) == [(index.chunks[0].id, 1.0)]
        return int(index.chunks[0].text.split("edition ")[1].split(".")[0])


def assert_the_one_before_is_whole(home: Path) -> None:
    """What a rollback would go back to."""
    previous = read_current(home)[1]
    assert previous is not None
    folder = home / "snapshots" / previous
    plain.read_checked(folder, plain.read_manifest(folder))


def test_killed_at_every_step_the_old_or_the_new_index_serves(tmp_path: Path, writer: Writer) -> None:
    assert writer.write(tmp_path, 100) == (0, "")
    assert writer.write(tmp_path, 0) == (0, "")
    live = 0
    for number, step in enumerate(STEPS, 1):
        assert writer.write(tmp_path, number, failpoint=step) == (-9, ""), step
        switched = STEPS.index(step) >= STEPS.index("current")
        assert edition(tmp_path) == (number if switched else live), step
        assert_the_one_before_is_whole(tmp_path)
        live = number if switched else live
    assert writer.write(tmp_path, 99) == (0, "")
    assert edition(tmp_path) == 99
    left = sorted(path.name for path in (tmp_path / "snapshots").iterdir())
    assert len(left) == 2
    assert all(len(name) == 16 for name in left)


def test_killed_at_random_moments_every_index_reads(
    tmp_path: Path, writer: Writer, pytestconfig: pytest.Config
) -> None:
    began = time.monotonic()
    assert writer.write(tmp_path, 0) == (0, "")
    longest = time.monotonic() - began
    rounds = 100 if pytestconfig.getoption("--run-slow") else 12
    moments = random.Random(20261123)
    assert writer.write(tmp_path, 1000) == (0, "")
    live, killed = 1000, 0
    for number in range(1, rounds + 1):
        run = writer.start(tmp_path, number)
        time.sleep(moments.uniform(0, 1.1) * longest)
        with contextlib.suppress(ProcessLookupError):
            os.kill(run, signal.SIGKILL)
        killed += writer.end()[0] == -9
        found = edition(tmp_path)
        assert found in (live, number)
        assert_the_one_before_is_whole(tmp_path)
        live = found
    assert killed > rounds / 4


def test_a_full_disk_keeps_the_old_index_and_says_so(tmp_path: Path, writer: Writer) -> None:
    assert writer.write(tmp_path, 0) == (0, "")
    code, said = writer.write(tmp_path, 1, file_limit="9000")
    assert code == 1
    assert "is full; the index in use is unchanged" in said
    assert edition(tmp_path) == 0
    assert not list((tmp_path / "snapshots").glob("*.building"))
    assert writer.write(tmp_path, 1) == (0, "")
    assert edition(tmp_path) == 1


def test_of_two_writers_the_second_says_who_holds_the_lock(
    tmp_path: Path, writer: Writer, second_writer: Writer
) -> None:
    assert writer.write(tmp_path, 0) == (0, "")
    first = writer.start(tmp_path, 1)
    deadline = time.monotonic() + 60
    while not (tmp_path / "writing.json").exists() and time.monotonic() < deadline:
        time.sleep(0.001)
    code, said = second_writer.write(tmp_path, 2)
    assert (code, writer.end()) == (1, (0, ""))
    assert f"(process {first}, since 20" in said
    assert edition(tmp_path) == 1
