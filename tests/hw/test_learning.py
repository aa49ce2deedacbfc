"""Learning in NumPy against torch: one loss, one gradient, the same steps."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch
from orbitfl_edge.bundle import load
from orbitfl_edge.head import NAMES, drawn
from orbitfl_edge.learning import Lessons, Schooling, bce_dice, step_slopes, taught_by
from orbitfl_edge.network import open_network

from orbitfl.data.loading import load as load_tiles
from orbitfl.data.options import SyntheticData
from orbitfl.data.tiles import Tiles
from orbitfl.files import cache_folder
from orbitfl.models.checkpoint import load_model
from orbitfl.models.preprocess import normalise, restore
from orbitfl.training.loss import bce_dice as torch_loss


@pytest.fixture(scope="module")
def tiles() -> Tiles:
    return load_tiles(SyntheticData(scenes=2, size_px=128, tile_px=64, seed=11), cache_folder())


@pytest.fixture(scope="module")
def lessons(tiles: Tiles, bundle: Path) -> Lessons:
    masks = tiles.masks.copy()
    masks[:, :5] = 255
    return Lessons(*open_network(load(bundle), 1).drawn_from(tiles.images), masks)


@pytest.fixture
def weights(bundle: Path) -> dict[str, np.ndarray]:
    state = safetensors.numpy.load_file(bundle / "decoder.safetensors")
    return {name: state[name] for name in NAMES}


def _logits(model, images: np.ndarray) -> torch.Tensor:
    logits, _ = model.decode(model.encode(normalise(images)))
    return restore(logits, 64, 64)


def test_the_head_draws_what_torch_draws(tiles: Tiles, lessons: Lessons, weights, taught: Path):
    model = load_model(taught, 64)
    with torch.inference_mode():
        expected = model.decode(model.encode(normalise(tiles.images)))[0][:, 0].numpy()
    given, _ = drawn(weights, lessons.cells, lessons.filters)
    np.testing.assert_allclose(given, expected, atol=1e-3)


def test_the_loss_and_its_slope_are_torchs(lessons: Lessons):
    logits = np.random.default_rng(0).normal(0, 3, lessons.masks.shape).astype(np.float32)
    asked = torch.tensor(logits[:, None], requires_grad=True)
    expected = torch_loss(asked, torch.from_numpy(lessons.masks)[:, None])
    expected.backward()
    loss, slope = bce_dice(logits, lessons.masks)
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    assert asked.grad is not None
    np.testing.assert_allclose(slope, asked.grad[:, 0].numpy(), rtol=1e-3, atol=1e-8)


def test_the_gradient_by_every_weight_is_torchs(tiles: Tiles, lessons: Lessons, weights, taught: Path):
    model, batch = load_model(taught, 64), np.array([0, 3, 5])
    loss = torch_loss(_logits(model, tiles.images[batch]), torch.from_numpy(lessons.masks[batch])[:, None])
    loss.backward()
    given, slopes = step_slopes(weights, lessons, batch)
    assert given == pytest.approx(loss.item(), rel=1e-4)
    parameters = dict(model.named_parameters())
    for name in NAMES:
        gradient = parameters[name].grad
        assert gradient is not None
        np.testing.assert_allclose(
            slopes[name], gradient.numpy(), atol=2e-3 * float(gradient.abs().max()), err_msg=name
        )


def test_steps_are_adamws(tiles: Tiles, lessons: Lessons, weights, taught: Path):
    model, options = load_model(taught, 64), Schooling(steps=3, batch_size=len(tiles), learning_rate=1e-3)
    parameters = dict(model.named_parameters())
    learning = [parameters[name] for name in NAMES]
    adamw = torch.optim.AdamW(learning, lr=options.learning_rate, weight_decay=options.weight_decay)
    for _ in range(options.steps):
        adamw.zero_grad()
        torch_loss(_logits(model, tiles.images), torch.from_numpy(lessons.masks)[:, None]).backward()
        adamw.step()
    _, given = taught_by(weights, lessons, options, lambda done, total: None)
    for name, parameter in zip(NAMES, learning, strict=True):
        moved = (parameter.detach().numpy() - weights[name]).ravel()
        assert np.corrcoef(moved, (given[name] - weights[name]).ravel())[0, 1] > 0.99, name


def test_what_is_learnt_on_board_becomes_an_update(edge, bundle: Path, tmp_path: Path):
    from orbitfl.data.writing import write_scenes

    write_scenes(tmp_path / "scenes", 3, 21, 128)
    update, out = tmp_path / "update.safetensors", tmp_path / "next"
    ended = edge("learn", tmp_path / "scenes", "--bundle", bundle, "-o", update, "--steps", 30, "--learning-rate", 1e-3)
    assert ended.code == 0, ended.err
    first, last = (float(ended.out.split(f"{word} ")[1].split(" ")[0]) for word in ("loss", "steps,"))
    assert last < first
    assert edge("apply-update", update, "--bundle", bundle, "-o", out).code == 0
    assert edge("verify", "--bundle", out).code == 0
    assert set(safetensors.numpy.load_file(update)) == set(NAMES)


def test_scenes_without_masks_teach_nothing(edge, write, colours, bundle: Path, tmp_path: Path):
    (tmp_path / "images").mkdir()
    write(colours, "images/a.tif")
    ended = edge("learn", tmp_path, "--bundle", bundle, "-o", tmp_path / "update")
    assert ended.code == 2 and "no readable mask" in ended.err
    ended = edge("learn", tmp_path / "none", "--bundle", bundle, "-o", tmp_path / "update")
    assert ended.code == 2 and "holds no images" in ended.err and not (tmp_path / "update").exists()
