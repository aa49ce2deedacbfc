"""Learning in NumPy against torch: one loss, one gradient, the same steps."""

import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import safetensors.numpy
import torch
from orbitfl_edge.bundle import load
from orbitfl_edge.head import NAMES, drawn
from orbitfl_edge.learning import Lessons, Schooling, bce_dice, step_slopes, taught_by
from orbitfl_edge.network import open_network
from rasterio import Affine

from orbitfl.data.loading import load as load_tiles
from orbitfl.data.options import FolderData, SyntheticData
from orbitfl.data.tiles import Tiles
from orbitfl.data.writing import write_scenes
from orbitfl.errors import DataError
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
    write_scenes(tmp_path / "scenes", 3, 21, 128)
    update, out = tmp_path / "update.safetensors", tmp_path / "next"
    ended = edge("learn", tmp_path / "scenes", "--bundle", bundle, "-o", update, "--steps", 30, "--learning-rate", 1e-3)
    assert ended.code == 0, ended.err
    first, last = (float(ended.out.split(f"{word} ")[1].split(" ")[0]) for word in ("loss", "steps,"))
    assert last < first
    assert edge("apply-update", update, "--bundle", bundle, "-o", out).code == 0
    assert edge("verify", "--bundle", out).code == 0
    assert set(safetensors.numpy.load_file(update)) == set(NAMES)


@pytest.mark.parametrize("rate", ["nan", "inf", "0", "-1"])
def test_rates_that_teach_nothing_are_refused(edge, bundle: Path, tmp_path: Path, capsys, rate: str):
    with pytest.raises(SystemExit, match="2"):
        edge("learn", tmp_path, "--bundle", bundle, "-o", tmp_path / "update", f"--learning-rate={rate}")
    assert f"{rate!r} was given where a number above 0 is expected" in capsys.readouterr().err


@pytest.mark.parametrize(("rate", "steps", "told"), [("1e30", 2, "the loss is"), ("1e6", 1, "leave half precision")])
def test_a_rate_too_large_writes_no_update(edge, bundle: Path, tmp_path: Path, rate: str, steps: int, told: str):
    write_scenes(tmp_path / "scenes", 1, 21, 128)
    words = ("--bundle", bundle, "-o", tmp_path / "update", "--steps", steps, "--learning-rate", rate)
    ended = edge("learn", tmp_path / "scenes", *words)
    assert ended.code == 2 and told in ended.err and "choose a smaller one" in ended.err
    assert not (tmp_path / "update").exists()


@pytest.mark.parametrize(
    "place", ["scenes/images/0.tif", "scenes/masks/new.safetensors", "bundle/update", "link", "raw.tif"]
)
def test_learning_writes_neither_into_its_lessons_nor_into_the_bundle(edge, bundle: Path, tmp_path: Path, place: str):
    scenes, own = tmp_path / "scenes", Path(shutil.copytree(bundle, tmp_path / "bundle"))
    write_scenes(scenes, 1, 21, 128)
    (tmp_path / "link").symlink_to(min((scenes / "images").iterdir()))
    (scenes / "masks/raw.tif").symlink_to(shutil.copy(min((scenes / "masks").iterdir()), tmp_path / "raw.tif"))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    ended = edge("learn", scenes, "--bundle", own, "-o", tmp_path / place, "--steps", 1)
    assert ended.code == 2 and "which is only read" in ended.err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_of_lessons_without_names_the_bands_have_numbers(edge, bundle: Path, tmp_path: Path):
    """As the sentence that refuses them says."""
    write_scenes(tmp_path / "scenes", 1, 21, 128)
    (path,) = (tmp_path / "scenes/images").iterdir()
    with rasterio.open(path) as file:
        found = [file.descriptions.index(name) for name in ("B04", "B03", "B02")]
        red, green, blue = file.read()[found]
        profile = file.profile | {"count": 4}
    words = ("learn", tmp_path / "scenes", "--bundle", bundle, "--steps", 1)
    assert edge(*words, "-o", tmp_path / "named").code == 0
    with rasterio.open(path, "w", **profile) as file:
        file.write(np.stack([green, blue, green, red]))
    refused = edge(*words, "-o", tmp_path / "numbered")
    assert refused.code == 2 and "say with --bands" in refused.err
    assert edge(*words, "-o", tmp_path / "numbered", "--bands", "4,3,2").code == 0
    assert (tmp_path / "named").read_bytes() == (tmp_path / "numbered").read_bytes()


@pytest.fixture
def lesson(tmp_path: Path, write, colours) -> Callable[..., Path]:
    """A folder of one scene, with a mask of whatever profile."""

    def make(mask: np.ndarray, **options: object) -> Path:
        for name in ("images", "masks"):
            (tmp_path / "lesson" / name).mkdir(parents=True)
        write(colours, "lesson/images/a.tif")
        write(mask, "lesson/masks/a.tif", names=(), **options)
        return tmp_path / "lesson"

    return make


WATER = np.tile(np.arange(150) % 2 == 0, (1, 170, 1)).astype(np.uint8)

MASKS: dict[str, tuple[dict[str, Any], str | None]] = {
    "a mask": ({"mask": WATER}, None),
    "float, with NaN for nodata": (
        {"mask": np.where(np.arange(150) < 40, np.nan, WATER).astype(np.float32), "nodata": np.nan},
        None,
    ),
    "signed, with -1": ({"mask": np.where(np.arange(150) < 40, -1, WATER).astype(np.int16)}, None),
    "NaN that is not nodata": ({"mask": np.full(WATER.shape, np.nan, np.float32)}, "other values"),
    "a third value": ({"mask": 2 * WATER}, "other values"),
    "land as nodata": ({"mask": WATER, "nodata": 0}, "declares 0 as nodata"),
    "another zone": ({"mask": WATER, "crs": "EPSG:32721"}, "lies elsewhere"),
    "a pixel aside": ({"mask": WATER, "transform": Affine(10, 0, 600_010, 0, -10, 6_800_000)}, "lies elsewhere"),
    "a millimetre aside": ({"mask": WATER, "transform": Affine(10, 0, 600_000.001, 0, -10, 6_800_000)}, None),
    "another size": ({"mask": WATER[:, :100]}, "resample it"),
    "two bands": ({"mask": np.concatenate([WATER, WATER])}, "has 2 bands"),
}


@pytest.mark.parametrize("case", MASKS)
def test_the_board_takes_the_masks_that_the_ground_takes(edge, bundle: Path, lesson, tmp_path: Path, case: str):
    given, told = MASKS[case]
    folder = lesson(**given)
    ended = edge("learn", folder, "--bundle", bundle, "-o", tmp_path / "update", "--steps", 1)
    assert (ended.code == 0) if told is None else (ended.code == 2 and told in ended.err), ended.err
    ground = FolderData(path=str(folder), bands=("B04", "B03", "B02"), tile_px=64)
    with nullcontext() if told is None else pytest.raises(DataError):
        load_tiles(ground, cache_folder())


def test_scenes_without_masks_teach_nothing(edge, write, colours, bundle: Path, tmp_path: Path):
    (tmp_path / "images").mkdir()
    write(colours, "images/a.tif")
    ended = edge("learn", tmp_path, "--bundle", bundle, "-o", tmp_path / "update")
    assert ended.code == 2 and "no readable mask" in ended.err
    ended = edge("learn", tmp_path / "none", "--bundle", bundle, "-o", tmp_path / "update")
    assert ended.code == 2 and "holds no images" in ended.err and not (tmp_path / "update").exists()
