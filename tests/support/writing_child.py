"""Writes variants of a small corpus in processes that are to be killed.

A line on standard input, `HOME N FAILPOINT FILE_LIMIT` ("-" for none), forks a child that has everything imported;
its process id is printed when it starts, and `exit code, message` when it has ended.
"""

import os
import resource
import sys
import tempfile
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


def write(home: str, number: str, failpoint: str, file_limit: str) -> str:
    """The error's line; empty where it was written."""
    if failpoint != "-":
        os.environ["WHICHWAY_FAILPOINT"] = failpoint
    if file_limit != "-":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(file_limit), int(file_limit)))
    settings = Settings(home=Path(home), embedding=EmbeddingSettings(model="hashed"))
    try:
        write_snapshot(variant(int(number)), settings=settings, embedder=HashedBagEmbedder(), made={"tests": "1"})
    except WhichwayError as error:
        return str(error)
    return ""


def main() -> None:
    """Serves until standard input ends."""
    import bm25s  # noqa: F401 - imported once, here, instead of in every child
    import chromadb  # noqa: F401

    for line in sys.stdin:
        with tempfile.TemporaryFile("w+") as said:
            child = os.fork()
            if child == 0:
                said.write(write(*line.split()))
                said.flush()
                os._exit(1 if said.tell() else 0)
            sys.stdout.write(f"{child}\n")
            sys.stdout.flush()
            _, status = os.waitpid(child, 0)
            said.seek(0)
            sys.stdout.write(f"{os.waitstatus_to_exitcode(status)} {said.read()}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
