"""The decoder's parameters in a safetensors file of their own, which its graph refers to.

ONNX keeps tensors outside a graph as places in a file (onnx.proto: TensorProto.external_data), and a safetensors file
is a header and such places. So a board takes an update by writing one file anew, and needs no library for graphs.
"""

import json
from dataclasses import dataclass
from typing import Literal

import numpy as np
import onnx
import safetensors.numpy
from onnx import TensorProto, helper, numpy_helper

from orbitfl.errors import WeightsError

Width = Literal["F32", "F16"]

FILE = "decoder.safetensors"
SCHEMA = {"schema": "orbitfl-decoder-1"}
OWNERS = ("prompt_encoder.", "mask_decoder.")
_TYPES = {"F32": np.float32, "F16": np.float16}


@dataclass(frozen=True)
class Decoder:
    """A graph that needs `weights` beside it as the file `FILE`."""

    graph: onnx.ModelProto
    weights: bytes


def apart(decoder: onnx.ModelProto, width: Width) -> Decoder:
    """The parameters of `decoder` in a file of their own. Half of the width is for storage: it computes in float32.

    Raises WeightsError for a number that half of the width cannot hold.
    """
    graph = onnx.ModelProto()
    graph.CopyFrom(decoder)
    own = [tensor for tensor in graph.graph.initializer if _is_parameter(tensor)]
    arrays = {tensor.name: _stored(tensor, width) for tensor in own}
    content = safetensors.numpy.save(arrays, metadata=SCHEMA)
    places_of = places(content)
    for tensor in own:
        _refer(tensor, arrays[tensor.name], *places_of[tensor.name])
    if width == "F16":
        _widen(graph.graph, list(arrays))
    return Decoder(graph, content)


def _stored(tensor: TensorProto, width: Width) -> np.ndarray:
    with np.errstate(over="ignore"):
        array = numpy_helper.to_array(tensor).astype(_TYPES[width])
    if not np.isfinite(array).all():
        raise WeightsError(
            f"The checkpoint's {tensor.name} is beyond half precision, in which --quantize stores it; leave it out."
        )
    return array


def _is_parameter(tensor: TensorProto) -> bool:
    return tensor.name.startswith(OWNERS) and tensor.data_type == TensorProto.FLOAT


def places(content: bytes) -> dict[str, tuple[int, int]]:
    """Where each tensor's bytes begin and end in the file."""
    start = 8 + int.from_bytes(content[:8], "little")
    entries = json.loads(content[8:start])
    return {
        name: (start + entry["data_offsets"][0], start + entry["data_offsets"][1])
        for name, entry in entries.items()
        if name != "__metadata__"
    }


def _refer(tensor: TensorProto, array: np.ndarray, start: int, end: int) -> None:
    tensor.CopyFrom(
        TensorProto(
            name=tensor.name,
            dims=array.shape,
            data_type=helper.np_dtype_to_tensor_dtype(array.dtype),
            data_location=TensorProto.EXTERNAL,
        )
    )
    for key, value in (("location", FILE), ("offset", str(start)), ("length", str(end - start))):
        tensor.external_data.add(key=key, value=value)


def _widen(graph: onnx.GraphProto, names: list[str]) -> None:
    """Let every node that takes one of these take it in float32; onnxruntime does so once, when it loads the graph."""
    wide = {name: f"{name}.float" for name in names}
    for node in graph.node:
        node.input[:] = [wide.get(name, name) for name in node.input]
    casts = [helper.make_node("Cast", [name], [wide[name]], to=TensorProto.FLOAT) for name in names]
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
