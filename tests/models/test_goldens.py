"""The network computes what the reference computes, on weights and images that both can make."""

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from orbitfl.models import build
from orbitfl.models.mobile_sam import MobileSam

CASES = range(4)
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def model(golden_weights: dict[str, torch.Tensor]) -> MobileSam:
    model = build("mobile_sam", 1024)
    model.load_state_dict(golden_weights, strict=True)
    return model


@pytest.fixture(scope="module")
def recorded(goldens: Path):
    with np.load(goldens / "mobile_sam_goldens.npz") as archive:
        return dict(archive)


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_reference(model: MobileSam, recorded: dict, filler: ModuleType, case: int) -> None:
    options = json.loads(bytes(recorded["cases"]))[case]
    points, labels, boxes = (
        torch.tensor([options[name]]) if name in options else None for name in ("points", "labels", "box")
    )
    sparse_prompts = _watch_prompts(model)
    with torch.inference_mode():
        embedding = model.encode(torch.from_numpy(filler.image(options["seed"])))
        logits, iou = model.decode(embedding, points, labels, boxes, multimask=options.get("multimask", False))
    results = {
        "embedding_sample": embedding[0, ::16, ::8, ::8],
        "sparse_prompt": sparse_prompts[0],
        "low_res_logits": logits[:, :, ::4, ::4],
        "iou": iou,
    }
    assert logits.shape[2:] == (256, 256)
    for name, value in results.items():
        np.testing.assert_allclose(value.numpy(), recorded[f"{case}/{name}"], rtol=0, atol=TOLERANCE)


def _watch_prompts(model: MobileSam) -> list[torch.Tensor]:
    """A list that the next decoding fills with the tokens the decoder was given."""
    seen: list[torch.Tensor] = []

    def note(module: torch.nn.Module, inputs: tuple) -> None:
        seen.append(inputs[2])
        handle.remove()

    handle = model.mask_decoder.register_forward_pre_hook(note)
    return seen


def test_state_dict_is_the_official_one(official_layout: dict[str, dict]) -> None:
    state = build("mobile_sam", 256).state_dict()
    assert list(state) == list(official_layout)
    assert {name: list(value.shape) for name, value in state.items()} == {
        name: entry["shape"] for name, entry in official_layout.items()
    }
    assert {name: str(value.dtype).removeprefix("torch.") for name, value in state.items()} == {
        name: entry["dtype"] for name, entry in official_layout.items()
    }


@pytest.mark.parametrize("image_size", [256, 512])
def test_official_weights_serve_smaller_images(
    golden_weights: dict[str, torch.Tensor], filler: ModuleType, image_size: int
) -> None:
    model = build("mobile_sam", image_size)
    model.load_state_dict(golden_weights, strict=True)
    with torch.inference_mode():
        embedding = model.encode(torch.from_numpy(filler.image(1, image_size)))
        logits, iou = model.decode(embedding, boxes=torch.tensor([[10.0, 20.0, 200.0, 210.0]]), multimask=True)
    assert embedding.shape == (1, 256, image_size // 16, image_size // 16)
    assert logits.shape == (1, 3, image_size // 4, image_size // 4)
    assert iou.shape == (1, 3)
    assert logits.isfinite().all() and logits.std() > 0
