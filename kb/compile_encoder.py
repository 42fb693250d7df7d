"""Compiles a sentence-transformers model: run as `python -m kb.compile_encoder MODEL_FOLDER PLACE NAME PRECISION`.

A program of its own, so that torch is imported in a process that ends. It writes `model.onnx`, `tokenizer.json` and
`encoder.json` to a folder beside PLACE, and `documents.onnx` where documents are embedded in another precision than
questions; checks the compiled encoder against sentence-transformers, and renames the folder to PLACE. Where the model
cannot be compiled, `encoder.json` holds the reason under `not_compiled`.
"""

import json
import logging
import os
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kb.attention import unmask
from kb.compiled_encoder import DOCUMENTS, CompiledEmbedder, open_graph
from kb.files import sync_tree

log = logging.getLogger(__name__)

COSINE_TOLERANCE = 1e-4
"""How far a compiled float32 vector may be from sentence-transformers' own, as 1 - cosine."""

_PLAIN, _SMALL = "plain.onnx", "small.onnx"
"""On the way: the graph before it is optimized, and the same in eight bits."""

_SAMPLE_ROWS = 8

LEAST_IN_EIGHT_BITS = 0.98
"""The cosine that a document's vector in eight bits has at least with its own; else documents stay in float32."""

_PROBE = "A blue-green rollout moves traffic to the new model step by step and back when the error rate rises."
_ODD = (
    "a",
    "   \n\t ",
    "Zürich’s naïve café — 東京 🙂 «ok»",
    "SELECT count(*) FROM events WHERE ts > now() - INTERVAL 5 MINUTES;",
    "https://example.org/a/b?c=d#e and C:\\temp\\x.txt",
    "word " * 600,
    _PROBE,
)


class CannotCompileError(Exception):
    """The model has to run in sentence-transformers."""


def main(arguments: Sequence[str]) -> int:
    """Exit code 0: PLACE is there, compiled or with the reason why not; 1 with a line on standard error otherwise."""
    model, place, name, precision = Path(arguments[0]), Path(arguments[1]), arguments[2], arguments[3]
    warnings.simplefilter("ignore")
    folder = Path(tempfile.mkdtemp(prefix=".compiling-", dir=place.parent))
    try:
        try:
            about = _compile(model, folder, name=name, precision=precision)
        except CannotCompileError as reason:
            about = {"not_compiled": str(reason)}
        for file in folder.glob("*.onnx"):
            if "not_compiled" in about or file.name not in ("model.onnx", DOCUMENTS):
                file.unlink()
        about["bytes"] = {file.name: file.stat().st_size for file in sorted(folder.glob("*.onnx"))}
        (folder / "encoder.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
        folder.chmod(0o755)
        sync_tree(folder)
        old = place.with_name(f".old-{place.name}-{os.getpid()}")
        if place.exists():
            place.rename(old)
        try:
            folder.rename(place)
        except OSError:  # another process was first: its encoder is as good
            if not (place / "encoder.json").is_file():
                raise
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _compile(model_folder: Path, folder: Path, *, name: str, precision: str) -> dict[str, Any]:
    import torch
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(model_folder), device="cpu", local_files_only=True).eval()
    body = getattr(model[0], "auto_model", None)
    if body is not None and hasattr(body, "set_attn_implementation"):
        body.set_attn_implementation("eager")  # its graph is plainer: a tenth faster than scaled_dot_product_attention
    tokenizer = getattr(model.tokenizer, "backend_tokenizer", None)
    if tokenizer is None:
        raise CannotCompileError("its tokenizer is not a tokenizers one")
    if any(not getattr(module, "include_prompt", True) for module in model) and any(model.prompts.values()):
        raise CannotCompileError("its pooling leaves the prompt out")
    if not model.max_seq_length:
        raise CannotCompileError("it states no longest input")

    class Encoder(torch.nn.Module):
        """Token ids to unit vectors: every module of the model, in order."""

        def __init__(self, names: list[str]) -> None:
            super().__init__()
            self.model = model
            self.names = names

        def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
            found = self.model(dict(zip(self.names, tensors, strict=True)))
            return torch.nn.functional.normalize(found["sentence_embedding"], dim=-1)

    sample = {k: v for k, v in model.preprocess([_PROBE, "two words"]).items() if isinstance(v, torch.Tensor)}
    known = ("input_ids", "attention_mask", "token_type_ids")
    if not {"input_ids", "attention_mask"} <= set(sample) <= set(known):
        raise CannotCompileError(f"its inputs are {', '.join(sorted(sample))}")
    inputs = [key for key in known if key in sample]
    batch = torch.export.Dim("batch", min=1, max=4096)
    length = torch.export.Dim("length", min=2, max=int(model.max_seq_length))
    try:
        with torch.no_grad():
            program = torch.onnx.export(
                Encoder(inputs).eval(),
                tuple(sample[key] for key in inputs),
                dynamo=True,
                dynamic_shapes=(tuple({0: batch, 1: length} for _ in inputs),),
                input_names=inputs,
                output_names=["vector"],
                verbose=False,
            )
        assert program is not None
        program.save(str(folder / _PLAIN), external_data=False)
        fuse(folder / _PLAIN, getattr(body, "config", None))
        open_graph(folder / _PLAIN, write_to=folder / "model.onnx")
    except Exception as error:  # noqa: BLE001 - any failure of the exporter means: run the model as it is
        reason = (str(error).splitlines() or [""])[0]
        raise CannotCompileError(f"{type(error).__name__}: {reason}") from None
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(folder / "tokenizer.json"))
    about: dict[str, Any] = {
        "name": name,
        "dimension": int(model.get_embedding_dimension() or 0),
        "max_tokens": int(model.max_seq_length),
        "inputs": inputs,
        "pad_id": int(model.tokenizer.pad_token_id or 0),
        "query_prompt": model.prompts.get("query", ""),
        "document_prompt": model.prompts.get("document", ""),
        "optimized": True,
        "heads": int(getattr(getattr(body, "config", None), "num_attention_heads", 0)),
    }
    (folder / "encoder.json").write_text(json.dumps(about), encoding="utf-8")
    return about | _checked(folder, model, precision)


