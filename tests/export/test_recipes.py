"""Smaller encoders, against the plain one."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import safetensors.numpy

from orbitfl.export import weights
from orbitfl.export.graphs import Graphs, graphs
from orbitfl.export.recipes import INT8, RECIPES
from orbitfl.export.sessions import DECODER, ENCODER, open_sessions
from orbitfl.models.checkpoint import load_model

# Root mean square of the difference over the deviation of the embeddings; mobile_sam.md of the study has 1.7 %.
MOST = {"fp32": 0, "weights_fp16": 0.002, "weights_int8": 0.05, "dynamic_s8": 0.05, "dynamic_u8": 0.05}


@pytest.fixture(scope="module")
def plain(taught: Path) -> Graphs:
    return graphs(load_model(taught, 64), 64, 1)


def _logits(plain: Graphs, recipe: str, folder: Path, images: np.ndarray) -> np.ndarray:
    decoder = weights.apart(plain.decoder, "F32")
    (folder / ENCODER).write_bytes(RECIPES[recipe](plain.encoder).SerializeToString())
    (folder / DECODER).write_bytes(decoder.graph.SerializeToString())
    (folder / weights.FILE).write_bytes(decoder.weights)
    return open_sessions(folder, 1).logits(images)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_costs_little_accuracy(plain: Graphs, recipe: str, tmp_path: Path):
    images = np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3), dtype=np.uint8)
    folders = [tmp_path / name for name in ("exact", "given")]
    for folder in folders:
        folder.mkdir()
    exact, given = _logits(plain, "fp32", folders[0], images), _logits(plain, recipe, folders[1], images)
    assert np.sqrt(np.mean((given - exact) ** 2)) <= MOST[recipe] * exact.std()


def test_int8_takes_less_than_45_percent_of_the_bytes(plain: Graphs):
    exact, given = weights.apart(plain.decoder, "F32"), weights.apart(plain.decoder, "F16")
    whole = plain.encoder.ByteSize() + exact.graph.ByteSize() + len(exact.weights)
    small = RECIPES[INT8](plain.encoder).ByteSize() + given.graph.ByteSize() + len(given.weights)
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
