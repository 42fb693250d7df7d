"""The knowledge bases that sets are asked of, each in a home of its own under `<home>/evals/kb/`."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.asking import Progress
from evals.cache import code_version, key_of
from evals.golden import BaseName
from kb.errors import UsageError
from kb.records import Corpus
from kb.settings import Settings, SourceSettings

if TYPE_CHECKING:
    from kb.snapshots import Helpers

ARTICLE_FILE = "corpus/article/azure-machine-learning-vs-databricks.html"
_SHARED = ("encoders", "recognisers", "vectors.sqlite3")
"""What costs minutes to make and depends on content alone: the homes of all evaluations use the user's."""


def find_test_data() -> Path:
    """The folder of test data: WHICHWAY_TEST_DATA, else `shared` beside the checkout. UsageError where it is not."""
    named = os.environ.get("WHICHWAY_TEST_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        raise UsageError(f"no test data in {str(folder)!r}; name its folder in WHICHWAY_TEST_DATA")
    return folder


def base_sources(base: BaseName) -> tuple[SourceSettings, ...]:
    """What a knowledge base is made of."""
    if base == "guide":
        return (SourceSettings(guide="azure-ml-vs-databricks"),)
    data = find_test_data()
    article = SourceSettings(path=str(data / ARTICLE_FILE), standing="comparison")
    if base == "article":
        return (article,)
    return (article, SourceSettings(path=str(data / "corpus" / "docs")))


def eval_settings(settings: Settings, name: str, sources: Sequence[SourceSettings]) -> Settings:
    """The user's settings with these sources, a local store, and the home `<home>/evals/kb/<name>`."""
    home = settings.home / "evals" / "kb" / name
    home.mkdir(parents=True, exist_ok=True)
    share(settings.home, home)
    return settings.model_copy(
        update={
            "home": home,
            "source": tuple(sources),
            "store": settings.store.model_copy(update={"url": "local"}),
        }
    )


def share(source: Path, home: Path) -> None:
    """Let `home` use the encoders and the vectors of `source`."""
    for name in _SHARED:
        if not name.endswith(".sqlite3"):
            (source / name).mkdir(parents=True, exist_ok=True)
        if not (home / name).exists() and not (home / name).is_symlink():
            (home / name).symlink_to((source / name).resolve())


def prepare(base: BaseName, settings: Settings, progress: Progress | None = None) -> Settings:
    """Settings whose index is the knowledge base `base`: built, or reused where nothing that it rests on changed."""
    ours = eval_settings(settings, base, base_sources(base))
    key = key_of(ours.fingerprint(), code_version("kb", "ingest"), [_state(source) for source in ours.source])
    stamp = ours.home / "made"
    if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == key and (ours.home / "CURRENT").exists()):
        from ingest.pipeline import run_ingest

        run_ingest(ours, progress=progress)
        stamp.write_text(key, encoding="utf-8")
    return ours


def derive(index: Any, base: Settings, name: str, change: Callable[[Corpus], Corpus]) -> Settings:
    """Settings whose index is a changed copy of an open one, kept beside it under `name` and reused.

    `name` says all that the change depends on.
    """
    from kb.snapshots import write_snapshot

    home = base.home / "derived" / f"{name}-{index.snapshot_id[:8]}"
    ours = base.model_copy(update={"home": home})
    if not (home / "made").is_file():
        home.mkdir(parents=True, exist_ok=True)
        share(base.home, home)
        made = {"derived": name}
        write_snapshot(change(index.corpus), settings=ours, embedder=index.embedder, made=made, helpers=unstored())
        (home / "made").touch()
    return ours


def unstored() -> "Helpers":
    """Helpers that leave a snapshot without its vector store, which one so small is never searched with.

    Filling and verifying it takes two processes a second or two, and an evaluation makes hundreds of indexes.
    """
    from kb.snapshots import Helpers

    return Helpers(fill_beside=lambda _: lambda: "exact", verify_apart=lambda _: None)


def _state(source: SourceSettings) -> list[tuple[str, int, int]]:
    """Names, sizes and times of a source's files. The bundled guide is part of the code's version already."""
    if source.path is None:
        return []
    root = Path(source.path)
    files = sorted(root.rglob("*")) if root.is_dir() else [root]
    return [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file()]
