"""Smaller encoders, against the plain one."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import safetensors.numpy

from orbitfl.data.loading import load
from orbitfl.data.options import SyntheticData
from orbitfl.export import weights
from orbitfl.export.graphs import Graphs, graphs
from orbitfl.export.recipes import INT8, RECIPES
from orbitfl.export.sessions import DECODER, ENCODER, Frame, open_sessions
from orbitfl.files import cache_folder
from orbitfl.models.checkpoint import load_model
from orbitfl.models.preprocess import prepare

# Root mean square of the difference over the deviation of the logits.
MOST = {
    "fp32": 0,
    "weights_fp16": 0.002,
    "weights_int8": 0.02,
    "dynamic_s8": 0.02,
    "static_s8": 0.13,
    "mixed_s8": 0.06,
}


@pytest.fixture(scope="module")
def plain(taught: Path) -> Graphs:
    return graphs(load_model(taught, 64), 64, 1)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return load(SyntheticData(scenes=4, size_px=128, tile_px=64, seed=5), cache_folder()).images


@pytest.fixture(scope="module")
def batches() -> list[np.ndarray]:
    """Of other scenes than those that are drawn."""
    others = load(SyntheticData(scenes=4, size_px=128, tile_px=64, seed=6), cache_folder()).images
    return [prepare(each[None], 64).numpy() for each in others]


def _logits(plain: Graphs, recipe: str, batches: list[np.ndarray], folder: Path, images: np.ndarray) -> np.ndarray:
    decoder = weights.apart(plain.decoder, "F32")
    (folder / ENCODER).write_bytes(RECIPES[recipe](plain.encoder, batches).SerializeToString())
    (folder / DECODER).write_bytes(decoder.graph.SerializeToString())
    (folder / weights.FILE).write_bytes(decoder.weights)
    return open_sessions(folder, 1, Frame(64, 64, 1)).logits(images)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_costs_little_accuracy(
    plain: Graphs, recipe: str, batches: list[np.ndarray], images: np.ndarray, tmp_path: Path
):
    folders = [tmp_path / name for name in ("exact", "given")]
    for folder in folders:
        folder.mkdir()
    exact, given = (
        _logits(plain, name, batches, folder, images) for name, folder in zip(("fp32", recipe), folders, strict=True)
    )
    assert np.sqrt(np.mean((given - exact) ** 2)) <= MOST[recipe] * exact.std()


def test_int8_takes_less_than_45_percent_of_the_bytes(plain: Graphs, batches: list[np.ndarray]):
    exact, given = weights.apart(plain.decoder, "F32"), weights.apart(plain.decoder, "F16")
    whole = plain.encoder.ByteSize() + exact.graph.ByteSize() + len(exact.weights)
    small = RECIPES[INT8](plain.encoder, batches).ByteSize() + given.graph.ByteSize() + len(given.weights)
    assert small < 0.45 * whole


@pytest.mark.parametrize(("width", "atol"), [("F32", 0), ("F16", 2**-11)])
def test_weights_apart_are_plain_safetensors_of_the_checkpoint(
    plain: Graphs, taught: Path, tmp_path: Path, width: weights.Width, atol: float
):
    decoder = weights.apart(plain.decoder, width)
    (tmp_path / weights.FILE).write_bytes(decoder.weights)
    (tmp_path / DECODER).write_bytes(decoder.graph.SerializeToString())
    onnx.checker.check_model(tmp_path / DECODER, full_check=True)
    state = safetensors.numpy.load_file(taught)
    for name, value in safetensors.numpy.load(decoder.weights).items():
        np.testing.assert_allclose(value.astype(np.float32), state[name], rtol=atol, atol=atol * 1e-3)
