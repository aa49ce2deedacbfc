"""What a bundle computes against what torch computes, on the same tiles."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from orbitfl.data.tiles import Tiles
from orbitfl.models.mobile_sam import MobileSam
from orbitfl.models.preprocess import prepare, restore
from orbitfl.progress import Count
from orbitfl.training.scores import confusion

MOST_PIXELS = 8 * 2**20
LEAST_TILES = 4

Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Parity:
    """Of two answers to the same tiles.

    largest_difference: of two logits. rms_share: the root mean square of the differences over the logits' deviation.
    equal_percent: pixels with the same answer. water_percent: of torch's answers; at 0 or 100 that proves little.
    miou_torch, miou: in percent on the known pixels, NaN without any.
    """

    tiles: int
    largest_difference: float
    rms_share: float
    equal_percent: float
    water_percent: float
    miou_torch: float
    miou: float

    @property
    def loss(self) -> float:
        """Points of mIoU by which it is worse than torch; 0 where mIoU does not exist for either."""
        both_missing = math.isnan(self.miou_torch) and math.isnan(self.miou)
        return 0.0 if both_missing else self.miou_torch - self.miou

    def told(self) -> dict[str, Any]:
        """As JSON, which knows neither NaN nor infinity."""
        return {name: value if math.isfinite(value) else None for name, value in asdict(self).items()}


def compared(reference: Logits, given: Logits, masks: NDArray[np.uint8]) -> Parity:
    """reference, given: (n, tile, tile). masks: the same, 0 land, 1 water, 255 not known."""
    difference = given - reference
    return Parity(
        tiles=len(masks),
        largest_difference=float(np.abs(difference).max()),
        rms_share=float(np.sqrt(np.mean(np.square(difference, dtype=np.float64))) / max(float(reference.std()), 1e-12)),
        equal_percent=100 * float(np.mean((given > 0) == (reference > 0))),
        water_percent=100 * float(np.mean(reference > 0)),
        miou_torch=confusion(reference > 0, masks).miou,
        miou=confusion(given > 0, masks).miou,
    )


def torch_logits(model: MobileSam, images: NDArray[np.uint8]) -> Logits:
    """Of one batch of tiles (n, tile, tile, 3) without prompts, (n, tile, tile)."""
    height, width = images.shape[1:3]
    with torch.inference_mode():
        logits, _ = model.eval().decode(model.encode(prepare(images, model.image_size)))
        return restore(logits, height, width)[:, 0].numpy()


def all_logits(
    one_batch: Callable[[NDArray[np.uint8]], Logits], images: NDArray[np.uint8], batch: int, on_progress: Count
) -> Logits:
    """What `one_batch` answers to all images, `batch` at a time."""
    answers = []
    for first in range(0, len(images), batch):
        answers.append(one_batch(images[first : first + batch]))
        on_progress(min(first + batch, len(images)), len(images))
    return np.concatenate(answers)


def some(tiles: Tiles, most_pixels: int) -> Tiles:
    """As many tiles, evenly chosen, as have so many pixels, or LEAST_TILES."""
    most = max(LEAST_TILES, most_pixels // tiles.masks[0].size)
    if len(tiles) <= most:
        return tiles
    return tiles.take(np.linspace(0, len(tiles) - 1, most).round().astype(int))
