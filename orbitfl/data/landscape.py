"""The ground that a synthetic scene shows: fractal terrain, rivers, fields, towns and roads.

Everything here is geometry on a square grid of pixels (row, column), one pixel being 10 m; colours are in
`spectra`.
"""

import math
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from orbitfl.data.regions import Labels, Mask

Field = NDArray[np.floating]


def fractal(rng: np.random.Generator, size_px: int, roughness: float, scale_px: float, stretch: float = 1.0) -> Field:
    """A periodic Gaussian random field (size_px, size_px) of zero mean and unit deviation.

    The amplitude falls as (f² + f0²)^(-roughness/2) with f0 = 1/scale_px cycles per pixel, so structures
    larger than `scale_px` are equally strong and smaller ones fade; `stretch` > 1 draws them out along a
    random direction.
    """
    along = rng.uniform(0, np.pi)
    row = fft.fftfreq(size_px).astype(np.float32)[:, None]
    column = fft.rfftfreq(size_px).astype(np.float32)[None, :]
    u = (math.cos(along) * row + math.sin(along) * column) * stretch
    v = (math.cos(along) * column - math.sin(along) * row) / stretch
    power = u * u + v * v + np.float32(scale_px**-2)
    power[0, 0] = np.inf
    white = rng.standard_normal((*power.shape, 2), np.float32).view(np.complex64)[..., 0]
    field: Field = np.asarray(fft.irfft2(white * power ** np.float32(-roughness / 2), s=(size_px, size_px)))
    return field / field.std()


@dataclass(frozen=True, slots=True)
class Channels:
    """Centre lines of rivers as points: `row`, `column` (n,) in pixels and `half_width_px` (n,)."""

    row: NDArray[np.float64]
    column: NDArray[np.float64]
    half_width_px: NDArray[np.float64]

    def distance_px(self, size_px: int) -> Field:
        """Distance (size_px, size_px) to the bank of the nearest channel, negative in the water."""
        row, column = np.rint(self.row).astype(int), np.rint(self.column).astype(int)
        inside = (row >= 0) & (row < size_px) & (column >= 0) & (column < size_px)
        if not inside.any():
            return np.full((size_px, size_px), np.float32(size_px))
        dry = np.ones((size_px, size_px), bool)
        half_width_px = np.zeros((size_px, size_px), np.float32)
        dry[row[inside], column[inside]] = False
        half_width_px[row[inside], column[inside]] = self.half_width_px[inside]
        distance_px, near = _nearest(dry)
        return distance_px - half_width_px[near]


def meander(rng: np.random.Generator, size_px: int, axis_rad: float, width_px: float) -> Channels:
    """One river across the scene, a sine-generated curve (Langbein & Leopold 1966, USGS PP 422-H).

    Its direction swings as ω·sin(2πs/M) about `axis_rad` with a wavelength M of 8 to 16 widths, drifting in
    phase.
    """
    step_px = np.arange(5 * size_px) * 0.5
    wave_px = max(width_px, 5) * rng.uniform(8, 16)
    drift = np.cumsum(rng.normal(0, 0.02, step_px.size))
    swing_rad = rng.uniform(0.3, 1.7) * (0.7 + 0.3 * np.sin(step_px / (3 * wave_px) + drift))
    swing_rad = swing_rad * np.sin(2 * np.pi * step_px / wave_px + drift)
    heading_rad = axis_rad + swing_rad + 0.3 * np.sin(drift / 3)
    row, column = np.cumsum(np.sin(heading_rad)) * 0.5, np.cumsum(np.cos(heading_rad)) * 0.5
    centre = rng.uniform(0.25, 0.75, 2) * size_px
    middle = step_px.size // 2
    widths_px = width_px * (1 + 0.3 * np.sin(step_px / wave_px * rng.uniform(0.4, 2.2) + drift * 2))
    return Channels(row - row[middle] + centre[0], column - column[middle] + centre[1], widths_px / 2)


