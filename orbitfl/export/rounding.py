"""onnxruntime's own quantisation, from graph to graph.

Weights have 7 bits. Where x86-64 has AVX2 but no VNNI (Zen 1, the iX10), two products of 8 bits are added in 16, which
weights of 8 bits can exceed: sums then saturate, silently. Those of 7 cannot, so one kernel, the fastest, serves all.
"""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static

Batches = Sequence[NDArray[np.float32]]
"""What an encoder is shown to see how large its numbers become: each (B, 3, S, S)."""


def dynamic(encoder: onnx.ModelProto) -> onnx.ModelProto:
    """Matrices in INT8, with a scale per channel; scales of what they multiply are found at run time."""
    with _scratch() as path:
        quantize_dynamic(
            _copy(encoder),
            path,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(path)


def static(encoder: onnx.ModelProto, nodes: Sequence[str], batches: Batches) -> onnx.ModelProto:
    """The named nodes in INT8, with a scale per channel; scales of what goes in and out are those of the batches."""
    with _scratch() as path:
        quantize_static(
            _copy(encoder),
            path,
            _Shown(batches),
            nodes_to_quantize=list(nodes),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(path)


class _Shown(CalibrationDataReader):
    def __init__(self, batches: Batches) -> None:
        self.batches = iter(batches)

    def get_next(self) -> dict[str, NDArray[np.float32]]:
        """The next feed; an empty one ends."""
        batch = next(self.batches, None)
        return {} if batch is None else {"image": batch}


@contextmanager
def _scratch() -> Iterator[Path]:
    """A place for a graph, in silence: onnxruntime advises to prepare graphs first, which changes nothing in these."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder) / "encoder.onnx"
    finally:
        logging.disable(before)


def _copy(graph: onnx.ModelProto) -> onnx.ModelProto:
    """onnxruntime moves the weights of what it is given into files."""
    copied = onnx.ModelProto()
    copied.CopyFrom(graph)
    return copied
