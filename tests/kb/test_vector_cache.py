"""Nothing is embedded twice, and a cache in any state costs time, never vectors."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.embedders import HashedBagEmbedder, Vector
from kb.encoder_process import embed_all
from kb.settings import EmbeddingSettings, Settings
from kb.vector_cache import VectorCache, _key, indexed_text


class Counting(HashedBagEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.embedded: list[str] = []

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        self.embedded += texts
        return super().embed_documents(texts)


ITEMS = [("Guide", "streams"), ("", "streams"), ("Guide", "batches"), ("Guide", "streams")]


def test_embeds_each_text_in_its_context_once(home: Path) -> None:
    embedder = Counting()
    told: list[tuple[int, int]] = []
    first = VectorCache(home).vectors(embedder, ITEMS, lambda done, total: told.append((done, total)))
    assert sorted(embedder.embedded) == ["Guide\nbatches", "Guide\nstreams", "streams"]
    assert told == [(0, 3), (3, 3)]
    again = VectorCache(home).vectors(embedder, ITEMS[::-1])
    assert len(embedder.embedded) == 3
    np.testing.assert_array_equal(again[::-1], first)
    np.testing.assert_array_equal(first[0], embedder.embed_query(indexed_text(*ITEMS[0])))


def test_another_encoder_has_other_vectors(home: Path) -> None:
    VectorCache(home).vectors(Counting(), ITEMS)
    other = Counting()
    other.name = "another"
    VectorCache(home).vectors(other, ITEMS)
    assert len(other.embedded) == 3


@given(st.tuples(st.text(), st.text(), st.text()), st.tuples(st.text(), st.text(), st.text()))
def test_keys_differ_where_the_parts_do(left: tuple[str, str, str], right: tuple[str, str, str]) -> None:
    assert (_key(*left) == _key(*right)) == (left == right)


@pytest.mark.parametrize("content", [b"", b"not a database" * 100])
def test_a_damaged_cache_is_started_anew(home: Path, content: bytes) -> None:
    (home / "vectors.sqlite3").write_bytes(content)
    embedder = Counting()
    for _ in range(2):
        VectorCache(home).vectors(embedder, ITEMS)
    assert len(embedder.embedded) == 3


def test_a_flipped_vector_is_embedded_again(home: Path) -> None:
    embedder = Counting()
    expected = VectorCache(home).vectors(embedder, ITEMS)
    connection = sqlite3.connect(home / "vectors.sqlite3")
    for key, blob in connection.execute("SELECT key, vector FROM vectors").fetchall():
        connection.execute("UPDATE vectors SET vector = ? WHERE key = ?", (blob[:-1] + b"\x7f", key))
    connection.commit()
    connection.close()
    np.testing.assert_array_equal(VectorCache(home).vectors(embedder, ITEMS), expected)
    assert len(embedder.embedded) == 6


def test_no_place_for_a_cache_is_no_reason_to_fail(home: Path) -> None:
    (home / "vectors.sqlite3").mkdir()
    rows = VectorCache(home).vectors(Counting(), ITEMS)
    np.testing.assert_array_equal(rows[1], HashedBagEmbedder().embed_query("streams"))


def test_a_trouble_that_passes_costs_no_vector(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = Counting()
    VectorCache(home).vectors(embedder, ITEMS)
    with monkeypatch.context() as broken:

        def full(*_: object, **__: object) -> sqlite3.Connection:
            raise sqlite3.OperationalError("unable to open database file")

        broken.setattr(sqlite3, "connect", full)
        VectorCache(home).vectors(embedder, ITEMS)
    VectorCache(home).vectors(embedder, ITEMS)
    assert len(embedder.embedded) == 6  # embedded anew only while the file could not be opened


def test_many_texts_are_embedded_in_a_child(home: Path, encoder_home: Path, bundled_embedder: object) -> None:
    (home / "encoders").symlink_to(encoder_home / "encoders")
    settings = Settings(home=home, embedding=EmbeddingSettings())
    items = [("Guide", f"text {number}") for number in range(205)]
    told: list[tuple[int, int]] = []
    embed_all(
        items,
        settings=settings,
        embedder=bundled_embedder,  # type: ignore[arg-type]
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[-1] == (205, 205)
    assert VectorCache(home).known(bundled_embedder.name, items, 384)[1] == []  # type: ignore[attr-defined]
