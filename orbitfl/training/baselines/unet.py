"""A small U-Net (Ronneberger et al. 2015, arXiv 1505.04597), taught from nothing on the tiles that satellites have.

484 000 parameters. It sees each 2 × 2 block of pixels as one cell of twelve numbers and answers with four logits a
cell: full resolution for a fifth of the time. Normalised by group (Wu & He 2018, arXiv 1803.08494): batches are small.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from orbitfl.data.tiles import Tiles
from orbitfl.errors import DataError, DivergedError
from orbitfl.models.preprocess import normalise
from orbitfl.progress import Count, uncounted
from orbitfl.training.learner import draw, water_of
from orbitfl.training.loss import bce_dice
from orbitfl.training.options import LARGEST_BATCH, LARGEST_RATE
from orbitfl.training.scores import Confusion, confusion

WIDTHS = (16, 32, 64, 128)
GROUPS = 8
CELL_PX = 2
STEP_PX = CELL_PX * 2 ** (len(WIDTHS) - 1)
SCORE_BATCH = 16


@dataclass(frozen=True, kw_only=True)
class Schooling:
    """AdamW, for as many tiles as a run of eight satellites takes by default: 768 steps of four."""

    steps: int = 768
    batch_size: int = 4
    learning_rate: float = 1.0e-3
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "learning_rate"):
            if not 0 < getattr(self, name) < np.inf:
                raise DataError(f"{name} is {getattr(self, name)}; it must be greater than 0.")
        for name, most in (("batch_size", LARGEST_BATCH), ("learning_rate", LARGEST_RATE)):
            if getattr(self, name) > most:
                raise DataError(f"{name} is {getattr(self, name)}; it must be {most:g} at the most.")
        if not 0 <= self.seed < 2**63:
            raise DataError(f"seed is {self.seed}; it must lie from 0 to {2**63 - 1}.")


class UNet(nn.Module):
    """Images (B, 3, H, W), normalised, → logits (B, 1, H, W); sides are multiples of 16 pixels."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (3 * CELL_PX**2, *WIDTHS[:-1])
        self.down = nn.ModuleList(_twice(inner, outer) for inner, outer in zip(inputs, WIDTHS, strict=True))
        pairs = list(itertools.pairwise(WIDTHS))
        self.widen = nn.ModuleList(nn.ConvTranspose2d(deep, flat, 2, stride=2) for flat, deep in pairs)
        self.up = nn.ModuleList(_twice(2 * flat, flat) for flat, _ in pairs)
        self.head = nn.Conv2d(WIDTHS[0], CELL_PX**2, 1)

    def forward(self, images: Tensor) -> Tensor:
        levels = [self.down[0](functional.pixel_unshuffle(images, CELL_PX))]
        for down in list(self.down)[1:]:
            levels.append(down(functional.max_pool2d(levels[-1], 2)))
        seen = levels.pop()
        for widen, up in reversed(list(zip(self.widen, self.up, strict=True))):
            seen = up(torch.cat([levels.pop(), widen(seen)], dim=1))
        return functional.pixel_shuffle(self.head(seen), CELL_PX)


def teach(tiles: Tiles, schooling: Schooling, on_progress: Count = uncounted) -> UNet:
    """A U-Net taught on `tiles` alone. Equal tiles, options, machine and number of threads give equal weights.

    Raises DataError for tiles whose edge is not a multiple of 16 pixels, DivergedError where weights are not numbers.
    """
    _require_fit(tiles)
    network = _fresh(schooling.seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=schooling.learning_rate)
    for step in range(schooling.steps):
        batch = draw(len(tiles), step * schooling.batch_size, schooling.batch_size, (schooling.seed,))
        optimizer.zero_grad(set_to_none=True)
        truth = torch.from_numpy(tiles.masks[batch])[:, None]
        bce_dice(network(normalise(tiles.images[batch])), truth).backward()
        optimizer.step()
        if not all(bool(torch.isfinite(value).all()) for value in network.parameters()):
            raise DivergedError(f"learning_rate {schooling.learning_rate:g} is too large here; take a smaller one")
        on_progress(step + 1, schooling.steps)
    return network.eval()


def score(network: UNet, tiles: Tiles, on_progress: Count = uncounted) -> Confusion:
    """Every valid pixel of `tiles` counted once, water where the logit is above zero. Raises as `teach`."""
    _require_fit(tiles)
    counts = Confusion()
    for batch, water in _predicted(network, tiles):
        counts += confusion(water, tiles.masks[batch])
        on_progress(batch.stop, len(tiles))
    return counts


def parameter_count(network: UNet) -> int:
    return sum(value.numel() for value in network.parameters())


def _predicted(network: UNet, tiles: Tiles) -> Iterator[tuple[slice, NDArray[np.bool_]]]:
    for first in range(0, len(tiles), SCORE_BATCH):
        batch = slice(first, min(first + SCORE_BATCH, len(tiles)))
        with torch.inference_mode():
            yield batch, water_of(network(normalise(tiles.images[batch])))


def _twice(inner: int, outer: int) -> nn.Sequential:
    """Two convolutions of 3 × 3, each with its norm."""
    layers: list[nn.Module] = []
    for width in (inner, outer):
        layers += [nn.Conv2d(width, outer, 3, padding=1, bias=False), nn.GroupNorm(GROUPS, outer), nn.ReLU()]
    return nn.Sequential(*layers)


def _fresh(seed: int) -> UNet:
    """Weights drawn from `seed`, without touching torch's own generator."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return UNet()


def _require_fit(tiles: Tiles) -> None:
    edge_px = tiles.masks.shape[1]
    if edge_px % STEP_PX:
        raise DataError(f"Tiles have {edge_px} px; the U-Net takes multiples of {STEP_PX}, such as 256.")
