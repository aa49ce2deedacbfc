"""Scores of a whole network, with and without being told where the water is."""

import numpy as np
import pytest

from orbitfl.data.tiles import Tiles
from orbitfl.errors import DataError
from orbitfl.models.checkpoint import load_model
from orbitfl.training.evaluate import CHUNK, score_model

NANO_PX = 64


@pytest.fixture(scope="module")
def tiles() -> Tiles:
    """A chunk and two tiles more, each with one lake of its own."""
    rng, count = np.random.default_rng(3), CHUNK + 2
    masks = np.zeros((count, NANO_PX, NANO_PX), np.uint8)
    for mask, (row, col) in zip(masks, rng.integers(0, 32, (count, 2)), strict=True):
        mask[row : row + 30, col : col + 26] = 1
    images = np.where(masks[..., None] == 1, 60, 150) + rng.integers(-40, 40, (*masks.shape, 3))
    place = np.zeros(count, np.int32)
    return Tiles(images.astype(np.uint8), masks, place, place, place, ("a",))


@pytest.mark.parametrize("prompt", ["none", "points", "box"])
def test_every_tile_is_told_of_its_own_water(tiles: Tiles, prompt) -> None:
    model, order = load_model("nano-base", NANO_PX), np.arange(len(tiles))
    whole = score_model(model, tiles, prompt=prompt)
    parts = [score_model(model, tiles.take(part), prompt=prompt) for part in (order[:CHUNK], order[CHUNK:])]
    assert whole == parts[0] + parts[1]
    assert whole.true_water + whole.false_land == (tiles.masks == 1).sum()


def test_being_told_changes_the_answer(tiles: Tiles) -> None:
    model = load_model("nano-base", NANO_PX)
    assert score_model(model, tiles, prompt="box").iou_water > score_model(model, tiles).iou_water


def test_no_prompt_can_be_made_of_dry_tiles(tiles: Tiles) -> None:
    dry = Tiles(tiles.images, np.zeros_like(tiles.masks), tiles.scene, tiles.row, tiles.col, tiles.scene_names)
    with pytest.raises(DataError, match="18 of 18 tiles hold no water"):
        score_model(load_model("nano-base", NANO_PX), dry, prompt="points")
