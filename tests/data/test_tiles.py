"""The container of tiles."""

from pathlib import Path

import numpy as np

from orbitfl.data.cutting import cut
from orbitfl.data.folder import scan
from orbitfl.data.tiles import Tiles, Tiling, content_hash

RGB = ("B04", "B03", "B02")


def test_hash_follows_the_content_alone(pair: Path) -> None:
    tiles = cut(scan(pair), RGB, Tiling(tile_px=16))
    renamed = Tiles(tiles.images.copy(), tiles.masks, tiles.scene, tiles.row, tiles.col, ("b",))
    assert content_hash(tiles) == content_hash(renamed)
    assert content_hash(tiles) == content_hash(tiles.take(np.arange(len(tiles))))
    assert content_hash(tiles) != content_hash(tiles.take(np.arange(len(tiles))[::-1]))
    renamed.images[0, 0, 0, 0] ^= 1
    assert content_hash(tiles) != content_hash(renamed)


def test_water_share_leaves_out_what_is_not_known() -> None:
    masks = np.array([[[1, 0], [255, 255]], [[255, 255], [255, 255]], [[1, 1], [1, 0]]], np.uint8)
    zeros = np.zeros(3, np.int32)
    tiles = Tiles(np.zeros((3, 2, 2, 3), np.uint8), masks, zeros, zeros, zeros, ("s",))
    assert tiles.water_share().tolist() == [0.5, 0.0, 0.75]
