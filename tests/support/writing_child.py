"""Writes variant N of a small corpus, to be killed: `python writing_child.py HOME N [--file-limit BYTES]`."""

import resource
import sys
from pathlib import Path

from corpora import build_corpus

from kb.embedders import HashedBagEmbedder
from kb.errors import WhichwayError
from kb.records import Corpus
from kb.settings import EmbeddingSettings, Settings
from kb.snapshots import write_snapshot


def variant(number: int) -> Corpus:
    """A corpus that differs from every other variant's."""
    return build_corpus(
        {
            "Which platform": {
                "Streaming": [f"Databricks reads streams, edition {number}.", "Batches wait for the night."],
                "Endpoints": ["Azure Machine Learning moves traffic blue-green.", "Drift is watched there too."],
            },
            "Reference": {f"Page {page}": [f"Cluster page {page} of edition {number}."] for page in range(30)},
        },
        standings={"Which platform": "guide", "Reference": "reference"},
    )


def main(home: str, number: str, *rest: str) -> int:
    """0 where it was written; 1 with the error's line."""
    if rest:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(rest[1]), int(rest[1])))
    settings = Settings(home=Path(home), embedding=EmbeddingSettings(model="hashed"))
    try:
        info = write_snapshot(
            variant(int(number)), settings=settings, embedder=HashedBagEmbedder(), made={"tests": "1"}
        )
    except WhichwayError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(info.id)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
