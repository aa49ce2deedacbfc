"""What happens within each window: the nearest and farthest range, and the mean rate."""

from typing import NamedTuple

import numpy as np

from orbitfl.contacts.links import Link
from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.crossings import Margin, Windows, maximise

FEWEST_STEPS = 16


class Measured(NamedTuple):
    """One value per window, (n_windows,)."""

    range_min_km: Floats
    range_max_km: Floats
    rate_bps: Floats


class _Samples(NamedTuple):
    """Evenly spaced times of all windows, end to end: (n,), but for `first` and `steps`, (n_windows,).

    window: to which window a sample belongs. first: where a window's samples begin.
    steps: how many lie between its samples, an even number.
    """

    window: Ints
    t_s: Floats
    first: Ints
    steps: Ints


def measure(range_km: Margin, windows: Windows, link: Link, step_s: float) -> Measured:
    """Extreme ranges and the mean rate of every window; Simpson's rule on steps of `step_s` or finer."""
    if not len(windows.series):
        return Measured(np.empty(0), np.empty(0), np.empty(0))
    samples = _sample(windows, step_s)
    ranges_km = range_km(windows.series[samples.window], samples.t_s)
    return Measured(
        -_highest(lambda series, t_s: -range_km(series, t_s), -ranges_km, windows, samples),
        _highest(range_km, ranges_km, windows, samples),
        _mean(link.rate_at(ranges_km), samples),
    )


def _sample(windows: Windows, step_s: float) -> _Samples:
    duration_s = windows.end_s - windows.start_s
    steps = 2 * np.ceil(np.maximum(duration_s / step_s, FEWEST_STEPS) / 2).astype(np.intp)
    first = np.cumsum(steps + 1) - (steps + 1)
    window = np.repeat(np.arange(len(steps)), steps + 1)
    share = (np.arange(len(window)) - first[window]) / steps[window]
    return _Samples(window, windows.start_s[window] + share * duration_s[window], first, steps)


def _highest(function: Margin, values: Floats, windows: Windows, samples: _Samples) -> Floats:
    """The maximum of `function` in each window: its highest sample, refined between the neighbours."""
    highest = np.maximum.reduceat(values, samples.first)
    hits = np.flatnonzero(values == highest[samples.window])
    peak = hits[np.unique(samples.window[hits], return_index=True)[1]]
    before = np.maximum(peak - 1, samples.first)
    after = np.minimum(peak + 1, samples.first + samples.steps)
    refined_s = maximise(function, windows.series, samples.t_s[before], samples.t_s[after])
    return np.maximum(highest, function(windows.series, refined_s))


def _mean(values: Floats, samples: _Samples) -> Floats:
    """Mean of each window by Simpson's rule; whole-number weights keep a constant exact."""
    place = np.arange(len(values)) - samples.first[samples.window]
    weight = np.where(place % 2, 4, 2)
    weight[samples.first] = weight[samples.first + samples.steps] = 1
    return np.add.reduceat(weight * values, samples.first) / (3 * samples.steps)
