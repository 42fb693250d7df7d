"""Rewrites the attention of an encoder's graph as one operation a layer, for batches without padding.

Scores, softmax and sum are then computed block by block and never stored whole (FlashAttention, Dao et al. 2022,
arXiv:2205.14135; onnxruntime's `MultiHeadAttention`), which it does only where nothing is masked.
"""

from typing import Any


def unmask(model: Any, heads: int) -> bool:
    """Rewrite every attention of an ONNX model, in place; False, and nothing changed, where one is of another kind.

    The model then ignores its mask: the texts of a batch have to be of one length.
    """
    from onnx import helper

    made = {name: node for node in model.graph.node for name in node.output}
    used: dict[str, list[Any]] = {}
    for node in model.graph.node:
        for name in node.input:
            used.setdefault(name, []).append(node)

    def before(node: Any, place: int, kind: str) -> Any:
        found = made.get(node.input[place])
        return found if found is not None and found.op_type == kind else None

    def after(node: Any, kind: str) -> Any:
        users = used.get(node.output[0], [])
        return users[0] if len(users) == 1 and users[0].op_type == kind else None

    fused: dict[str, Any] = {}
    gone: set[str] = set()
    for softmax in (node for node in model.graph.node if node.op_type == "Softmax"):
        masked = before(softmax, 0, "Add")
        scores = masked and (before(masked, 0, "FusedMatMul") or before(masked, 0, "MatMul"))
        summed = after(softmax, "MatMul")
        turned = summed and after(summed, "Transpose")
        whole = turned and after(turned, "Reshape")
        if not whole:
            return False
        views = [before(scores, 0, "Transpose"), before(scores, 1, "Transpose"), before(summed, 1, "Transpose")]
        split = [view and before(view, 0, "Reshape") for view in views]
        scale = next((each.f for each in scores.attribute if each.name == "alpha"), 0.0)
        if not all(split) or not scale:
            return False
        sources = [reshape.input[0] for reshape in split]
        fused[whole.output[0]] = helper.make_node(
            "MultiHeadAttention",
            sources,
            [whole.output[0]],
            domain="com.microsoft",
            num_heads=heads,
            scale=scale,
        )
        gone |= {node.output[0] for node in (masked, scores, softmax, summed, turned, *views)}
    if not fused:
        return False
    nodes = [fused.get(node.output[0], node) for node in model.graph.node if node.output[0] not in gone]
    del model.graph.node[:]
    model.graph.node.extend(_needed(nodes, {output.name for output in model.graph.output}))
    return True


def _needed(nodes: list[Any], wanted: set[str]) -> list[Any]:
    """The nodes that the wanted values are computed from: what made the mask would be run for nothing."""
    kept: list[Any] = []
    for node in reversed(nodes):  # what a node takes in stands before it
        if not wanted.isdisjoint(node.output):
            wanted |= set(node.input)
            kept.append(node)
    return kept[::-1]
