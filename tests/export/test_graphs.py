"""The graphs in onnxruntime against the network in torch."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from orbitfl.export.graphs import Graphs, graphs
from orbitfl.models.mobile_sam import VARIANTS, MobileSam, build
from orbitfl.models.preprocess import restore

SIZE_PX, TILE_PX, BATCH = 64, 48, 2


def _lively(variant: str) -> MobileSam:
    """A network in which every parameter matters: no zero biases, bias tables or residuals."""
    torch.manual_seed(7)
    model = build(variant, SIZE_PX)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.endswith("attention_biases") or value.dim() == 1:
                value.add_(0.3 * torch.randn_like(value))
    return model


@pytest.fixture(scope="module", params=[*VARIANTS, "with tokens"])
def pair(request: pytest.FixtureRequest) -> tuple[MobileSam, Graphs]:
    model = _lively("mobile_sam_nano" if request.param == "with tokens" else request.param)
    if request.param == "with tokens":
        model.prompt_encoder.add_tokens(5)
    return model, graphs(model, TILE_PX, BATCH)


def _run(graph: onnx.ModelProto, outputs: list[str], feeds: dict[str, Any]) -> list[Any]:
    return list(onnxruntime.InferenceSession(graph.SerializeToString()).run(outputs, feeds))


def test_the_encoder_embeds_as_torch_does(pair: tuple[MobileSam, Graphs]):
    model, exported = pair
    images = torch.randn(BATCH, 3, SIZE_PX, SIZE_PX)
    with torch.inference_mode():
        expected = model.encode(images).numpy()
    (given,) = _run(exported.encoder, ["embedding"], {"image": images.numpy()})
    np.testing.assert_allclose(given, expected, atol=2e-4)


@pytest.mark.parametrize("points", [0, 1, 4])
def test_the_decoder_answers_prompts_as_torch_does(pair: tuple[MobileSam, Graphs], points: int):
    model, exported = pair
    torch.manual_seed(points)
    embedding = torch.randn(BATCH, model.variant.embedding_dim, SIZE_PX // 16, SIZE_PX // 16)
    places, labels = torch.rand(BATCH, points, 2) * SIZE_PX, torch.randint(0, 2, (BATCH, points))
    with torch.inference_mode():
        told = (places, labels) if points else (None, None)
        logits, iou = model.decode(embedding, *told)
        expected = restore(logits, TILE_PX, TILE_PX)[:, 0]
    # What the caller of the graph appends to points without a box.
    padding = (torch.zeros(BATCH, 1, 2), torch.full((BATCH, 1), -1)) if points else (places, labels)
    feeds = {
        "embedding": embedding.numpy(),
        "points": torch.cat([places, padding[0]], dim=1).numpy(),
        "labels": torch.cat([labels, padding[1]], dim=1).numpy(),
    }
    given, given_iou = _run(exported.decoder, ["logits", "iou"], feeds)
    np.testing.assert_allclose(given, expected.numpy(), atol=1e-4)
    np.testing.assert_allclose(given_iou, iou[:, 0].numpy(), atol=1e-4)


def test_what_masks_are_drawn_from_is_told_too(pair: tuple[MobileSam, Graphs]):
    model, exported = pair
    embedding = torch.randn(BATCH, model.variant.embedding_dim, SIZE_PX // 16, SIZE_PX // 16)
    nothing = {"points": np.zeros((BATCH, 0, 2), np.float32), "labels": np.zeros((BATCH, 0), np.int64)}
    cells, filters = _run(exported.decoder, ["cells", "filters"], {"embedding": embedding.numpy(), **nothing})
    with torch.inference_mode():
        expected, _ = model.decode(embedding)
        parts = model.mask_decoder._upscaled(torch.from_numpy(cells))
        drawn = torch.einsum("bcijk,bk->bcij", parts, torch.from_numpy(filters))
    np.testing.assert_allclose(np.sort(drawn.flatten(1)), np.sort(expected.flatten(1)), atol=1e-4)


def test_exporting_leaves_no_hook_behind(pair: tuple[MobileSam, Graphs]):
    model, _ = pair
    assert not any(part._forward_hooks for part in model.modules())


def test_a_box_is_two_points(pair: tuple[MobileSam, Graphs]):
    model, exported = pair
    embedding = torch.randn(BATCH, model.variant.embedding_dim, SIZE_PX // 16, SIZE_PX // 16)
    boxes = torch.tensor([[4.0, 6.0, 40.0, 50.0], [0.0, 0.0, 20.0, 30.0]])
    with torch.inference_mode():
        expected = restore(model.decode(embedding, boxes=boxes)[0], TILE_PX, TILE_PX)[:, 0]
    corners = {"points": boxes.reshape(BATCH, 2, 2).numpy(), "labels": np.array([[2, 3]] * BATCH, np.int64)}
    (given,) = _run(exported.decoder, ["logits"], {"embedding": embedding.numpy(), **corners})
    np.testing.assert_allclose(given, expected.numpy(), atol=1e-4)


def test_every_parameter_of_the_decoder_stands_under_its_official_name(pair: tuple[MobileSam, Graphs]):
    model, exported = pair
    state = model.state_dict()
    named = [tensor for tensor in exported.decoder.graph.initializer if tensor.name in state]
    assert len(named) > 80
    assert sum(int(np.prod(tensor.dims)) for tensor in named) > 0.85 * sum(
        value.numel() for name, value in state.items() if name.startswith("mask_decoder.transformer")
    )
