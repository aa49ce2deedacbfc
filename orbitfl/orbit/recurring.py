"""Windows that come back after equal times, without a search."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.crossings import US_PER_S, Windows, bits_of, require_room

SHORTEST_S = 1 / US_PER_S
ROWS_AT_ONCE = 1 << 18
"""So few that what is made on the way stays in a core's cache."""


def recurring_windows(centre_s: Floats, length_s: Floats, period_s: float, duration_s: float) -> Windows:
    """The windows from 0 to `duration_s` of series that are open for `length_s` (n,) about `centre_s` (n,).

    And so again every `period_s`, later and earlier. Instants and order are those of `find_windows`: whole
    microseconds, by start, then series. A gap or a window shorter than one microsecond is none.
    """
    bits = bits_of(len(centre_s))
    require_room(duration_s, bits)
    always, ever = length_s > period_s - SHORTEST_S, length_s > SHORTEST_S
    opens_s = np.mod(centre_s - length_s / 2, period_s)
    closes_s = np.where(always, duration_s, opens_s + length_s - period_s)  # of the window before
    opened = ever & (closes_s > SHORTEST_S)
    later = _keys(opens_s, ever & ~always, period_s, duration_s, bits)
    keys = np.concatenate([np.flatnonzero(opened).astype(np.uint64), *later])
    keys.sort()
    return _windows(keys, bits, opened, closes_s, length_s, duration_s)


def _keys(
    opens_s: Floats, comes_back: NDArray[np.bool_], period_s: float, duration_s: float, bits: int
) -> Iterator[NDArray[np.uint64]]:
    """Period by period: the microseconds at which windows open, above `bits` bits of their series."""
    series = np.flatnonzero(comes_back)
    opens_s, number = opens_s[series], series.astype(np.uint64)
    for turn in range(int(duration_s / period_s) + 1):
        t_us = np.rint((opens_s + turn * period_s) * US_PER_S).astype(np.uint64)
        yield ((t_us << np.uint64(bits)) | number)[t_us < duration_s * US_PER_S]


def _windows(
    keys: NDArray[np.uint64],
    bits: int,
    opened: NDArray[np.bool_],
    closes_s: Floats,
    length_s: Floats,
    duration_s: float,
) -> Windows:
    count = len(keys)
    series, start_s, end_s = np.empty(count, np.int32), np.empty(count), np.empty(count)
    cut_start, cut_end = np.empty(count, np.bool_), np.empty(count, np.bool_)
    for first in range(0, count, ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        which: Ints = (keys[rows] & np.uint64((1 << bits) - 1)).astype(np.intp)
        begins_s = (keys[rows] >> np.uint64(bits)) / US_PER_S
        already = opened[which] & (begins_s == 0)
        ends_s = np.where(already, closes_s[which], begins_s + length_s[which])
        series[rows], start_s[rows], cut_start[rows] = which, begins_s, already
        end_s[rows] = np.minimum(np.rint(ends_s * US_PER_S) / US_PER_S, duration_s)
        cut_end[rows] = end_s[rows] == duration_s
    return Windows(series, start_s, end_s, cut_start, cut_end)