def oxbows(rng: np.random.Generator, river: Channels, count: int) -> Channels:
    """Crescents cut off from a river: arcs of its own width, beside its course."""
    arc = np.linspace(-1, 1, 120)[None, :] * rng.uniform(0.7, 1.7, (count, 1))
    turn = arc + rng.uniform(0, 2 * np.pi, (count, 1))
    radius_px = (river.half_width_px.mean() * rng.uniform(3, 8, (count, 1))).clip(8)
    at = rng.integers(0, river.row.size, (count, 1))
    aside = rng.normal(0, 1.5, (2, count, 1)) * radius_px
    row = river.row[at] + aside[0] + radius_px * np.sin(turn)
    column = river.column[at] + aside[1] + radius_px * np.cos(turn)
    taper = np.sin(np.linspace(0.25, np.pi - 0.25, 120))[None, :]
    half_width_px = river.half_width_px.mean() * rng.uniform(0.4, 1.0, (count, 1)) * taper
    return Channels(row.ravel(), column.ravel(), half_width_px.ravel())


def join(channels: list[Channels]) -> Channels:
    return Channels(
        *(np.concatenate([getattr(c, name) for c in channels]) for name in ("row", "column", "half_width_px"))
    )


def _nearest(away: Mask) -> tuple[Field, tuple[Labels, Labels]]:
    """Distance in pixels to the nearest pixel that is not `away`, and the row and column of that pixel."""
    distance_px, near = cast(tuple[Field, Labels], ndimage.distance_transform_edt(away, return_indices=True))
    return distance_px.astype(np.float32), (near[0], near[1])


@dataclass(frozen=True, slots=True)
class Parcels:
    """Fields or town blocks: `label` (H, W), an id in 0..65535 per parcel, `edge_px` (H, W) to its edge."""

    label: Labels
    edge_px: Field


def parcels(rng: np.random.Generator, size_px: int, blocks: int, width_px: float, length_px: float) -> Parcels:
    """Strips of about width_px × length_px, in Voronoi blocks that each have a direction of their own."""
    seeds = np.ones((size_px, size_px), bool)
    seed_row, seed_column = rng.integers(0, size_px, (2, blocks))
    seeds[seed_row, seed_column] = False
    _, near = _nearest(seeds)
    block = np.zeros((size_px, size_px), np.int32)
    block[seed_row, seed_column] = np.arange(blocks)
    block = block[near]
    angle = rng.uniform(0, np.pi) + rng.normal(0, 0.25, blocks)
    wide, long = (
        rng.uniform(0.6 * side_px, 1.7 * side_px, blocks).astype(np.float32) for side_px in (width_px, length_px)
    )
    cosine, sine = np.cos(angle).astype(np.float32)[block], np.sin(angle).astype(np.float32)[block]
    row, column = np.indices((size_px, size_px), np.float32)
    u, v = (column * cosine + row * sine) / wide[block], (row * cosine - column * sine) / long[block]
    strip = np.floor(u)
    v = v + 0.618 * strip * (block % 2)
    edge_px = np.minimum(_to_edge(u) * wide[block], _to_edge(v) * long[block])
    label = _hashed(block, strip.astype(np.int64), np.floor(v).astype(np.int64))
    return Parcels(label, edge_px)


def _to_edge(cells: Field) -> Field:
    part = cells - np.floor(cells)
    return np.minimum(part, 1 - part)


def _hashed(block: Labels, strip: NDArray[np.int64], part: NDArray[np.int64]) -> Labels:
    mixed = (block * 73856093) ^ (strip * 19349663) ^ (part * 83492791)
    return ((mixed * 2654435761 >> 12) & 0xFFFF).astype(np.int32)


def line_distance_px(rng: np.random.Generator, size_px: int) -> Field:
    """Distance (size_px, size_px) of each pixel to one gently bent line across the scene: a road."""
    angle = rng.uniform(0, np.pi)
    row, column = np.indices((size_px, size_px), np.float32) - np.float32(size_px / 2)
    cosine, sine = math.cos(angle), math.sin(angle)
    along, across = column * cosine + row * sine, row * cosine - column * sine
    bend_px = rng.uniform(0, 25) * np.sin(along / rng.uniform(60, 200))
    return np.abs(across - bend_px - rng.uniform(-0.4, 0.4) * size_px)


def above(field: Field, share: float, within: Mask) -> Mask:
    """The highest `share` of `within` by `field`, as a mask of the same shape."""
    if share <= 0 or not within.any():
        return np.zeros_like(within)
    return within & (field > np.quantile(field[within], max(0.0, 1 - share)))
