"""Overlapping tiles whose answers fade into each other, so that no seam shows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float32]


@dataclass(frozen=True)
class Axis:
    """Tiles along one side. starts: first pixel of each. weights: (tiles, tile), which sum to 1 over every pixel."""

    length_px: int
    tile_px: int
    starts: tuple[int, ...]
    weights: Weights

    def finished(self, tile: int) -> int:
        """Up to which pixel nothing more is added once `tile` and those before it are done."""
        return self.starts[tile + 1] if tile + 1 < len(self.starts) else self.length_px


@dataclass(frozen=True)
class Grid:
    """The tiles of a scene."""

    rows: Axis
    columns: Axis


def grid(height_px: int, width_px: int, tile_px: int, overlap_px: int) -> Grid:
    return Grid(axis(height_px, tile_px, overlap_px), axis(width_px, tile_px, overlap_px))


def axis(length_px: int, tile_px: int, overlap_px: int) -> Axis:
    """Tiles at even steps, and a last one that ends with the scene; a scene smaller than a tile has one."""
    starts = _starts(length_px, tile_px, overlap_px)
    ramp = _ramp(tile_px, overlap_px)
    total = np.zeros(max(length_px, tile_px))
    for start in starts:
        total[start : start + tile_px] += ramp
    weights = np.stack([ramp / total[start : start + tile_px] for start in starts])
    return Axis(length_px, tile_px, starts, weights.astype(np.float32))


def _starts(length_px: int, tile_px: int, overlap_px: int) -> tuple[int, ...]:
    if length_px <= tile_px:
        return (0,)
    return (*range(0, length_px - tile_px, tile_px - overlap_px), length_px - tile_px)


def _ramp(tile_px: int, overlap_px: int) -> NDArray[np.float64]:
    """A tile's say: rising from its edges over the overlap, never 0, since at the scene's edge no other has one."""
    from_edge = np.minimum(np.arange(tile_px), np.arange(tile_px)[::-1]) + 0.5
    return np.minimum(1, from_edge / max(overlap_px, 1))
