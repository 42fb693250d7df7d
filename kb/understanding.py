"""Keeps the trained recogniser: shipped with a bundled guide for the bundled encoder, else trained once and kept."""

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from kb import recogniser
from kb.guidebook import read_page
from kb.matching import Matcher
from kb.recogniser import LeftOutResult, Matrix, Recogniser
from kb.settings import Settings
from kb.topics import guide_folder, load_background, load_topics

SHIPPED = "recogniser.npz"
"""In a guide's folder: trained by `whichway eval train`, used where guide, encoder and method are the same."""


def load_recogniser(settings: Settings, *, encoder: str, embed: Callable[[Sequence[str]], Matrix]) -> Recogniser | None:
    """The recogniser of the configured guide's topics for this encoder, trained now if it is not there yet.

    None where no guide with topics is configured. `embed` gives unit rows; it is called only to train. A home that
    cannot be written to costs a training at every start, nothing else.
    """
    guide = settings.topics_guide
    if guide is None:
        return None
    folder = guide_folder(guide, settings.base)
    if not (folder / "topics").is_dir():
        return None
    key = training_key(folder, encoder)
    file = settings.home / "recognisers" / f"{key}.npz"
    for candidate in (folder / SHIPPED, file):
        if candidate.is_file():
            try:
                found = Recogniser.from_bytes(candidate.read_bytes())
            except (ValueError, KeyError, OSError):
                continue  # A torn file: train again and replace it.
            if found.key == key:
                return found
    trained, _ = train_for(folder, settings, encoder=encoder, embed=embed)
    try:
        _write_whole(file, trained.to_bytes())
    except OSError:
        return trained
    return Recogniser.from_bytes(trained.to_bytes())


def train_for(
    folder: Path, settings: Settings, *, encoder: str, embed: Callable[[Sequence[str]], Matrix]
) -> tuple[Recogniser, tuple[LeftOutResult, ...]]:
    """Train on a guide's topics, background and statements; also how each phrasing fares when it is left out."""
    matcher = Matcher(settings.decision.options)
    statements = [
        (topic.id, matcher.nameless(statement.text) or statement.text)
        for page in sorted(folder.glob("*.md"))
        for topic in read_page(page).topics
        for part in topic.parts
        for statement in part.statements
    ]
    return recogniser.train(
        load_topics(folder),
        background=load_background(folder),
        statements=statements,
        encoder=encoder,
        key=training_key(folder, encoder),
        embed=embed,
    )


def training_key(folder: Path, encoder: str) -> str:
    """A hash of all that training depends on: the guide's files, the encoder, the method.

    What was trained for an encoder serves it in any precision: the vectors hardly differ.
    """
    model, _, precision = encoder.rpartition("/")
    if model and precision != "torch":
        encoder = f"{model}/float32"
    digest = hashlib.sha256(
        repr((encoder, recogniser.FEATURES, recogniser.GAMMA, recogniser.RIDGE, "nameless")).encode()
    )
    for path in (*sorted(folder.glob("*.md")), *sorted((folder / "topics").glob("*.toml")), folder / "background.toml"):
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]


def topic_matrix(known: Recogniser, vectors: Matrix, sections_topic: Sequence[str | None]) -> Matrix:
    """How much each statement is about each class, 0 to 1, shape (n, classes).

    A statement may be about several topics. Where its section names a topic of the guide, it is about that one.
    """
    if not len(vectors):
        return np.zeros((0, len(known.classes)), np.float32)
    matrix: Matrix = np.clip(known.scores(vectors) / 0.5, 0.0, 1.0).astype(np.float32)
    matrix[matrix < 0.1] = 0.0
    place = {name: column for column, name in enumerate(known.classes)}
    for row, topic in enumerate(sections_topic):
        if topic in place:
            matrix[row] = 0.0
            matrix[row, place[topic]] = 1.0
    return matrix


def _write_whole(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as out:
        out.write(data)
    Path(out.name).replace(file)
