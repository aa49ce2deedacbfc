"""Batches, prompts, sizes and modes of the assembled network."""

import copy
from functools import partial
from typing import Any

import pytest
import torch
from torch.nn import functional

from orbitfl.errors import OrbitflError
from orbitfl.models import build
from orbitfl.models.mobile_sam import VARIANTS, MobileSam
from orbitfl.models.trainable import TRAINABLE, equip, trained_keys

BATCH = 3
assert_close = partial(torch.testing.assert_close, rtol=1e-4, atol=1e-5)


def embeddings_of(model: MobileSam, batch: int = BATCH) -> torch.Tensor:
    torch.manual_seed(1)
    with torch.no_grad():
        return model.encode(torch.randn(batch, 3, model.image_size, model.image_size))


def prompts(model: MobileSam) -> dict[str, Any]:
    torch.manual_seed(2)
    return {
        "points": model.image_size * torch.rand(BATCH, 2, 2),
        "labels": torch.tensor([[1, 0], [1, -1], [0, 1]]),
        "boxes": model.image_size * torch.rand(BATCH, 4).sort(dim=1).values,
        "masks": torch.randn(BATCH, 1, model.image_size // 4, model.image_size // 4),
    }


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("image_size", [96, 256])
def test_shapes(variant: str, image_size: int) -> None:
    model = build(variant, image_size)
    embeddings = embeddings_of(model, batch=1)
    assert embeddings.shape == (1, VARIANTS[variant].embedding_dim, image_size // 16, image_size // 16)
    for multimask, masks in ((False, 1), (True, 3)):
        logits, iou = model.decode(embeddings, multimask=multimask)
        assert logits.shape == (1, masks, image_size // 4, image_size // 4)
        assert iou.shape == (1, masks)


def test_sizes_stay_within_their_budget() -> None:
    nano = build("mobile_sam_nano", 256)
    assert sum(value.numel() for value in nano.parameters()) <= 2_500_000
    assert sum(value.numel() for value in nano.mask_decoder.parameters()) <= 800_000
    assert sum(value.numel() for value in build("mobile_sam").parameters()) == 10_130_092


@pytest.mark.parametrize("image_size", [0, -256, 16, 100, 1000])
def test_impossible_image_size(image_size: int) -> None:
    with pytest.raises(OrbitflError, match="multiple of 32"):
        build("mobile_sam_nano", image_size)


def test_unknown_variant() -> None:
    with pytest.raises(OrbitflError, match="mobile_sam_nano"):
        build("mobile_sam_pico")


@pytest.mark.parametrize("given", [(), ("points", "labels"), ("boxes",), ("points", "labels", "boxes", "masks")])
@pytest.mark.parametrize("multimask", [False, True])
def test_batch_equals_one_by_one(network: MobileSam, given: tuple[str, ...], multimask: bool) -> None:
    embeddings, all_prompts = embeddings_of(network), prompts(network)
    chosen = {name: all_prompts[name] for name in given}
    together = network.decode(embeddings, **chosen, multimask=multimask)
    for i in range(BATCH):
        alone = network.decode(
            embeddings[i : i + 1],
            **{name: value[i : i + 1] for name, value in chosen.items()},
            multimask=multimask,
        )
        for batched, single in zip(together, alone, strict=True):
            assert_close(batched[i], single[0])


def test_batch_encodes_as_one_by_one(network: MobileSam) -> None:
    torch.manual_seed(3)
    images = torch.randn(BATCH, 3, 64, 64)
    together = network.encode(images)
    for i in range(BATCH):
        assert_close(together[i], network.encode(images[i : i + 1])[0])


@pytest.mark.parametrize("name", ["points", "labels", "boxes", "masks"])
def test_every_prompt_matters(nano: MobileSam, name: str) -> None:
    embeddings, given = embeddings_of(nano), prompts(nano)
    before, _ = nano.decode(embeddings, **given)
    given[name] = 1 - given[name] if name == "labels" else 0.5 * given[name]
    given["labels"] = given["labels"].clamp(-1, 1)
    after, _ = nano.decode(embeddings, **given)
    assert ((before - after).abs().amax(dim=(1, 2, 3)) > 1e-3).all()


def test_order_of_points_does_not_matter(nano: MobileSam) -> None:
    embeddings, given = embeddings_of(nano), prompts(nano)
    points, labels = given["points"], given["labels"]
    forward, _ = nano.decode(embeddings, points, labels)
    backward, _ = nano.decode(embeddings, points.flip(1), labels.flip(1))
    assert_close(forward, backward)


def test_place_of_a_padding_point_does_not_matter(nano: MobileSam) -> None:
    embeddings = embeddings_of(nano)
    labels = torch.tensor([[1, -1]]).expand(BATCH, -1)
    points = torch.full((BATCH, 2, 2), 20.0)
    elsewhere = points + torch.tensor([[0.0, 0.0], [30.0, 7.0]])
    assert torch.equal(nano.decode(embeddings, points, labels)[0], nano.decode(embeddings, elsewhere, labels)[0])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.int64])
def test_numbers_of_any_type_tell_a_place(nano: MobileSam, dtype: torch.dtype) -> None:
    embeddings = embeddings_of(nano)
    points, boxes = torch.tensor([[[20, 31]]]), torch.tensor([[3, 9, 40, 60]])
    told: dict[str, Any] = {"labels": torch.ones(BATCH, 1, dtype=dtype)}
    for name, places in (("points", points), ("boxes", boxes)):
        told[name] = places.expand(BATCH, *places.shape[1:]).to(dtype)
    wanted: dict[str, Any] = {name: value.float() for name, value in told.items()}
    assert torch.equal(nano.decode(embeddings, **told)[0], nano.decode(embeddings, **wanted)[0])


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "points without labels": ({"points": torch.zeros(BATCH, 1, 2)}, "belong together"),
    "labels without points": ({"labels": torch.zeros(BATCH, 1)}, "belong together"),
    "points of one image": (
        {"points": torch.zeros(1, 2), "labels": torch.zeros(BATCH, 1)},
        "points of shape",
    ),
    "points of another batch": (
        {"points": torch.zeros(2, 1, 2), "labels": torch.zeros(2, 1)},
        r"\(3, any, 2\)",
    ),
    "too few labels": (
        {"points": torch.zeros(BATCH, 2, 2), "labels": torch.zeros(BATCH, 1)},
        "labels of shape",
    ),
    "a box's label": ({"points": torch.zeros(BATCH, 1, 2), "labels": torch.full((BATCH, 1), 2)}, "Labels"),
    "boxes as corners": ({"boxes": torch.zeros(BATCH, 2, 2)}, r"\(3, 4\)"),
    "masks of full size": ({"masks": torch.zeros(BATCH, 1, 64, 64)}, r"\(3, 1, 16, 16\)"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_prompts(nano: MobileSam, case: str) -> None:
    given, told = WRONG[case]
    with pytest.raises(OrbitflError, match=told):
        nano.decode(embeddings_of(nano), **given)


def test_wrong_images_and_embeddings(nano: MobileSam) -> None:
    with pytest.raises(OrbitflError, match=r"\(any, 3, 64, 64\)"):
        nano.encode(torch.zeros(1, 3, 64, 96))
    with pytest.raises(OrbitflError, match=r"\(any, 128, 4, 4\)"):
        nano.decode(torch.zeros(1, 256, 4, 4))


def test_attention_bias_is_never_stale(network: MobileSam) -> None:
    donor = copy.deepcopy(network)
    with torch.no_grad():
        for name, value in donor.named_parameters():
            if name.endswith("attention_biases"):
                value.add_(torch.randn_like(value))
    before, wanted = embeddings_of(network), embeddings_of(donor)
    assert (before - wanted).abs().max() > 1e-3
    network.load_state_dict(donor.state_dict())
    assert torch.equal(embeddings_of(network), wanted)


@pytest.mark.parametrize("trainable", TRAINABLE)
def test_training_changes_the_trained_keys_alone(network: MobileSam, trainable: str) -> None:
    """Frozen parameters and BatchNorm's statistics stay bit by bit, trained ones all move."""
    trained = set(equip(network, trainable))
    before = copy.deepcopy(_all_values(network))
    optimizer = torch.optim.AdamW([value for name, value in network.named_parameters() if name in trained])
    for _ in range(2):
        optimizer.zero_grad()
        _single_mask_loss(network, network.encode(torch.randn(2, 3, 64, 64))).backward()
        optimizer.step()
    changed = {name for name, value in _all_values(network).items() if not torch.equal(value, before[name])}
    assert changed == trained


def test_trained_keys_are_those_with_a_gradient(network: MobileSam) -> None:
    _single_mask_loss(network, embeddings_of(network, 2)).backward()
    reached = {
        name
        for name, value in network.named_parameters()
        if name.startswith("mask_decoder.") and value.grad is not None and value.grad.any()
    }
    trained = set(trained_keys(network))
    assert trained <= reached
    assert {name.removesuffix("k_proj.bias") for name in reached - trained} == {
        name.removesuffix("k_proj.bias") for name in network.state_dict() if name.endswith("k_proj.bias")
    }


def test_bias_of_keys_has_no_effect(network: MobileSam) -> None:
    """Why `trained_keys` leaves it out although autograd reports rounding noise for it."""
    embeddings = embeddings_of(network)
    before, _ = network.decode(embeddings)
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name.endswith("k_proj.bias"):
                value.add_(torch.randn_like(value))
    torch.testing.assert_close(network.decode(embeddings)[0], before, rtol=1e-3, atol=1e-4)


def test_heads_of_imagenet_are_never_called() -> None:
    model = build("mobile_sam", 64)
    model.encode(torch.randn(1, 3, 64, 64)).sum().backward()
    dead = {name for name, value in model.image_encoder.named_parameters() if value.grad is None}
    assert dead == {"norm_head.weight", "norm_head.bias", "head.weight", "head.bias"}


def test_unknown_trainable_set(nano: MobileSam) -> None:
    with pytest.raises(OrbitflError, match="mask_decoder"):
        trained_keys(nano, "everything")


def _all_values(model: MobileSam) -> dict[str, torch.Tensor]:
    """The state dict, but with what a set has added under its own names."""
    return {name: value.detach() for name, value in [*model.named_parameters(), *model.named_buffers()]}


def _single_mask_loss(model: MobileSam, embeddings: torch.Tensor) -> torch.Tensor:
    batch = len(embeddings)
    points = torch.tensor([[[20.0, 30.0]]]).expand(batch, -1, -1)
    logits, _ = model.decode(embeddings, points, torch.ones(batch, 1))
    target = (torch.arange(logits[0].numel()).view_as(logits[0]) % 3 == 0).float()
    return functional.binary_cross_entropy_with_logits(logits, target.expand_as(logits))
