"""Encodes many texts in a child process that fills the vector cache, so that the process that asks stays small.

The child is `python -m kb.encoder_process`: a line of JSON (`home`, `model`, `precision`) on its standard input, then a
line `[context, text]` for each text; it prints a line `done total` after each batch. Run one a machine to embed a
large corpus on several, each with a share of the texts and a home of its own.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from kb.embedders import Embedder, HashedBagEmbedder, child_environment, load_embedder
from kb.errors import WhichwayError
from kb.settings import EmbeddingSettings, Settings
from kb.vector_cache import VectorCache

WORTH_A_PROCESS = 200
"""Fewer texts are encoded in place: starting a child takes half a second."""


def fill_cache(
    items: Sequence[tuple[str, str]],
    *,
    settings: Settings,
    embedder: Embedder,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Puts the vectors of all `(context, text)` pairs into the cache of the home, in a child where they are many.

    WhichwayError where the child fails; what it has finished stays in the cache.
    """
    cache = VectorCache(settings.home)
    missing = cache.missing(embedder.name, items, embedder.dimension)
    known = len(items) - len(missing)
    if len(missing) < WORTH_A_PROCESS or isinstance(embedder, HashedBagEmbedder):
        cache.vectors(embedder, items, progress)
        return
    task = {
        "home": str(settings.home.resolve()),
        "model": settings.embedding.model,
        "precision": settings.embedding.precision,
    }
    with tempfile.TemporaryFile("w+", encoding="utf-8") as source, tempfile.TemporaryFile("w+") as complaints:
        source.write(json.dumps(task) + "\n")
        source.writelines(json.dumps(items[row]) + "\n" for row in missing)
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
                if progress:
                    progress(known + int(line.split()[0]), len(items))
        if child.returncode != 0:
            complaints.seek(0)
            last = (complaints.read().strip() or f"exit code {child.returncode}").splitlines()[-1]
            raise WhichwayError(f"embedding failed: {last}; what was embedded is kept, run it again")


def main(source: IO[str], report: IO[str]) -> int:
    """Encodes what `source` names into the cache; 1 with a line on standard error without the encoder."""
    task = json.loads(source.readline())
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
