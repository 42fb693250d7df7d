"""The topics of a guide: how people bring a subject up. Never evidence, only a help to recognise a need."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kb.errors import SourceError

Mood = Literal["wanted", "unwanted", "have", "not_yet", "question"]
MOODS: tuple[Mood, ...] = ("wanted", "unwanted", "have", "not_yet", "question")

GUIDES = Path(__file__).parent / "guide"


@dataclass(frozen=True, slots=True)
class Topic:
    """One subject of the decision; `phrasings` are pairs of a mood and the words somebody used."""

    id: str
    title: str
    page: str
    about: str
    names: tuple[str, ...]
    phrasings: tuple[tuple[Mood, str], ...]
    asset: bool = False
    """Whether having the subject speaks for the option that is strong at it; else having it means that it is done."""


def guide_folder(guide: str, base: Path) -> Path:
    """The folder of a guide: a bundled one by its name, else a path from `base`."""
    bundled = GUIDES / guide
    return bundled if bundled.is_dir() and "/" not in guide else base / guide


def load_topics(folder: Path) -> tuple[Topic, ...]:
    """The topics of a guide folder, by id; empty where it lists none. SourceError names a file at fault."""
    return tuple(_load(path) for path in sorted((folder / "topics").glob("*.toml")))


def load_background(folder: Path) -> tuple[str, ...]:
    """Sentences of a story that ask for nothing: what a need has to be told from."""
    path = folder / "background.toml"
    if not path.is_file():
        return ()
    return tuple(str(line) for line in tomllib.loads(path.read_text(encoding="utf-8"))["background"])


def _load(path: Path) -> Topic:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        phrasings: list[tuple[Mood, str]] = []
        for mood in MOODS:
            key = "questions" if mood == "question" else mood
            phrasings += [(mood, str(words)) for words in data.get(key, [])]
        return Topic(
            id=str(data["id"]),
            title=str(data["title"]),
            page=str(data["page"]),
            about=str(data.get("about", "")),
            names=tuple(str(name) for name in data.get("names", [])),
            phrasings=tuple(phrasings),
            asset=bool(data.get("asset", False)),
        )
    except (tomllib.TOMLDecodeError, KeyError, UnicodeDecodeError) as error:
        raise SourceError(f"topics/{path.name}: {error} (the format is in docs/guide.md)") from None
