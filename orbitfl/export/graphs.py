"""The network as two ONNX graphs, encoder and decoder, with nothing of torch left in them.

Both have static shapes but for the number of prompts. The older exporter of torch is used: it needs no onnxscript, and
its graphs run faster (`docs/benchmarks.md`).
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from orbitfl.models.mask_decoder import SINGLE_MASK, MaskDecoder
from orbitfl.models.mobile_sam import MobileSam
from orbitfl.models.preprocess import restore
from orbitfl.models.tiny_vit import STRIDE

OPSET = 20
"""The first in which GELU is one operator."""
ANSWERS = ("logits", "iou", "cells", "filters")
LEAST_INDEX = 1024
"""Smaller tables of indices are not worth a node."""


@dataclass(frozen=True)
class Graphs:
    """Encoder: `image` (B, 3, S, S) float32, normalised → `embedding` (B, dim, S/16, S/16).

    Decoder: `embedding`, `points` (B, N, 2) float32 as x, y in pixels of the S frame and `labels` (B, N) int64 →
    `logits` (B, tile, tile) and `iou` (B,), and what masks are drawn from, for boards that learn: `cells` (B, g², dim)
    before they are scaled up, and `filters` (B, dim / 8). Labels: 1 water, 0 not, 2 and 3 the corners of a box, -1 the
    point that belongs after points without a box. N may be 0. Every parameter that it computes with stands in it under
    its official name.
    """

    encoder: onnx.ModelProto
    decoder: onnx.ModelProto


def graphs(model: MobileSam, tile_px: int, batch_size: int) -> Graphs:
    """Both graphs, checked, for tiles of `tile_px`."""
    size, grid = model.image_size, model.image_size // STRIDE
    image = torch.zeros(batch_size, 3, size, size)
    embedding = torch.zeros(batch_size, model.variant.embedding_dim, grid, grid)
    points, labels = torch.zeros(batch_size, 2, 2), torch.ones(batch_size, 2, dtype=torch.int64)
    encoder = _exported(_Encoder(model), (image,), ["image"], ["embedding"], fold=True)
    names = ["embedding", "points", "labels"]
    decoder = _exported(_Decoder(model, tile_px), (embedding, points, labels), names, list(ANSWERS), fold=False)
    return Graphs(_checked(_with_small_indices(encoder)), _checked(decoder))


class _Encoder(nn.Module):
    def __init__(self, model: MobileSam) -> None:
        super().__init__()
        self.image_encoder = model.image_encoder

    def forward(self, image: Tensor) -> Tensor:
        return self.image_encoder(image)


class _Decoder(nn.Module):
    """Prompts, learned tokens and the way back to the tile's pixels included."""

    def __init__(self, model: MobileSam, tile_px: int) -> None:
        super().__init__()
        self.prompt_encoder, self.mask_decoder, self.tile_px = model.prompt_encoder, model.mask_decoder, tile_px

    def forward(self, embedding: Tensor, points: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
        prompts = self.prompt_encoder
        tokens = torch.cat([prompts.learned(len(embedding)), prompts.sparse(points, labels)], dim=1)
        cells, position = embedding + prompts.no_mask(), prompts.image_position()
        with _overheard(self.mask_decoder) as heard:
            logits, iou = self.mask_decoder(cells, position, tokens, SINGLE_MASK)
        return restore(logits, self.tile_px, self.tile_px)[:, 0], iou[:, 0], heard["cells"], heard["filters"]


@contextmanager
def _overheard(decoder: MaskDecoder) -> Iterator[dict[str, Tensor]]:
    """What the decoder's parts say while it decodes."""
    heard: dict[str, Tensor] = {}

    def hear_cells(part: nn.Module, given: Any, said: tuple[Tensor, Tensor]) -> None:
        heard["cells"] = said[1]

    def hear_filters(part: nn.Module, given: Any, said: Tensor) -> None:
        heard["filters"] = said

    handles = (
        decoder.transformer.register_forward_hook(hear_cells),
        decoder.output_hypernetworks_mlps[0].register_forward_hook(hear_filters),
    )
    try:
        yield heard
    finally:
        for handle in handles:
            handle.remove()


def _exported(
    module: nn.Module, inputs: tuple[Tensor, ...], names: list[str], outputs: list[str], fold: bool
) -> onnx.ModelProto:
    buffer: Any = io.BytesIO()  # Which the older exporter takes, but torch's types know of the newer one alone.
    dynamic = {name: {1: "prompts"} for name in names if name in ("points", "labels")}
    with warnings.catch_warnings():  # The exporter warns that it is old, and of each number that it takes as fixed.
        warnings.simplefilter("ignore")
        # In eval mode itself: the exporter gives a module, and all in it, the mode back that it found.
        torch.onnx.export(
            module.eval(),
            inputs,
            buffer,
            dynamo=False,
            opset_version=OPSET,
            input_names=names,
            output_names=outputs,
            dynamic_axes=dynamic,
            do_constant_folding=fold,
        )
    return _bare(onnx.load_from_string(buffer.getvalue()))


def _bare(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Without the exporter's notes on where in the code each node came from."""
    for node in graph.graph.node:
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    return graph


def _checked(graph: onnx.ModelProto) -> onnx.ModelProto:
    onnx.checker.check_model(graph, full_check=True)
    return graph


def _with_small_indices(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Tables of indices below 256 as bytes: int64 makes them an eighth of a small network's file."""
    nodes = [_cast_from_byte(graph.graph, node) for node in graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    return graph


def _cast_from_byte(graph: onnx.GraphProto, node: onnx.NodeProto) -> onnx.NodeProto:
    if node.op_type != "Constant" or node.attribute[0].t.data_type != onnx.TensorProto.INT64:
        return node
    values = numpy_helper.to_array(node.attribute[0].t)
    if values.size < LEAST_INDEX or values.min() < 0 or values.max() > np.iinfo(np.uint8).max:
        return node
    name = node.output[0]
    graph.initializer.append(numpy_helper.from_array(values.astype(np.uint8), f"{name}_byte"))
    return helper.make_node("Cast", [f"{name}_byte"], [name], to=onnx.TensorProto.INT64)
