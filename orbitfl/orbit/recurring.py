"""Windows that come back after equal times, without a search."""

import numpy as np
from numpy.typing import NDArray

from orbitfl.orbit.arrays import ROWS_AT_ONCE, Floats, Ints
from orbitfl.orbit.crossings import US_PER_S, Windows, bits_of, require_room

SHORTEST_S = 1 / US_PER_S


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
    keys = _keys(opened, opens_s, ever & ~always, period_s, duration_s, bits)
    keys.sort()
    return _windows(keys, bits, opened, closes_s, length_s, duration_s)


def _keys(
    opened: NDArray[np.bool_],
    opens_s: Floats,
    comes_back: NDArray[np.bool_],
    period_s: float,
    duration_s: float,
    bits: int,
) -> NDArray[np.uint64]:
    """The microseconds at which windows open, above `bits` bits of their series: of those already open, then period by
    period."""
    already, series = np.flatnonzero(opened), np.flatnonzero(comes_back)
    opens_s, number, turns = opens_s[series], series.astype(np.uint64), int(duration_s / period_s) + 1
    keys, count = np.empty(len(already) + turns * len(series), np.uint64), len(already)
    keys[:count] = already
    for turn in range(turns):
        t_us = np.rint((opens_s + turn * period_s) * US_PER_S).astype(np.uint64)
        within = ((t_us << np.uint64(bits)) | number)[t_us < duration_s * US_PER_S]
        keys[count : count + len(within)] = within
        count += len(within)
    return keys[:count]


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
    for first in range(0, count, ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        which: Ints = (keys[rows] & np.uint64((1 << bits) - 1)).astype(np.intp)
        series[rows], start_s[rows] = which, (keys[rows] >> np.uint64(bits)) / US_PER_S
        end_s[rows] = _end_s(start_s[rows] + length_s[which], duration_s)
    cut_start = np.zeros(count, np.bool_)
    at_once = np.searchsorted(start_s, 0.0, "right")
    already = cut_start[:at_once] = opened[series[:at_once]]
    end_s[:at_once][already] = _end_s(closes_s[series[:at_once][already]], duration_s)
    return Windows(series, start_s, end_s, cut_start, end_s == duration_s)


def _end_s(t_s: Floats, duration_s: float) -> Floats:
    """In whole microseconds, and not beyond the span."""
    return np.minimum(np.rint(t_s * US_PER_S) / US_PER_S, duration_s)