def _checked(folder: Path, model: Any, precision: str) -> dict[str, Any]:
    """Compares with sentence-transformers on the bundled guide's own text and on odd input, and adds eight bits."""
    from kb.quantize_encoder import quantize

    texts = [*_ODD, *_guide_texts()]
    expected = np.asarray(model.encode_document(texts, normalize_embeddings=True, show_progress_bar=False))

    def compared() -> dict[str, Any]:
        cosines = np.sum(CompiledEmbedder(folder, trusted=True).embed_documents(texts) * expected, axis=1)
        return {"texts": len(texts), "min_cosine": float(cosines.min()), "mean_cosine": float(cosines.mean())}

    checked = compared()
    if checked["min_cosine"] < 1 - COSINE_TOLERANCE:
        raise CannotCompileError(f"the compiled encoder differs: cosine {checked['min_cosine']:.6f}")
    found: dict[str, Any] = {"checked": checked}
    if precision != "float32":
        small = folder / DOCUMENTS
        try:
            quantize(folder / _PLAIN, folder / _SMALL, _samples(model, texts))
            open_graph(folder / _SMALL, write_to=small)
            about = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
            found["one_length"] = _unmasked(small, about["heads"])
            (folder / "encoder.json").write_text(json.dumps(about | found), encoding="utf-8")
            found["in_eight_bits"] = compared()
            whole = found["in_eight_bits"]["min_cosine"] < LEAST_IN_EIGHT_BITS
        except Exception as error:  # noqa: BLE001 - any failure means: documents in float32 as well
            found["in_eight_bits"] = {"failed": f"{type(error).__name__}: {error}"}
            whole = True
        if whole:
            small.unlink(missing_ok=True)
            found["one_length"] = False
        elif precision == "int8":
            small.replace(folder / "model.onnx")
    probe = CompiledEmbedder(folder, trusted=True).embed_query(_PROBE).tolist()
    return found | {"probe": {"text": _PROBE, "vector": probe}}


def _unmasked(graph: Path, heads: int) -> bool:
    """Whether the attention of a graph could be rewritten, so that it takes texts of one length at a time."""
    import onnx

    rewritten = onnx.load(str(graph))
    if not heads or not unmask(rewritten, heads):
        return False
    onnx.save(rewritten, str(graph))
    return True


def _samples(model: Any, texts: Sequence[str]) -> list[dict[str, Any]]:
    ordered = sorted(texts, key=len)
    batches = [ordered[start : start + _SAMPLE_ROWS] for start in range(0, len(ordered), _SAMPLE_ROWS)]
    known = ("input_ids", "attention_mask", "token_type_ids")
    read = [model.preprocess(list(batch)) for batch in batches]
    return [{name: batch[name].numpy() for name in known if name in batch} for batch in read]


def fuse(path: Path, config: Any) -> None:
    """Fuse the graph's layer norms and activations, in place, where its kind of transformer is known.

    It is half the time of the plain graph. `config`: the transformer's own.
    """
    from onnxruntime.transformers.fusion_options import FusionOptions
    from onnxruntime.transformers.optimizer import optimize_model

    heads, hidden = getattr(config, "num_attention_heads", 0), getattr(config, "hidden_size", 0)
    if getattr(config, "model_type", "") not in {"bert", "roberta", "xlm-roberta"} or not heads:
        return
    how = FusionOptions("bert")
    how.enable_skip_layer_norm = how.enable_bias_skip_layer_norm = False  # five times slower than an addition before it
    optimized = optimize_model(
        str(path), model_type="bert", num_heads=heads, hidden_size=hidden, opt_level=0, optimization_options=how
    )
    optimized.save_model_to_file(str(path))


def _guide_texts() -> list[str]:
    pages = sorted((Path(__file__).parent / "guide").rglob("*.md"))
    lines = [line for page in pages for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("- ")]
    return [re.sub(r"\s*\[\^[\w-]+\]", "", line[2:]) for line in lines[:200]]


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    sys.exit(main(sys.argv[1:]))
