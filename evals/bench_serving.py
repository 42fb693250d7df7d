"""Measures the product as a user starts it: the command line and the server, each in a process of its own."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from kb.embedders import child_environment
from kb.errors import WhichwayError
from kb.settings import Settings

START_SECONDS = 120
_CLIENTS = 64


@dataclass(frozen=True, slots=True)
class Load:
    """Seconds from when each question was due to its answer, so that waiting counts; and how many failed."""

    seconds: tuple[float, ...]
    failed: int


@dataclass(frozen=True, slots=True)
class Serving:
    """A running server: where it is, its process, how long it took to answer its first request."""

    url: str
    pid: int
    ready_seconds: float

    def ask(self, question: str) -> None:
        """One answer over HTTP. OSError where the server refuses or fails."""
        body = json.dumps({"question": question}).encode()
        request = urllib.request.Request(  # noqa: S310 - our own server on loopback
            f"{self.url}api/ask", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            response.read()

    def megabytes(self) -> float:
        """Resident memory; 0 where the system does not tell."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        except OSError:
            return 0.0
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def cold_ask(settings: Settings, question: str) -> float:
    """Seconds of a fresh `whichway ask`, from the start of the process to its end."""
    command = [sys.executable, "-m", "kb.cli", *_options(settings), "ask", "--json", question]
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(settings), timeout=START_SECONDS)
    took = time.perf_counter() - begun
    if done.returncode:
        raise WhichwayError(
            f"the timed `whichway ask` failed: {(done.stderr.strip() or 'no message').splitlines()[-1]}"
        )
    return took


@contextlib.contextmanager
def serving(settings: Settings) -> Iterator[Serving]:
    """A `whichway serve` on a free port. WhichwayError where it does not start."""
    command = [sys.executable, "-m", "kb.cli", *_options(settings), "serve", "--port", "0"]
    begun = time.perf_counter()
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=_environment(settings)
    )
    stuck = threading.Timer(START_SECONDS, child.kill)
    stuck.start()
    try:
        assert child.stdout is not None
        line = child.stdout.readline()
        if " at " not in line:
            raise WhichwayError("the timed `whichway serve` did not start; try: whichway doctor")
        url = line.rsplit(" ", 1)[1].strip()
        _wait_until_healthy(url)
        stuck.cancel()
        yield Serving(url, child.pid, time.perf_counter() - begun)
    finally:
        stuck.cancel()
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(15)
        child.kill()
        child.communicate()


def open_loop(ask: Callable[[str], None], questions: Sequence[str], *, rate: float, seconds: float) -> Load:
    """Questions at their due times whether or not earlier ones are answered."""
    total = max(1, round(rate * seconds))
    begun = time.perf_counter()

    def one(number: int) -> float | None:
        due = begun + number / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        try:
            ask(questions[number % len(questions)])
        except OSError:
            return None
        return time.perf_counter() - due

    with ThreadPoolExecutor(_CLIENTS) as pool:
        found = list(pool.map(one, range(total)))
    kept = tuple(took for took in found if took is not None)
    return Load(kept, total - len(kept))


def saturation(ask: Callable[[str], None], questions: Sequence[str], *, seconds: float, clients: int = 4) -> float:
    """Answers a second of so many clients that each ask again at once."""
    begun = time.perf_counter()

    def one(client: int) -> int:
        answered = 0
        while time.perf_counter() - begun < seconds:
            ask(questions[(client * 31 + answered) % len(questions)])
            answered += 1
        return answered

    with ThreadPoolExecutor(clients) as pool:
        answered = sum(pool.map(one, range(clients)))
    return answered / (time.perf_counter() - begun)


def _wait_until_healthy(url: str) -> None:
    for _ in range(START_SECONDS * 20):
        try:
            with urllib.request.urlopen(f"{url}api/health", timeout=10) as response:  # noqa: S310
                response.read()
            return
        except OSError:
            time.sleep(0.05)
    raise WhichwayError("the timed `whichway serve` does not answer; try: whichway doctor")


def _options(settings: Settings) -> list[str]:
    config = ["--config", str(settings.file)] if settings.file else []
    return [*config, "--home", str(settings.home)]


def _environment(settings: Settings) -> dict[str, str]:
    return (
        child_environment()
        | os.environ
        | {
            "PYTHONPATH": child_environment()["PYTHONPATH"],
            "WHICHWAY_EMBEDDING_MODEL": settings.embedding.model,
            "WHICHWAY_EMBEDDING_PRECISION": settings.embedding.precision,
            "WHICHWAY_STORE_URL": "local",
            "WHICHWAY_MODEL_NAME": "",
            "WHICHWAY_WEB_RATE_PER_MINUTE": "1000000",
        }
    )
