"""Prompts read from the true mask: the paper's setting, and an oracle that no satellite has."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from orbitfl.data.cutting import REGION_PX
from orbitfl.data.regions import large_boxes
from orbitfl.errors import DataError


@dataclass(frozen=True)
class Prompts:
    """What the decoder is told about n tiles, in pixels of the tile; None where nothing is told.

    points: (n, 1, 2) x, y. labels: (n, 1), 1 = water. boxes: (n, 4) x0, y0, x1, y1.
    """

    points: NDArray[np.float32] | None = None
    labels: NDArray[np.int64] | None = None
    boxes: NDArray[np.float32] | None = None

    def __getitem__(self, part: slice) -> "Prompts":
        return Prompts(
            points=None if self.points is None else self.points[part],
            labels=None if self.labels is None else self.labels[part],
            boxes=None if self.boxes is None else self.boxes[part],
        )


def no_prompts(masks: NDArray[np.uint8]) -> Prompts:
    return Prompts()


def point_prompts(masks: NDArray[np.uint8]) -> Prompts:
    """The water pixel farthest from any shore, one a tile. masks: (n, H, W), 1 = water."""
    points = np.stack([_deepest(mask == 1) for mask in _with_water(masks)])
    return Prompts(points=points[:, None], labels=np.ones((len(masks), 1), dtype=np.int64))


def box_prompts(masks: NDArray[np.uint8]) -> Prompts:
    """The box around the water of a tile, but for specks beside a region that the rule single_region would count."""
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
    boxes = large_boxes(water, REGION_PX) or large_boxes(water, 1)
    top, left = (min(box[side].start for box in boxes) for side in (0, 1))
    bottom, right = (max(box[side].stop for box in boxes) - 1 for side in (0, 1))
    return np.array([left, top, right, bottom], dtype=np.float32)
