"""Encodes many texts in child processes that fill the vector cache, so that the process that asks stays small.

A child is `python -m kb.encoder_process`: a line of JSON (`home`, `model`, `precision`, `cores`) on its standard
input, then a line `[context, text]` for each text; it prints a line `done total` after each batch. Run one a machine to
embed a large corpus on several, each with a share of the texts and a home of its own.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from kb.embedders import Embedder, HashedBagEmbedder, Vector, child_environment, load_embedder
from kb.errors import WhichwayError
from kb.settings import EmbeddingSettings, Settings
from kb.vector_cache import VectorCache

WORTH_A_PROCESS = 200
"""Fewer texts are encoded in place: starting a child takes half a second."""

PROCESSES = 4
"""At most so many children, each with cores of its own: two with a core each are faster than one with both, whose
threads wait for each other at every layer.
"""

Progress = Callable[[int, int], None]


def embed_all(
    items: Sequence[tuple[str, str]],
    *,
    settings: Settings,
    embedder: Embedder,
    progress: Progress | None = None,
) -> Vector:
    """Vectors `(n, d)` of all `(context, text)` pairs, by way of the home's cache; in children where many are missing.

    WhichwayError where a child fails; what was finished stays in the cache.
    """
    cache = VectorCache(settings.home)
    known, rows = cache.known(embedder.name, items, embedder.dimension)
    missing = list(dict.fromkeys(items[row] for row in rows))
    if not missing:
        return known
    if len(missing) < WORTH_A_PROCESS or isinstance(embedder, HashedBagEmbedder):
        return cache.vectors(embedder, items, progress)
    missing.sort(key=lambda item: (len(item[0]) + len(item[1]), item))
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    children = max(1, min(len(cores), PROCESSES, len(missing) // (WORTH_A_PROCESS // 2)))
    here = len(items) - len(missing)
    done = [0] * children

    def encode(child: int) -> str:
        task = {
            "home": str(settings.home.resolve()),
            "model": settings.embedding.model,
            "precision": settings.embedding.precision,
            "cores": cores[child::children],
        }

        def tell(finished: int) -> None:
            done[child] = finished
            if progress:
                progress(here + sum(done), len(items))

        # Dealt out by length, so that the children end together.
        return _run_child(task, missing[child::children], tell)

    with ThreadPoolExecutor(children) as pool:
        complaints = [complaint for complaint in pool.map(encode, range(children)) if complaint]
    if complaints:
        raise WhichwayError(f"embedding failed: {complaints[0]}; what was embedded is kept, run it again")
    return cache.vectors(embedder, items)


def _run_child(task: dict[str, Any], items: Sequence[tuple[str, str]], tell: Callable[[int], None]) -> str:
    """Runs one child to its end; what it complained of, "" where it did not fail."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as source, tempfile.TemporaryFile("w+") as complaints:
        source.write(json.dumps(task) + "\n")
        source.writelines(json.dumps(item) + "\n" for item in items)
        source.seek(0)
        with subprocess.Popen(
            [sys.executable, "-m", "kb.encoder_process"],
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            env=child_environment(),
        ) as child:
            assert child.stdout is not None
            for line in child.stdout:
                tell(int(line.split()[0]))
        if child.returncode == 0:
            return ""
        complaints.seek(0)
        return (complaints.read().strip() or f"exit code {child.returncode}").splitlines()[-1]


def main(source: IO[str], report: IO[str]) -> int:
    """Encodes what `source` names into the cache, on its cores; 1 with a line on standard error without the encoder."""
    task = json.loads(source.readline())
    if task.get("cores"):
        with contextlib.suppress(OSError):  # a core that was taken away meanwhile
            os.sched_setaffinity(0, task["cores"])
    items = [(context, text) for context, text in map(json.loads, source)]
    home = Path(task["home"])
    try:
        embedder = load_embedder(EmbeddingSettings(model=task["model"], precision=task["precision"]), home)
    except WhichwayError as error:
        sys.stderr.write(f"{error}\n")
        return 1

    def tell(done: int, total: int) -> None:
        report.write(f"{done} {total}\n")
        report.flush()

    VectorCache(home).vectors(embedder, items, tell)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.stdin, sys.stdout))
