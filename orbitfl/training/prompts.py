"""Prompts read from the true mask: the paper's setting, and an oracle that no satellite has."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from orbitfl.errors import DataError


@dataclass(frozen=True)
class Prompts:
    """What the decoder is told about n tiles, in pixels of the tile; None where nothing is told.

    points: (n, 1, 2) x, y. labels: (n, 1), 1 = water. boxes: (n, 4) x0, y0, x1, y1.
    """

    points: NDArray[np.float32] | None = None
    labels: NDArray[np.int64] | None = None
    boxes: NDArray[np.float32] | None = None


def no_prompts(masks: NDArray[np.uint8]) -> Prompts:
    return Prompts()


def point_prompts(masks: NDArray[np.uint8]) -> Prompts:
    """The water pixel farthest from any shore, one a tile. masks: (n, H, W), 1 = water."""
    points = np.stack([_deepest(mask == 1) for mask in _with_water(masks)])
    return Prompts(points=points[:, None], labels=np.ones((len(masks), 1), dtype=np.int64))


def box_prompts(masks: NDArray[np.uint8]) -> Prompts:
    """The box around all water of a tile."""
    return Prompts(boxes=np.stack([_box(mask == 1) for mask in _with_water(masks)]))


PROMPTS = {"none": no_prompts, "points": point_prompts, "box": box_prompts}


def _with_water(masks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    dry = np.flatnonzero(~(masks == 1).any(axis=(1, 2)))
    if dry.size:
        raise DataError(
            f"{dry.size} of {len(masks)} tiles hold no water, so no prompt can be taken from their masks; "
            "set data.rule to water or single_region, or training.prompt to none."
        )
    return masks


def _deepest(water: NDArray[np.bool_]) -> NDArray[np.float32]:
    # Padded, so that the edge of the tile counts as a shore.
    depth = np.asarray(ndimage.distance_transform_cdt(np.pad(water, 1), metric="chessboard"))[1:-1, 1:-1]
    row, column = np.unravel_index(np.argmax(depth), depth.shape)
    return np.array([column, row], dtype=np.float32)


def _box(water: NDArray[np.bool_]) -> NDArray[np.float32]:
    rows, columns = np.flatnonzero(water.any(axis=1)), np.flatnonzero(water.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1], rows[-1]], dtype=np.float32)
