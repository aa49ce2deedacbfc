"""When a function of time is positive: the one search behind passes, inter-satellite links and eclipses.

A margin is any vectorised function `margin(series, t_s)`: `series` numbers the quantities searched side by
side (pairs of satellites, say) and broadcasts with `t_s`. The search samples all series on a grid, then works
on every bracket of every series at once: by golden section on extrema that may hide a short window or gap,
by bisection on edges. It finds every window longer than twice its tolerance, provided no margin turns round
twice within two steps or bends far more sharply than its samples show. So the step must be short against the
time in which the geometry changes: 60 s suits low orbits.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from math import ceil, log, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from orbitfl.orbit.arrays import Floats, Ints

Margin = Callable[[Ints, Floats], Floats]

TOLERANCE_S = 1e-3
GOLDEN = (sqrt(5) - 1) / 2
SAMPLES_AT_ONCE = 1 << 19  # bounds the memory of a scan, some 100 MB with a margin that needs two positions


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Intervals in which a margin is positive, by series and then by time; every array is (n_windows,).

    cut_start, cut_end: whether the window was already open when the span began, or still when it ended.
    """

    series: Ints
    start_s: Floats
    end_s: Floats
    cut_start: NDArray[np.bool_]
    cut_end: NDArray[np.bool_]


