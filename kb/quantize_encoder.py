"""Writes an encoder's graph again with its products in eight bits: weights a scale a column, activations as they come.

A few channels of a transformer's activations are many times larger than the rest, and one scale has to hold them all.
So each channel is first divided by a factor that its weights are multiplied by (SmoothQuant, Xiao et al. 2023,
equation 4), which the sample texts settle. The product is the same; its rounding error is less than half.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MIGRATION = 0.8
"""How much of a channel's spread the weights take over: the exponent of SmoothQuant."""

_LEAST = 1e-5

Feed = Mapping[str, NDArray[np.int64]]


def quantize(source: Path, target: Path, samples: Sequence[Feed]) -> None:
    """Write `source` to `target` in eight bits; `samples` are inputs that the factors are settled on."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(str(source))
    _smooth(model, _largest(model, source, samples))
    smoothed = target.with_name(f"smoothed-{target.name}")
    onnx.save(model, str(smoothed))
    quantize_dynamic(
        str(smoothed), str(target), op_types_to_quantize=["MatMul"], weight_type=QuantType.QInt8, per_channel=True
    )
    smoothed.unlink()


def _products(model: Any) -> list[tuple[Any, Any]]:
    """The nodes that multiply by a stored matrix of their own, each with that matrix."""
    stored = {each.name: each for each in model.graph.initializer if len(each.dims) == 2}
    used = Counter(name for node in model.graph.node for name in node.input)
    products = [node for node in model.graph.node if node.op_type == "MatMul" and node.input[1] in stored]
    return [(node, stored[node.input[1]]) for node in products if used[node.input[1]] == 1]


def _largest(model: Any, source: Path, samples: Sequence[Feed]) -> dict[str, NDArray[np.float32]]:
    """The largest size that each channel of each product's input reaches over the samples."""
    import onnx
    from onnx import helper

    from kb.compiled_encoder import open_graph

    names = list(dict.fromkeys(node.input[0] for node, _ in _products(model)))
    if not names:
        return {}
    seen = onnx.load(str(source))
    seen.graph.output.extend(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    watched = source.with_name("watched.onnx")
    onnx.save(seen, str(watched))
    session = open_graph(watched)
    watched.unlink()
    largest: dict[str, NDArray[np.float32]] = {}
    for feed in samples:
        for name, values in zip(names, session.run(names, dict(feed)), strict=True):
            size = np.abs(values.reshape(-1, values.shape[-1])).max(axis=0)
            largest[name] = np.maximum(largest[name], size) if name in largest else size
    return largest


def _smooth(model: Any, largest: Mapping[str, NDArray[np.float32]]) -> None:
    """Divide the products' inputs by a factor a channel, and multiply the matrices by it; in place."""
    from onnx import helper, numpy_helper

    products = _products(model)
    divided: dict[int, Any] = {}
    for name, size in largest.items():
        ours = [(node, stored) for node, stored in products if node.input[0] == name]
        matrices = [numpy_helper.to_array(stored) for _, stored in ours]
        heavy = np.max([np.abs(matrix).max(axis=1) for matrix in matrices], axis=0)
        factor = np.maximum(size, _LEAST) ** MIGRATION / np.maximum(heavy, _LEAST) ** (1 - MIGRATION)
        factor = (factor / np.exp(np.log(factor).mean())).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(1 / factor, f"{name}.smoothing"))
        first = min(list(model.graph.node).index(node) for node, _ in ours)
        divided[first] = helper.make_node("Mul", [name, f"{name}.smoothing"], [f"{name}.smoothed"])
        for (node, stored), matrix in zip(ours, matrices, strict=True):
            stored.CopyFrom(numpy_helper.from_array(matrix * factor[:, None], stored.name))
            node.input[0] = f"{name}.smoothed"
    nodes: list[Any] = []
    for place, node in enumerate(model.graph.node):
        nodes += [divided[place]] if place in divided else []
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
