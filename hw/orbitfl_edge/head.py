"""The last layers before a mask, forwards and backwards in NumPy: what a board can teach without torch.

Two transposed convolutions of 2 × 2 pixels and stride 2 with a LayerNorm and GELUs (Kirillov et al. 2023, appendix A),
whose maps are weighed by a filter and summed. All that comes before is frozen, so the graphs compute it once per tile.
"""

from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray

PREFIX = "mask_decoder.output_upscaling."
NAMES = tuple(f"{PREFIX}{name}" for name in ("0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias"))
EPSILON = 1e-6
PARTS = 4
"""Pixels that one pixel becomes in each convolution."""

Array = NDArray[np.floating]
Weights = dict[str, Array]


@dataclass(frozen=True)
class Tape:
    """What going backwards needs. cells: (B, g², dim). filters: (B, dim / 8). The rest as `drawn` made it."""

    cells: Array
    filters: Array
    scaled: Array
    deviation: Array
    normed: Array
    halves: Array
    fine: Array


def fits(weights: Weights, cells: Array, filters: Array) -> bool:
    """Whether masks can be drawn of `cells` (B, g², dim) and `filters` (B, dim / 8) by weights of these shapes."""
    (_, places, dim), fine, wide = cells.shape, filters.shape[1], weights[NAMES[1]].size
    expected = ((dim, wide, 2, 2), (wide,), (wide,), (wide,), (wide, fine, 2, 2), (fine,))
    return isqrt(places) ** 2 == places and tuple(weights[name].shape for name in NAMES) == expected


def drawn(weights: Weights, cells: Array, filters: Array) -> tuple[Array, Tape]:
    """Logits (B, 4g, 4g), and how they came to be."""
    widen, widen_bias, gain, offset, refine, refine_bias = (weights[name] for name in NAMES)
    wide = _spread(cells, widen, widen_bias)
    deviation = np.sqrt(wide.var(axis=-1, keepdims=True) + np.float32(EPSILON))
    scaled = (wide - wide.mean(axis=-1, keepdims=True)) / deviation
    normed = scaled * gain + offset
    halves = _gelu(normed)
    fine = _spread(halves, refine, refine_bias)
    parts = np.einsum("bcijk,bk->bcij", _gelu(fine), filters)
    return _unnested(parts), Tape(cells, filters, scaled, deviation, normed, halves, fine)


def slopes(weights: Weights, tape: Tape, by_logit: Array) -> Weights:
    """The gradient by each weight, given that by each logit (B, 4g, 4g)."""
    widen, _, gain, _, refine, _ = (weights[name] for name in NAMES)
    by_fine = _nested(by_logit)[..., None] * tape.filters[:, None, None, None] * _gelu_slope(tape.fine)
    by_normed = _gathered(by_fine, refine) * _gelu_slope(tape.normed)
    by_scaled = by_normed * gain
    centred = by_scaled - by_scaled.mean(axis=-1, keepdims=True)
    along = (by_scaled * tape.scaled).mean(axis=-1, keepdims=True)
    by_wide = (centred - tape.scaled * along) / tape.deviation
    values = (
        _kernel_slope(tape.cells, by_wide, widen.shape),
        _summed(by_wide),
        _summed(by_normed * tape.scaled),
        _summed(by_normed),
        _kernel_slope(tape.halves, by_fine, refine.shape),
        _summed(by_fine),
    )
    return dict(zip(NAMES, values, strict=True))


def _matrix(kernel: Array) -> Array:
    """(C, C', 2, 2) → (4 C', C): parts row by row, then channels."""
    return kernel.transpose(2, 3, 1, 0).reshape(-1, kernel.shape[0])


def _spread(cells: Array, kernel: Array, bias: Array) -> Array:
    """(…, C) → (…, 4, C')."""
    return (cells @ _matrix(kernel).T).reshape(*cells.shape[:-1], PARTS, -1) + bias


def _gathered(by_parts: Array, kernel: Array) -> Array:
    """Back from (…, 4, C') to (…, C)."""
    return by_parts.reshape(*by_parts.shape[:-2], -1) @ _matrix(kernel)


def _kernel_slope(cells: Array, by_parts: Array, shape: tuple[int, ...]) -> Array:
    given, made, *sides = shape
    flat = by_parts.reshape(-1, PARTS * made).T @ cells.reshape(-1, given)
    return flat.reshape(*sides, made, given).transpose(3, 2, 0, 1)


def _summed(values: Array) -> Array:
    return values.reshape(-1, values.shape[-1]).sum(axis=0)


def _unnested(parts: Array) -> Array:
    """Parts of parts of cells (B, g², 4, 4) → (B, 4g, 4g)."""
    grid = round(parts.shape[1] ** 0.5)
    return parts.reshape(-1, grid, grid, 2, 2, 2, 2).transpose(0, 1, 3, 5, 2, 4, 6).reshape(-1, 4 * grid, 4 * grid)


def _nested(maps: Array) -> Array:
    grid = maps.shape[-1] // 4
    placed = maps.reshape(-1, grid, 2, 2, grid, 2, 2).transpose(0, 1, 4, 2, 5, 3, 6)
    return placed.reshape(-1, grid * grid, PARTS, PARTS)


def _gelu(x: Array) -> Array:
    return x * _normal(x)


def _gelu_slope(x: Array) -> Array:
    density = np.exp(-x * x / 2) * np.float32((2 * np.pi) ** -0.5)
    return _normal(x) + x * density


def _normal(x: Array) -> Array:
    """The normal distribution, by the error function's approximation 7.1.26 of Abramowitz and Stegun (1.5e-7)."""
    size = np.abs(x) * np.float32(2**-0.5)
    t = 1 / (1 + np.float32(0.3275911) * size)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    error = 1 - series * np.exp(-size * size)
    return ((1 + np.sign(x) * error) / 2).astype(x.dtype)
