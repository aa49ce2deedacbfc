"""Ways to make the encoder smaller or faster, each tried and measured (`variants`).

INT8 pays where much is multiplied per value that has to be rounded first: in matrices, and in the neck's convolutions.
In the others rounding costs what it gains, and accuracy; their weights are stored as INT8 and computed with as float32.
"""

from collections.abc import Callable

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from orbitfl.export.gelus import with_sigmoids
from orbitfl.export.rounding import Batches, dynamic, static

LEAST_WEIGHTS = 1024
"""Smaller tensors stay as they are."""

NECK = "/image_encoder/neck/"

Recipe = Callable[[onnx.ModelProto, Batches], onnx.ModelProto]
"""Of an encoder, and of tiles to calibrate on, for those that do."""


def fp32(encoder: onnx.ModelProto, _: Batches) -> onnx.ModelProto:
    return encoder


def weights_fp16(encoder: onnx.ModelProto, _: Batches) -> onnx.ModelProto:
    """Weights stored in half precision; computed in float32."""
    return _stored(encoder, _as_half)


def weights_int8(encoder: onnx.ModelProto, _: Batches) -> onnx.ModelProto:
    """Weights stored as INT8 with a scale per output channel; computed in float32."""
    return _stored(encoder, _as_int8)


def dynamic_s8(encoder: onnx.ModelProto, _: Batches) -> onnx.ModelProto:
    """Matrices in INT8, with scales of what they multiply found at run time; other weights stored as INT8."""
    return _stored(dynamic(encoder), _as_int8)


def static_s8(encoder: onnx.ModelProto, batches: Batches) -> onnx.ModelProto:
    """Matrices and convolutions in INT8, with all scales from the batches."""
    return _stored(static(encoder, _named(encoder, ("MatMul", "Conv")), batches), _as_int8)


def mixed_s8(encoder: onnx.ModelProto, batches: Batches) -> onnx.ModelProto:
    """As `dynamic_s8`, with the neck's convolutions in INT8 by scales from the batches, and GELUs as sigmoids."""
    neck = [name for name in _named(encoder, ("Conv",)) if name.startswith(NECK)]
    return _stored(static(dynamic(with_sigmoids(encoder)), neck, batches), _as_int8)


RECIPES: dict[str, Recipe] = {
    recipe.__name__: recipe for recipe in (fp32, weights_fp16, weights_int8, dynamic_s8, static_s8, mixed_s8)
}
INT8 = "mixed_s8"
"""What `--quantize int8` ships."""


def _named(encoder: onnx.ModelProto, kinds: tuple[str, ...]) -> list[str]:
    return [node.name for node in encoder.graph.node if node.op_type in kinds]


def _stored(encoder: onnx.ModelProto, store: Callable[[str, NDArray[np.float32]], "_Kept"]) -> onnx.ModelProto:
    """The graph with its larger float32 weights replaced by what `store` keeps of them and nodes that restore them."""
    graph = onnx.ModelProto()
    graph.CopyFrom(encoder)
    kept, initializers = [], []
    for tensor in graph.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and int(np.prod(tensor.dims)) >= LEAST_WEIGHTS:
            kept.append(store(tensor.name, numpy_helper.to_array(tensor)))
        else:
            initializers.append(tensor)
    nodes = [node for _, restoring in kept for node in restoring] + list(graph.graph.node)
    del graph.graph.node[:], graph.graph.initializer[:], graph.graph.value_info[:]
    graph.graph.node.extend(nodes)
    graph.graph.initializer.extend([*initializers, *(tensor for tensors, _ in kept for tensor in tensors)])
    onnx.checker.check_model(graph, full_check=True)
    return graph


_Kept = tuple[list[TensorProto], list[onnx.NodeProto]]


def _as_half(name: str, values: NDArray[np.float32]) -> _Kept:
    half = numpy_helper.from_array(values.astype(np.float16), f"{name}.half")
    return [half], [helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT)]


def _as_int8(name: str, values: NDArray[np.float32]) -> _Kept:
    """Symmetric, with a scale per slice of the first axis (output channels of a convolution) or, of a matrix, the last.

    Cast and product are folded into one constant when a graph is loaded; that holds in every runtime.
    """
    axes = tuple(range(1, values.ndim)) if values.ndim != 2 else (0,)
    largest = np.abs(values).max(axis=axes, keepdims=True)
    scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    whole = numpy_helper.from_array(np.rint(values / scale).astype(np.int8), f"{name}.int8")
    scales = numpy_helper.from_array(scale, f"{name}.scale")
    nodes = [
        helper.make_node("Cast", [whole.name], [f"{name}.whole"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{name}.whole", scales.name], [name]),
    ]
    return [whole, scales], nodes
