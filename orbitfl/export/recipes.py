"""Ways to make the encoder smaller or faster, each tried and measured (`variants`).

What is quantised: matrices alone. Convolutions in INT8 are slower than in float32 on x86-64; their weights are stored
as INT8 and computed with as float32 again. INT8 matrices with signed weights are the fastest, but on x86-64 with AVX2
and without VNNI (Zen 1, the iX10) their 16-bit sums saturate unless `session.x64quantprecision` is "1", as the board's
runtime always sets it; `dynamic_u8` needs no such option.
"""

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

LEAST_WEIGHTS = 1024
"""Smaller tensors stay as they are."""

Recipe = Callable[[onnx.ModelProto], onnx.ModelProto]


def fp32(encoder: onnx.ModelProto) -> onnx.ModelProto:
    return encoder


def weights_fp16(encoder: onnx.ModelProto) -> onnx.ModelProto:
    """Weights stored in half precision; computed in float32."""
    return _stored(encoder, _as_half)


def weights_int8(encoder: onnx.ModelProto) -> onnx.ModelProto:
    """Weights stored as INT8 with a scale per output channel; computed in float32."""
    return _stored(encoder, _as_int8)


def dynamic_s8(encoder: onnx.ModelProto) -> onnx.ModelProto:
    """Matrices in INT8, signed per channel, with scales of what they multiply found at run time; other weights INT8."""
    return _stored(_dynamic(encoder, QuantType.QInt8), _as_int8)


def dynamic_u8(encoder: onnx.ModelProto) -> onnx.ModelProto:
    """As `dynamic_s8` with unsigned weights, which no x86-64 saturates."""
    return _stored(_dynamic(encoder, QuantType.QUInt8), _as_int8)


RECIPES: dict[str, Recipe] = {
    recipe.__name__: recipe for recipe in (fp32, weights_fp16, weights_int8, dynamic_s8, dynamic_u8)
}
INT8 = "dynamic_s8"
"""What `--quantize int8` ships."""


def _dynamic(encoder: onnx.ModelProto, kind: QuantType) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder, _quiet():
        path = Path(folder) / "encoder.onnx"
        quantize_dynamic(encoder, path, op_types_to_quantize=["MatMul"], per_channel=True, weight_type=kind)
        return onnx.load(path)


@contextmanager
def _quiet() -> Iterator[None]:
    """onnxruntime advises to prepare graphs first; that changes nothing in these, whose shapes are all known."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


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
    del graph.graph.node[:], graph.graph.initializer[:]
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
