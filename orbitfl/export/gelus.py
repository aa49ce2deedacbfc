"""GELUs as sigmoids: half the time of the exact function, for encoders that are rounded anyway."""

from collections import Counter

import numpy as np
import onnx
from onnx import helper, numpy_helper

STEEPNESS = 1.702
"""x · sigmoid(1.702 x) is GELU(x) to within 0.021 (Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2)."""
RUNTIME = "com.microsoft"

Place = tuple[str, int]
"""A node's name, and which of its inputs."""


def with_sigmoids(encoder: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with each GELU between two linear layers as y · sigmoid(y), y = 1.702 x.

    The layer before computes y, the layer after takes 1.702 out again. Every tensor's shape is noted, which tools
    cannot infer past an operator of onnxruntime's own. GELUs between other things stay.
    """
    graph = onnx.shape_inference.infer_shapes(encoder)
    factors: dict[Place, float] = {}
    for gelu, before, after in _between_layers(graph.graph):
        for place in before:
            factors[place] = factors.get(place, 1) * STEEPNESS
        factors[after] = factors.get(after, 1) / STEEPNESS
        gelu.CopyFrom(helper.make_node("QuickGelu", gelu.input, gelu.output, name=gelu.name, domain=RUNTIME, alpha=1.0))
    _scale(graph.graph, factors)
    graph.opset_import.append(helper.make_opsetid(RUNTIME, 1))
    return graph


def _between_layers(graph: onnx.GraphProto) -> list[tuple[onnx.NodeProto, list[Place], Place]]:
    """Each such GELU, the numbers of the layer before it and the weights of the one after."""
    makers = {name: node for node in graph.node for name in node.output}
    uses = Counter(name for node in graph.node for name in node.input)
    users = {name: node for node in graph.node for name in node.input}
    weights = {tensor.name for tensor in graph.initializer}
    found = []
    for gelu in (node for node in graph.node if node.op_type == "Gelu"):
        after = users[gelu.output[0]]
        before = _numbers(makers[gelu.input[0]], makers, weights)
        alone = uses[gelu.input[0]] == uses[gelu.output[0]] == 1
        if before and alone and after.op_type in ("Conv", "MatMul") and after.input[1] in weights:
            found.append((gelu, before, (after.name, 1)))
    return found


def _numbers(node: onnx.NodeProto, makers: dict[str, onnx.NodeProto], weights: set[str]) -> list[Place]:
    """Weights and bias of a linear layer that ends in `node`; none where it is another."""
    own: list[Place] = [(node.name, place) for place, name in enumerate(node.input) if name in weights]
    if node.op_type == "Conv":
        return own
    matrices = [makers[name] for name in node.input if name in makers and makers[name].op_type == "MatMul"]
    if node.op_type == "Add" and own and matrices and matrices[0].input[1] in weights:
        return [*own, (matrices[0].name, 1)]
    return []


def _scale(graph: onnx.GraphProto, factors: dict[Place, float]) -> None:
    """Tensors may serve several nodes, so each node gets its own."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    nodes = {node.name: node for node in graph.node}
    for (name, place), factor in factors.items():
        values = numpy_helper.to_array(tensors[nodes[name].input[place]]) * np.float32(factor)
        nodes[name].input[place] = f"{name}.{place}"
        graph.initializer.append(numpy_helper.from_array(values, f"{name}.{place}"))
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
