"""One confusion matrix pooled over every valid pixel, and the scores read from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbitfl.data.tiles import IGNORE


@dataclass(frozen=True)
class Confusion:
    """Pixel counts: true and false, positive (water) and negative (land)."""

    true_water: int = 0
    false_water: int = 0
    false_land: int = 0
    true_land: int = 0

    def __add__(self, other: "Confusion") -> "Confusion":
        return Confusion(
            self.true_water + other.true_water,
            self.false_water + other.false_water,
            self.false_land + other.false_land,
            self.true_land + other.true_land,
        )

    @property
    def iou_water(self) -> float:
        """Intersection over union of water, in percent; NaN when neither truth nor prediction holds any."""
        return _percent(self.true_water, self.true_water + self.false_water + self.false_land)

    @property
    def iou_land(self) -> float:
        return _percent(self.true_land, self.true_land + self.false_water + self.false_land)

    @property
    def miou(self) -> float:
        """Mean of the IoU of water and land, in percent."""
        return (self.iou_water + self.iou_land) / 2


def confusion(predicted: NDArray[np.bool_], truth: NDArray[np.uint8]) -> Confusion:
    """Count pixels of any equal shape; truth is 0 land, 1 water, 255 ignored."""
    valid, water = truth != IGNORE, truth == 1
    true_water, drawn_water, all_water, known = (
        int(np.count_nonzero(each)) for each in (predicted & water, predicted & valid, water, valid)
    )
    return Confusion(
        true_water=true_water,
        false_water=drawn_water - true_water,
        false_land=all_water - true_water,
        true_land=known - drawn_water - (all_water - true_water),
    )


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else float("nan")
