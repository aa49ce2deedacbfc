"""Tiles of 8-bit colour with their masks, what satellites train on, and how they are to be cut.

Like `partition` and `options` it loads neither rasterio nor SciPy: a scenario names its data without the
readers of GeoTIFFs.
"""

import hashlib
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from orbitfl.errors import DataError

Rule = Literal["all", "water", "single_region"]
Stretch = Literal["auto", "none", "percentile"]

IGNORE: Final = 255
"""The mask value of pixels whose truth is not known: they neither train nor count."""

LARGEST_TILE_PX: Final = 16_384
"""More than a Sentinel-2 granule has; smaller scenes are padded to a tile, in memory."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """How scenes become tiles.

    tile_px: edge of the square tiles, which do not overlap; what remains at the right and the bottom is left
        out, but a scene smaller than a tile is padded with unknown pixels.
    rule: which tiles are kept: "all"; "water", with some water; "single_region", the rule of the paper
        (arXiv 2411.17831): exactly one 8-connected water region has a box of at least 20 × 20 pixels; smaller
        ones may lie beside it and stay in the mask.
    stretch: "auto" leaves 8-bit scenes as they are and stretches others; "none" accepts 8-bit scenes alone;
        "percentile" stretches all. The paper stretches each tile between its 2nd and 98th percentile; here it
        is each scene, since tile by tile a lake would change its colour at every seam, and a tile of nothing
        but water would show its noise at full contrast.

    Tiles less than half known are left out.
    """

    tile_px: int = 256
    rule: Rule = "all"
    stretch: Stretch = "auto"

    def __post_init__(self) -> None:
        if self.tile_px < 16:
            raise DataError(f"tile_px is {self.tile_px}; tiles need at least 16 pixels, usually 256.")
        if self.tile_px > LARGEST_TILE_PX:
            raise DataError(f"tile_px is {self.tile_px}; tiles have {LARGEST_TILE_PX} pixels at the most, usually 256.")


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """n tiles: `images` (n, tile_px, tile_px, 3) uint8, `masks` (n, tile_px, tile_px) uint8 with 0 land, 1
    water, 255 not known, and where each comes from: `scene` (n,) index into `scene_names`, `row`, `col`
    (n,) of its upper left pixel in the scene.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    scene: NDArray[np.int32]
    row: NDArray[np.int32]
    col: NDArray[np.int32]
    scene_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    def take(self, index: NDArray[np.integer]) -> "Tiles":
        """The tiles at `index`, in this order."""
        return Tiles(
            images=self.images[index],
            masks=self.masks[index],
            scene=self.scene[index],
            row=self.row[index],
            col=self.col[index],
            scene_names=self.scene_names,
        )

    def water_share(self) -> NDArray[np.float64]:
        """Water among the known pixels of each tile, (n,) in 0..1."""
        known = (self.masks != IGNORE).sum(axis=(1, 2))
        return (self.masks == 1).sum(axis=(1, 2)) / np.maximum(known, 1)


def content_hash(tiles: Tiles) -> str:
    """SHA-256 in hex over the images and masks: equal for equal training data, whatever the files were
    called.
    """
    digest = hashlib.sha256(repr(tiles.images.shape).encode())
    digest.update(np.ascontiguousarray(tiles.images).data)
    digest.update(np.ascontiguousarray(tiles.masks).data)
    return digest.hexdigest()
