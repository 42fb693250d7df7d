"""A run that is killed, starved of disk or beaten to the lock leaves an index that reads and answers."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kb.embedders import HashedBagEmbedder
from kb.index import open_index
from kb.settings import EmbeddingSettings, Settings
from kb.snapshots import STEPS

ROOT = Path(__file__).resolve().parents[2]
SUPPORT = ROOT / "tests" / "support"


def start(home: Path, number: int, *rest: str, failpoint: str = "") -> "subprocess.Popen[str]":
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, SUPPORT))), "WHICHWAY_FAILPOINT": failpoint}
    return subprocess.Popen(
        [sys.executable, str(SUPPORT / "writing_child.py"), str(home), str(number), *rest],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def write(home: Path, number: int, *rest: str, failpoint: str = "") -> "subprocess.CompletedProcess[str]":
    with start(home, number, *rest, failpoint=failpoint) as child:
        out, err = child.communicate(timeout=120)
    return subprocess.CompletedProcess(child.args, child.returncode, out, err)


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


def test_killed_at_every_step_the_old_or_the_new_index_serves(tmp_path: Path) -> None:
    first = write(tmp_path, 0)
    assert first.returncode == 0, first.stderr
    live = 0
    for number, step in enumerate(STEPS, 1):
        killed = write(tmp_path, number, failpoint=step)
        assert killed.returncode == -9, (step, killed.stderr)
        before, live = live, edition(tmp_path)
        switched = STEPS.index(step) >= STEPS.index("current")
        assert live == (number if switched else before), step
    last = write(tmp_path, 99)
    assert last.returncode == 0, last.stderr
    assert edition(tmp_path) == 99
    left = sorted(path.name for path in (tmp_path / "snapshots").iterdir())
    assert len(left) == 2, left
    assert last.stdout in left


def test_killed_at_random_moments_every_index_reads(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    began = time.monotonic()
    assert write(tmp_path, 0).returncode == 0
    longest = time.monotonic() - began
    rounds = 100 if pytestconfig.getoption("--run-slow") else 20
    moments = random.Random(20261123)
    live = 0
    for number in range(1, rounds + 1):
        child = start(tmp_path, number)
        time.sleep(moments.uniform(0.3, 1.1) * longest)
        child.kill()
        child.communicate()
        found = edition(tmp_path)
        assert found in (live, number)
        live = found


def test_a_full_disk_keeps_the_old_index_and_says_so(tmp_path: Path) -> None:
    assert write(tmp_path, 0).returncode == 0
    starved = write(tmp_path, 1, "--file-limit", "9000")
    assert starved.returncode == 1
    assert "is full; the index in use is unchanged" in starved.stderr
    assert edition(tmp_path) == 0
    assert not list((tmp_path / "snapshots").glob("*.building"))
    assert write(tmp_path, 1).returncode == 0
    assert edition(tmp_path) == 1


def test_of_two_writers_the_second_says_who_holds_the_lock(tmp_path: Path) -> None:
    write(tmp_path, 0)
    first = start(tmp_path, 1)
    owner = tmp_path / "writing.json"
    deadline = time.monotonic() + 60
    while not owner.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    second = write(tmp_path, 2)
    assert first.communicate(timeout=120) and first.returncode == 0
    assert second.returncode == 1
    assert f"(process {first.pid}, since 20" in second.stderr
    assert edition(tmp_path) == 1
