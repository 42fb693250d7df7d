"""How words are cut and what BM25 finds."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.lexical import LexicalIndex, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Streaming streams", ["stream", "stream"]),
        ("the platform's CI/CD", ["platform", "ci/cd", "ci", "cd"]),
        ("Blue-Green", ["blue-green", "blue", "green"]),
        ("ms.date: 2026-11", ["ms.date", "ms", "date", "2026-11", "2026", "11"]),
        ("C++ and C#", ["c++", "c", "c#", "c"]),
        ("not in the night.", ["not", "night"]),
        ("ﬁle “Spark”…", ["file", "spark"]),
        ("", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_a_rare_word_weighs_more_and_order_is_stable(tmp_path: Path) -> None:
    texts = ["cluster cluster rare", "cluster word", "cluster word", "nothing here"]
    LexicalIndex.build(texts).save(tmp_path / "words")
    scores = LexicalIndex.load(tmp_path / "words").scores("rare clusters")
    assert scores[0] > scores[1] == scores[2] > scores[3] == 0


def test_what_is_read_scores_as_bm25s_does(tmp_path: Path) -> None:
    texts = [f"cluster {'rare ' * (n % 3)}word{n % 7} {'stream ' * (n % 2)}" for n in range(50)]
    built = LexicalIndex.build(texts)
    built.save(tmp_path / "words")
    read = LexicalIndex.load(tmp_path / "words")
    for query in ("rare cluster", "word3 stream stream", "word6", "nothing of it"):
        numbers = sorted(built._made.vocab_dict[w] for w in tokens(query) if w in built._made.vocab_dict)
        expected = built._made.get_scores_from_ids(numbers) if numbers else np.zeros(50, np.float32)
        np.testing.assert_array_equal(read.scores(query), expected)
        np.testing.assert_array_equal(built.scores(query), expected)


@pytest.mark.parametrize("name", ["params.index.json", "vocab.index.json", "data.csc.index.npy"])
def test_a_damaged_file_is_an_error_that_is_expected(tmp_path: Path, name: str) -> None:
    LexicalIndex.build(["one cluster"]).save(tmp_path / "words")
    for content in (b"", b"[]" if name.startswith("params") else b"{"):
        (tmp_path / "words" / name).write_bytes(content)
        with pytest.raises((OSError, ValueError)):
            LexicalIndex.load(tmp_path / "words")


def test_the_files_are_the_same_every_time(tmp_path: Path) -> None:
    texts = ["one cluster of many words", "many more words", ""]
    for name in ("a", "b"):
        LexicalIndex.build(texts).save(tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@given(st.lists(st.text(), max_size=5), st.text())
def test_any_text_can_be_indexed_and_asked(texts: list[str], query: str) -> None:
    scores = LexicalIndex.build(texts).scores(query)
    assert scores.shape == (len(texts),)
    assert (scores >= 0).all()
