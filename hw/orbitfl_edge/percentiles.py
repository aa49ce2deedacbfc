"""Exact percentiles of a scene that does not fit into memory, from counts of its numbers.

Numbers become whole keys in the same order. A first pass counts the upper half of each key, which tells 8- and 16-bit
numbers apart already; a second counts the lower half within the few upper halves that the percentiles fall into.
"""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

KINDS = ("uint8", "uint16", "int16", "uint32", "int32", "float32")
HALF = 2**16

Chunks = Callable[[], Iterable[NDArray]]
"""Starts a pass: arrays (bands, n) of the valid numbers, piece by piece."""


def keys(values: NDArray) -> NDArray[np.integer]:
    """Whole numbers of 32 bits in the order of `values`, which are of a kind in KINDS and finite."""
    name = values.dtype.name
    if name == "float32":
        bits = np.ascontiguousarray(values).view(np.uint32)
        return np.where(bits >> 31, ~bits, bits | np.uint32(2**31))
    if name in ("uint8", "uint16"):
        return values.astype(np.uint32) << 16
    if name == "int16":
        return (values.astype(np.int32) + 2**15).astype(np.uint32) << 16
    return values if name == "uint32" else (values.astype(np.int64) + 2**31).astype(np.uint32)


def number(key: int, name: str) -> float:
    """The number of this key."""
    if name == "float32":
        bits = key & (2**31 - 1) if key >> 31 else ~key & (2**32 - 1)
        return float(np.array(bits, np.uint32).view(np.float32))
    if name in ("uint8", "uint16"):
        return float(key >> 16)
    if name == "int16":
        return float((key >> 16) - 2**15)
    return float(key) if name == "uint32" else float(key - 2**31)


def percentiles(chunks: Chunks, kind: str, wanted: tuple[float, ...]) -> NDArray[np.float64]:
    """(bands, wanted), as numpy.percentile interpolates. There has to be a number."""
    upper = _counted(keys(chunk) >> 16 for chunk in chunks())
    places = [_place(share, int(upper[0].sum())) for share in wanted]
    ranks = sorted({rank for low, high, _ in places for rank in (low, high)})
    found = [dict(zip(ranks, each, strict=True)) for each in _at_ranks(chunks, kind, upper, ranks)]
    return np.array([[_between(band[low], band[high], part) for low, high, part in places] for band in found])


def _place(share: float, count: int) -> tuple[int, int, float]:
    """Between which ranks a percentile lies, and how far from the first."""
    exact = share / 100 * (count - 1)
    low = int(exact)
    return low, min(low + 1, count - 1), exact - low


def _between(low: float, high: float, part: float) -> float:
    return low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part)


def _counted(pieces: Iterable[NDArray[np.integer]]) -> NDArray[np.int64]:
    """How often each number below HALF occurs, (bands, HALF)."""
    counts: NDArray[np.int64] | int = 0
    for piece in pieces:
        counts = counts + np.stack([np.bincount(band, minlength=HALF) for band in piece])
    return np.asarray(counts)


def _at_ranks(chunks: Chunks, kind: str, upper: NDArray[np.int64], ranks: list[int]) -> list[list[float]]:
    """Per band the numbers at these ranks, counted from 0."""
    before = np.cumsum(upper, axis=1)
    halves = [[int(np.searchsorted(band, rank, side="right")) for rank in ranks] for band in before]
    if np.dtype(kind).itemsize <= 2:
        return [[number(half << 16, kind) for half in band] for band in halves]
    lower = _lower_counts(chunks, halves)
    return [
        [
            number(
                half << 16 | _rank_within(lower[band, half], rank - int(before[band][half] - upper[band][half])), kind
            )
            for half, rank in zip(halves[band], ranks, strict=True)
        ]
        for band in range(len(halves))
    ]


def _rank_within(counts: NDArray[np.int64], rank: int) -> int:
    return int(np.searchsorted(np.cumsum(counts), rank, side="right"))


def _lower_counts(chunks: Chunks, halves: list[list[int]]) -> dict[tuple[int, int], NDArray[np.int64]]:
    """How often each lower half occurs with the given upper halves, by band and upper half."""
    counts = {(band, half): np.zeros(HALF, np.int64) for band, each in enumerate(halves) for half in each}
    for chunk in chunks():
        whole = keys(chunk)
        for band, half in counts:
            own = whole[band][whole[band] >> 16 == half] & np.uint32(HALF - 1)
            counts[band, half] += np.bincount(own, minlength=HALF)
    return counts
