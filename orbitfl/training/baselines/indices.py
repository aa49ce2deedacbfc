"""Water by NDWI, above zero or above a threshold found without labels. NumPy alone."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from orbitfl.data.channels import INDICES, ratio
from orbitfl.data.folder import Scene, read_reflectance
from orbitfl.data.tiles import Tiles
from orbitfl.progress import Count, uncounted
from orbitfl.training.scores import Confusion, confusion

CHANNELS: Final = ("NDWI", "NDWI", "NDWI")
"""Tiles cut of these count exactly the pixels at which the index is known."""

LEVELS: Final = 512
"""Grey levels between -1 and 1."""

Threshold = Callable[[NDArray[np.float32]], float]
"""From the index at all valid pixels of a scene (n,) to the number above which it is water."""


def zero(index: NDArray[np.float32]) -> float:
    """McFeeters 1996 (Int. J. Remote Sensing 17, 1425): water reflects green light and absorbs near infrared."""
    return 0.0


def otsu(index: NDArray[np.float32]) -> float:
    """The threshold that parts `index` (n,) in -1..1 into two classes of greatest variance between them.

    Otsu 1979 (IEEE Trans. Systems, Man, and Cybernetics 9, 62), on 512 grey levels; the lowest of equals. It is always
    found for one scene alone, as a satellite would, which has no other; so a scene all land is parted nonetheless.
    """
    count, edges = np.histogram(index, LEVELS, (-1, 1))
    level = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(count)[:-1], count.sum()
    sum_below, whole = np.cumsum(count * level)[:-1], (count * level).sum()
    parted = (below > 0) & (below < total)
    apart = np.where(parted, whole * below - total * sum_below, 0) ** 2
    between = apart / np.where(parted, below * (total - below), 1)
    # Just below the edge, so that a pixel upon it is water like the level that it belongs to.
    return float(np.nextafter(np.float32(edges[1 + between.argmax()]), np.float32(-2)))


THRESHOLDS: Final[dict[str, Threshold]] = {"ndwi": zero, "otsu": otsu}


def score_index(
    scenes: Sequence[Scene],
    tiles: Tiles,
    threshold: Threshold,
    on_progress: Count = uncounted,
) -> Confusion:
    """Every valid pixel of `tiles`, cut of `scenes` as CHANNELS, counted once.

    Raises DataError where a scene has no B03 and B08 or no reflectances.
    """
    counts = Confusion()
    for number, scene in enumerate(scenes):
        water = _water(scene, threshold)
        for tile in np.flatnonzero(tiles.scene == number):
            counts += confusion(_window(water, tiles, tile), tiles.masks[tile])
        on_progress(number + 1, len(scenes))
    return counts


def _water(scene: Scene, threshold: Threshold) -> NDArray[np.bool_]:
    index, names = INDICES["NDWI"], tuple(INDICES["NDWI"])
    values, valid = read_reflectance(scene, names)
    ndwi = ratio(index, values, names)
    return ndwi > threshold(ndwi[valid])


def _window(water: NDArray[np.bool_], tiles: Tiles, tile: np.intp) -> NDArray[np.bool_]:
    """One tile of (H, W), without water where the scene ends before the tile does."""
    height_px, width_px = tiles.masks.shape[1:]
    row, col = tiles.row[tile], tiles.col[tile]
    cut = water[row : row + height_px, col : col + width_px]
    return np.pad(cut, [(0, height_px - cut.shape[0]), (0, width_px - cut.shape[1])])
