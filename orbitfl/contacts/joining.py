"""Windows put together: several of one group as one, and one against those of a group."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.crossings import Windows

GOLDEN = (5**0.5 - 1) / 2
GOLDEN_ROUNDS = 36
"""Leave 3e-8 of an interval."""


def joined(windows: Windows, group: Ints) -> tuple[Windows, Ints]:
    """Unions of the windows of each group (n,), a group's number for series, and which of them (n,) holds each window.

    Windows that touch are joined.
    """
    count = len(windows)
    t_s, step = np.append(windows.start_s, windows.end_s), np.repeat([1, -1], count)
    order = np.lexsort((-step, t_s, np.tile(group, 2)))
    depth = np.cumsum(step[order])
    begins, ends = (depth == 1) & (step[order] == 1), depth == 0
    union = np.empty(2 * count, np.intp)
    union[order] = np.cumsum(begins) - 1
    holder, first = union[:count], order[begins]
    cut_start, cut_end = np.zeros((2, len(first)), bool)
    cut_start[holder[windows.cut_start]] = True
    cut_end[holder[windows.cut_end]] = True
    unions = Windows(group[first], t_s[first], t_s[order[ends]], cut_start, cut_end)
    sorting = np.lexsort((unions.series, unions.start_s))
    return unions.where(sorting), np.argsort(sorting)[holder]


def repeated(windows: Windows, series: Ints, group: Ints) -> Windows:
    """The windows of groups once for each of the series (n,), which belong to the groups (n,)."""
    ordered = windows.where(np.argsort(windows.series, kind="stable"))
    first, last = (np.searchsorted(ordered.series, group, side) for side in ("left", "right"))
    many = last - first
    rows = np.repeat(first - np.cumsum(many) + many, many) + np.arange(many.sum())
    chosen = ordered.where(rows)
    return Windows(np.repeat(series, many), chosen.start_s, chosen.end_s, chosen.cut_start, chosen.cut_end)


def least(value: Callable[[Ints, Floats], Floats], start_s: Floats, end_s: Floats, step_s: float) -> Floats:
    """The least value (n,) of functions between times (n,), for functions with at most one minimum in two `step_s`.

    value: of functions by number, at one time each. Beside every sample that no neighbour is below, a golden
    section search (Kiefer, Sequential minimax search for a maximum, Proc. AMS 4, 1953) goes on.
    """
    steps = np.maximum(1, np.ceil((end_s - start_s) / step_s)).astype(np.intp)
    row = np.repeat(np.arange(len(steps)), steps + 1)
    width_s = (end_s - start_s) / steps
    first = np.cumsum(steps + 1) - steps - 1
    t_s = start_s[row] + width_s[row] * (np.arange(len(row)) - first[row])
    sample = value(row, t_s)
    lowest, same = np.ones(len(row), bool), row[1:] == row[:-1]
    lowest[1:] &= ~(same & (sample[1:] > sample[:-1]))
    lowest[:-1] &= ~(same & (sample[1:] < sample[:-1]))
    low = np.flatnonzero(lowest)
    found, of = np.full(len(steps), np.inf), row[low]
    before_s = np.maximum(t_s[low] - width_s[of], start_s[of])
    after_s = np.minimum(t_s[low] + width_s[of], end_s[of])
    refined = _golden(lambda t_s: value(of, t_s), before_s, after_s)
    np.minimum.at(found, of, np.minimum(sample[low], refined))
    return found


def _golden(value: Callable[[Floats], Floats], low_s: Floats, high_s: Floats) -> Floats:
    """The least values (n,) of functions with one minimum each between times (n,)."""
    for _ in range(GOLDEN_ROUNDS):
        reach_s = GOLDEN * (high_s - low_s)
        left_s, right_s = high_s - reach_s, low_s + reach_s
        falls = value(left_s) > value(right_s)
        low_s, high_s = np.where(falls, left_s, low_s), np.where(falls, high_s, right_s)
    return value((low_s + high_s) / 2)
