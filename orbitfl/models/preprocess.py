"""From RGB images to what the network takes, and from its logits back to the image's pixels."""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from orbitfl.errors import DataError

Colour = tuple[float, float, float]
"""Red, green and blue."""

# Means and standard deviations of ImageNet's red, green and blue from 0 to 255, as in Segment Anything.
MEAN = (123.675, 116.28, 103.53)
DEVIATION = (58.395, 57.12, 57.375)


def normalise(images: NDArray[np.generic]) -> Tensor:
    """Images (B, H, W, 3), RGB from 0 to 255 → float32 (B, 3, H, W) of mean 0 and deviation 1 over ImageNet.

    Enough for images that already are squares of the network's size. Raises DataError on another shape.
    """
    return _normalised(_planes(images), MEAN, DEVIATION)


def prepare(images: NDArray[np.generic], image_size: int, mean: Colour = MEAN, deviation: Colour = DEVIATION) -> Tensor:
    """Scale the long side to `image_size`, normalise, then pad with zeros on the right and below.

    `images` (B, H, W, 3), RGB from 0 to 255 → float32 (B, 3, image_size, image_size).
    Raises DataError on another shape.
    """
    planes = _planes(images)
    height, width = scaled_sides(planes.shape[2], planes.shape[3], image_size)
    scaled = functional.interpolate(planes, (height, width), mode="bilinear", antialias=True)
    return functional.pad(_normalised(scaled, mean, deviation), (0, image_size - width, 0, image_size - height))


def scale_points(points: Tensor, height: int, width: int, image_size: int) -> Tensor:
    """Places (…, 2) as x, y in pixels of an image (height, width) → pixels of the network's square frame."""
    new_height, new_width = scaled_sides(height, width, image_size)
    return points * points.new_tensor([new_width / width, new_height / height])


def restore(logits: Tensor, height: int, width: int) -> Tensor:
    """Logits (B, M, S/4, S/4) of the square frame → logits (B, M, height, width) of the image."""
    side = logits.shape[-1]
    scaled_height, scaled_width = scaled_sides(height, width, 4 * side)
    rows, columns = _to_side(side, scaled_height, height), _to_side(side, scaled_width, width)
    return rows.to(logits) @ (logits @ columns.to(logits).T)


@cache
def _to_side(side: int, scaled: int, wanted: int) -> Tensor:
    """The matrix (wanted, side) that takes a line of logits to four times its length, crops it and interpolates again.

    Bilinear interpolation is such a matrix along either axis. Two products with it cost a fraction of interpolating
    twice, and less still on the way back from the loss.
    """
    with torch.inference_mode(False), torch.no_grad():  # Or what an exam keeps could not be trained with.
        frame = functional.interpolate(torch.eye(side)[None], 4 * side, mode="linear")
        return functional.interpolate(frame[..., :scaled], wanted, mode="linear")[0].T.contiguous()


def scaled_sides(height: int, width: int, image_size: int) -> tuple[int, int]:
    """Sides in pixels, rounded to nearest and at least 1, when the longer becomes `image_size`."""
    scale = image_size / max(height, width)
    return max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))


def _planes(images: NDArray[np.generic]) -> Tensor:
    if images.ndim != 4 or images.shape[3] != 3 or 0 in images.shape:
        raise DataError(f"Images of shape {images.shape} were given; expected (B, H, W, 3) with no side of 0.")
    # Plane by plane from the first: all that follows is slower where three colours lie side by side.
    return torch.tensor(np.ascontiguousarray(images)).permute(0, 3, 1, 2).contiguous().float()


def _normalised(planes: Tensor, mean: Colour, deviation: Colour) -> Tensor:
    middle, width = (planes.new_tensor(values)[:, None, None] for values in (mean, deviation))
    return (planes - middle) / width