def find_windows(
    margin: Margin,
    series_count: int,
    span_s: tuple[float, float],
    step_s: float,
    tolerance_s: float = TOLERANCE_S,
) -> Windows:
    """All windows in which `margin` is positive within `span_s` = (first, last).

    Edges lie on the visible side of the true crossing, at most `tolerance_s` from it.
    """
    first_s, last_s = span_s
    grid_s = np.linspace(first_s, last_s, max(2, ceil((last_s - first_s) / step_s)) + 1)
    rows = max(1, SAMPLES_AT_ONCE // len(grid_s))
    blocks = [
        _windows_of(margin, np.arange(row, min(row + rows, series_count)), grid_s, tolerance_s)
        for row in range(0, max(series_count, 1), rows)
    ]
    columns = (np.concatenate([getattr(block, field.name) for block in blocks]) for field in fields(Windows))
    return Windows(*columns)


def maximise(function: Margin, series: Ints, low_s: Floats, high_s: Floats, tolerance_s: float = TOLERANCE_S) -> Floats:
    """The times (n,) at which `function` is highest within brackets (n,) that hold one maximum each.

    Golden section; a bracket without a turn yields its higher end. Within `tolerance_s`.
    """
    left_s, right_s = high_s - GOLDEN * (high_s - low_s), low_s + GOLDEN * (high_s - low_s)
    at_left, at_right = function(series, left_s), function(series, right_s)
    for _ in range(_rounds(high_s - low_s, tolerance_s, shrink=GOLDEN)):
        leftward = at_left >= at_right
        low_s, high_s = np.where(leftward, low_s, left_s), np.where(leftward, right_s, high_s)
        span_s = GOLDEN * (high_s - low_s)
        probe_s = np.where(leftward, high_s - span_s, low_s + span_s)
        at_probe = function(series, probe_s)
        left_s, right_s = np.where(leftward, probe_s, right_s), np.where(leftward, left_s, probe_s)
        at_left, at_right = np.where(leftward, at_probe, at_right), np.where(leftward, at_left, at_probe)
    return (low_s + high_s) / 2


class _Edges(NamedTuple):
    """Brackets (n,) of single edges: a window starts there if `inside_s` is the later time, else it ends."""

    series: Ints
    inside_s: Floats
    outside_s: Floats


def _windows_of(margin: Margin, series: Ints, grid_s: Floats, tolerance_s: float) -> Windows:
    samples = margin(series[:, None], grid_s)
    visible = samples > 0
    sampled = _sampled_edges(visible, series, grid_s)
    hidden = _hidden_edges(margin, samples, series, grid_s, tolerance_s)
    edges = _Edges(
        np.concatenate([sampled.series, hidden.series]),
        np.concatenate([sampled.inside_s, hidden.inside_s]),
        np.concatenate([sampled.outside_s, hidden.outside_s]),
    )
    edge_s, starts = _bisect(margin, edges, tolerance_s), edges.inside_s > edges.outside_s
    # Edges of a series alternate, so sorted by series and time the n-th start belongs to the n-th end.
    opened, start_s, cut_start = _sorted_edges(edges, edge_s, starts, series[visible[:, 0]], grid_s[0])
    _, end_s, cut_end = _sorted_edges(edges, edge_s, ~starts, series[visible[:, -1]], grid_s[-1])
    return Windows(opened, start_s, end_s, cut_start, cut_end)


def _sampled_edges(visible: NDArray[np.bool_], series: Ints, grid_s: Floats) -> _Edges:
    row, step = np.nonzero(visible[:, 1:] != visible[:, :-1])
    starts, before_s, after_s = visible[row, step + 1], grid_s[step], grid_s[step + 1]
    return _Edges(series[row], np.where(starts, after_s, before_s), np.where(starts, before_s, after_s))


def _hidden_edges(margin: Margin, samples: Floats, series: Ints, grid_s: Floats, tolerance_s: float) -> _Edges:
    """Both edges of each window or gap between samples, found by following the margin towards zero."""
    row, step = np.nonzero(_may_touch_zero(samples))
    found, sign = series[row], np.where(samples[row, step] > 0, -1.0, 1.0)
    low_s, high_s = grid_s[np.maximum(step - 1, 0)], grid_s[np.minimum(step + 1, len(grid_s) - 1)]
    turn_s = maximise(lambda series, t_s: sign * margin(series, t_s), found, low_s, high_s, tolerance_s)
    real = (margin(found, turn_s) > 0) == (sign > 0)
    side_s = np.concatenate([low_s[real], high_s[real]])
    turn_s, is_window = np.tile(turn_s[real], 2), np.tile(sign[real] > 0, 2)
    return _Edges(np.tile(found[real], 2), np.where(is_window, turn_s, side_s), np.where(is_window, side_s, turn_s))


def _may_touch_zero(samples: Floats) -> NDArray[np.bool_]:
    """Where (n_series, n_t) a margin comes nearest to zero and may pass it unseen before it turns back.

    Beyond its extreme sample a parabola goes by an eighth of the second difference at most and a kink by the
    whole, so the whole is allowed for.
    """
    visible, distance = samples > 0, np.abs(samples)
    same, rise = visible[:, 1:] == visible[:, :-1], np.diff(distance, axis=1)
    reach = np.abs(np.diff(samples, 2, axis=1))
    near = distance <= np.pad(reach, ((0, 0), (1, 1)), mode="edge")
    near[:, 1:] &= same & (rise < 0)
    near[:, :-1] &= same & (rise >= 0)
    return near


def _bisect(margin: Margin, edges: _Edges, tolerance_s: float) -> Floats:
    series, inside_s, outside_s = edges
    for _ in range(_rounds(inside_s - outside_s, tolerance_s, shrink=0.5)):
        middle_s = (inside_s + outside_s) / 2
        seen = margin(series, middle_s) > 0
        inside_s, outside_s = np.where(seen, middle_s, inside_s), np.where(seen, outside_s, middle_s)
    return inside_s


def _sorted_edges(
    edges: _Edges, edge_s: Floats, chosen: NDArray[np.bool_], cut_series: Ints, cut_s: float
) -> tuple[Ints, Floats, NDArray[np.bool_]]:
    """Series, times and cut flags of the chosen edges and of those the span cut, by series, then time."""
    series = np.concatenate([edges.series[chosen], cut_series])
    times_s = np.concatenate([edge_s[chosen], np.full(len(cut_series), cut_s)])
    order = np.lexsort((times_s, series))
    return series[order], times_s[order], order >= len(order) - len(cut_series)


def _rounds(width_s: Floats, tolerance_s: float, shrink: float) -> int:
    """How often brackets shrink by a factor until the widest is within tolerance."""
    widest_s = np.max(np.abs(width_s), initial=tolerance_s)
    return ceil(log(tolerance_s / widest_s) / log(shrink))
