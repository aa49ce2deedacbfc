"""When functions of time are positive: the one search behind passes, inter-satellite links, images and eclipses.

A `Curve` is a family of such functions on the nodes of an ephemeris. Each curve says, block of intervals by
block, at which instants its members change sign; `find_windows` orders the instants and pairs them up. What
curves share is here too:

- `may_cross`: in which intervals a function may touch zero. One whose second derivative stays within ±M leaves
  the chord of its two ends by M h²/8 at most, so no other interval can hide a window or a gap.
- `halved`: cuts such intervals in two and drops the halves that cannot, until a quintic describes the rest.
- `crossings`: all zeros of the quintic that meets value, slope and bend at both ends. Its coefficients in
  Bernstein's form bound their number (Descartes' rule; Farouki, The Bernstein polynomial basis: a centennial
  retrospective, Comput. Aided Geom. Des. 29, 2012, section 5.2); where they leave it open, the interval is cut.

Instants are kept as whole microseconds: then ties are ties, and every way of computing gives the same windows.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.jets import Jet

Numbers = NDArray[np.floating[Any]]
Reached = Callable[[float], None]
"""Told up to which second a search has come."""
US_PER_S = 1_000_000
NEWTON_ROUNDS = 4
"""Enough for all but a few in a thousand; those go on."""
CONVERGED = 1e-5
"""Share of an interval that Newton's last step may have: its square is the error, 20 ns of 180 s.

So far beyond its bracket a step ends on it, as it does at a zero on the bracket itself; farther, the bracket is halved.
"""
AT_END = 1e-3
"""Newton starts so far within an interval: begun on an end where the function is zero, it would not see another."""
CUTS = 40
SERIES_TIMES_STEPS = 1 << 20


class Changes(NamedTuple):
    """Changes of sign, in any order: of which series, and when; both (n,)."""

    series: Ints
    t_s: Floats


class Curve(Protocol):
    """Functions of time, numbered from 0, over an ephemeris with nodes `t_s`."""

    @property
    def count(self) -> int: ...

    @property
    def t_s(self) -> Floats: ...

    @property
    def steps_at_once(self) -> int:
        """Over how many intervals `changes` should be asked at once, for the sake of memory."""
        ...

    def positive(self, node: int) -> NDArray[np.bool_]:
        """Which of all series (count,) are positive at a node; as sharp as `changes`, which it has to fit."""
        ...

    def changes(self, first: int, last: int) -> Changes:
        """Every change of sign between the nodes `first` and `last`."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Intervals in which a function is positive, in order of start, then series; every array is (n_windows,).

    cut_start, cut_end: whether the window was already open when the span began, or still when it ended.
    """

    series: Ints
    start_s: Floats
    end_s: Floats
    cut_start: NDArray[np.bool_]
    cut_end: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.series)

    def where(self, chosen: NDArray[np.bool_] | Ints) -> "Windows":
        return Windows(
            self.series[chosen],
            self.start_s[chosen],
            self.end_s[chosen],
            self.cut_start[chosen],
            self.cut_end[chosen],
        )


class Toggles(NamedTuple):
    """Everything between `first_s` and `last_s` that opens and closes windows.

    keys: blocks of ordered whole numbers, microseconds since `first_s` above `bits` bits of the series; each opens
    its series if that is closed and closes it otherwise. opened: (count,), which series begin open.
    """

    keys: list[NDArray[np.uint64]]
    opened: NDArray[np.bool_]
    bits: int
    first_s: float
    last_s: float


def paired(toggles: Toggles) -> Windows:
    """The windows between every other toggle of each series."""
    blocks, opened, bits, first_s, last_s = toggles
    keys, already = np.concatenate([np.empty(0, np.uint64), *blocks]), np.flatnonzero(opened)
    series = np.concatenate([already, (keys & np.uint64((1 << bits) - 1)).astype(np.intp)])
    # The last whole microsecond may lie beyond the span.
    toggled_s = np.minimum(first_s + (keys >> np.uint64(bits)) / US_PER_S, last_s)
    t_s = np.concatenate([np.full(len(already), first_s), toggled_s])
    order = np.argsort(series, kind="stable")
    series, t_s, was_open = series[order], t_s[order], order < len(already)
    fresh = np.append(True, series[1:] != series[:-1])[: len(series)]
    place = np.arange(len(series)) - np.flatnonzero(fresh)[np.cumsum(fresh) - 1]
    start = np.flatnonzero(place % 2 == 0)
    stays = np.append(fresh[1:], True)[start]
    end_s = np.where(stays, last_s, np.append(t_s, last_s)[start + 1])
    windows = Windows(series[start], t_s[start], end_s, was_open[start], stays)
    return lasting(windows.where(np.lexsort((windows.series, windows.start_s))))


def lasting(windows: Windows) -> Windows:
    """Without those of no length: what opens or closes within half a microsecond of an end of the span."""
    last = windows.end_s > windows.start_s
    return windows if last.all() else windows.where(last)


def untold(t_s: float) -> None:
    """A `Reached` that tells nobody."""


def find_windows(
    curves: Iterable[Curve],
    reached: Reached = untold,
    sorting: Callable[[NDArray[np.uint64]], NDArray[np.uint64]] = np.sort,
    pairing: Callable[[Toggles], Windows] = paired,
) -> Windows:
    """All windows of curves of the same series over ephemerides that follow one another.

    sorting, pairing: what sorts whole numbers and pairs toggles up, if something faster than NumPy takes its place.
    """
    keys, opened, first_s, last_s, bits = [], None, 0.0, 0.0, 0
    for curve in curves:
        if opened is None:
            opened, first_s, bits = curve.positive(0), float(curve.t_s[0]), bits_of(curve.count)
        last_s = float(curve.t_s[-1])
        require_room(last_s - first_s, bits)
        for last, changes in _blocks(curve):
            _append(keys, _uneven(sorting(_packed(changes, first_s, bits))))
            reached(float(curve.t_s[last]))
    if opened is None:
        raise ValueError("windows were asked for without a single curve.")
    return pairing(Toggles(keys, opened, bits, first_s, last_s))


def intersection(first: Windows, second: Windows) -> Windows:
    """When both are open, series by series; windows of one series do not overlap within either."""
    sides = (first, second)
    series = np.concatenate([column for side in sides for column in (side.series, side.series)])
    t_s = np.concatenate([column for side in sides for column in (side.start_s, side.end_s)])
    cut = np.concatenate([column for side in sides for column in (side.cut_start, side.cut_end)])
    opens = np.concatenate([np.repeat([1, -1], len(side)) for side in sides])
    order = np.lexsort((opens, t_s, series))
    series, t_s, cut, opens = series[order], t_s[order], cut[order], opens[order]
    start = np.flatnonzero(np.cumsum(opens) == 2)
    both = Windows(series[start], t_s[start], t_s[start + 1], cut[start], cut[start + 1])
    return both.where(np.lexsort((both.series, both.start_s)))


def may_cross(start: Numbers, end: Numbers, reach: Numbers) -> NDArray[np.bool_]:
    """Where a function may touch zero between two values, if it leaves their chord by `reach` at most.

    That is unless both lie above the reach or both below its negative: |f₀ + f₁| − |f₁ − f₀| is twice the
    smaller distance from zero if they are on one side.
    """
    return np.abs(start + end) - np.abs(end - start) < 2 * reach


def halved(
    value: Callable[[Ints, Ints], Floats], series: Ints, tick: Ints, width: int, reach: Floats
) -> tuple[Ints, Ints]:
    """Cut intervals (n,) of `width` ticks, a power of two, into those of one tick that may cross zero.

    value: the function at (series, tick). reach: how far it may leave its chord over `width` ticks, (n_series,);
    over half of them, a quarter of that. Returns series and tick of what is left. Counting in whole ticks, both
    neighbours of an instant mean the very same one.
    """
    at_start, at_end = value(series, tick), value(series, tick + width)
    while width > 1:
        width, reach = width // 2, reach / 4
        middle = value(series, tick + width)
        left = may_cross(at_start, middle, reach[series])
        right = may_cross(middle, at_end, reach[series])
        at_start = np.concatenate([at_start[left], middle[right]])
        at_end = np.concatenate([middle[left], at_end[right]])
        tick = np.concatenate([tick[left], tick[right] + width])
        series = np.concatenate([series[left], series[right]])
    return series, tick


def crossings(series: Ints, start_s: Floats, width_s: float, start: Jet, end: Jet) -> Changes:
    """All changes of sign of quintics over intervals (n,) from `start_s`, `width_s` wide."""
    found, share = zeros(bernstein(start, end, width_s))
    return Changes(series[found], start_s[found] + share * width_s)


def bernstein(start: Jet, end: Jet, width_s: float) -> Floats:
    """Coefficients (n, 6) in Bernstein's basis over [0, 1] of the quintics that meet both jets."""
    first, second = 0.2 * width_s, 0.05 * width_s * width_s
    d0, c0, d1, c1 = first * start.slope, second * start.bend, first * end.slope, second * end.bend
    b0, b5 = start.value, end.value
    return np.stack([b0, b0 + d0, b0 + 2 * d0 + c0, b5 - 2 * d1 + c1, b5 - d1, b5], axis=-1)


def zeros(b: Floats) -> tuple[Ints, Floats]:
    """The simple zeros in [0, 1] of polynomials b (n, 6): of which polynomial, and where.

    A double zero, where a function touches and does not cross, is found or not: rounding decides.
    """
    which, low, width = np.arange(len(b)), np.zeros(len(b)), 1.0
    found = []
    for _ in range(CUTS):
        changes = sign_changes(b)
        single = changes == 1
        found.append((which[single], low[single] + width * newton(b[single])))
        many = changes > 1
        if not many.any():
            break
        b, which, low, width = _cut(b[many]), np.tile(which[many], 2), np.tile(low[many], 2), width / 2
        low[len(low) // 2 :] += width
    which, place = (np.concatenate(column) for column in zip(*found, strict=True))
    return which, place


def sign_changes(b: Floats) -> Ints:
    """How often (n,) the signs of coefficients (n, m) change; the number of zeros is that, or less by 2, 4 …"""
    above = b > 0
    return np.count_nonzero(above[:, 1:] != above[:, :-1], axis=1)


def newton(b: Floats) -> Floats:
    """The only zero (n,) in [0, 1] of each polynomial b (n, 6), to some 1e-12: Newton's steps within a bracket."""
    b0, b1, b2, b3, b4, b5 = b.T
    c1, c2, c3 = 5 * (b1 - b0), 10 * (b2 - 2 * b1 + b0), 10 * (b3 - 3 * b2 + 3 * b1 - b0)
    c4 = 5 * (b4 - 4 * b3 + 6 * b2 - 4 * b1 + b0)
    c5 = b5 - 5 * b4 + 10 * b3 - 10 * b2 + 5 * b1 - b0
    coefficients = np.stack([b0, c1, c2, c3, c4, c5])
    low, high, x = np.zeros(len(b)), np.ones(len(b)), np.clip(b0 / (b0 - b5), AT_END, 1 - AT_END)
    step = np.ones(len(b))
    for _ in range(NEWTON_ROUNDS):
        x, step, low, high = _newton_step(coefficients, x, low, high, b5 > 0)
    for _ in range(100):
        open_ = np.flatnonzero(np.abs(step) >= CONVERGED)
        if not len(open_):
            break
        x[open_], step[open_], low[open_], high[open_] = _newton_step(
            coefficients[:, open_], x[open_], low[open_], high[open_], b5[open_] > 0
        )
    return x


def _newton_step(
    coefficients: Floats, x: Floats, low: Floats, high: Floats, rises: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats, Floats]:
    c0, c1, c2, c3, c4, c5 = coefficients
    value = ((((c5 * x + c4) * x + c3) * x + c2) * x + c1) * x + c0
    slope = (((5 * c5 * x + 4 * c4) * x + 3 * c3) * x + 2 * c2) * x + c1
    beyond = (value > 0) == rises
    high, low = np.where(beyond, x, high), np.where(beyond, low, x)
    with np.errstate(divide="ignore", invalid="ignore"):
        better = x - value / slope
    near = (better >= low - CONVERGED) & (better <= high + CONVERGED)
    better = np.where(near, np.minimum(np.maximum(better, low), high), 0.5 * (low + high))
    return better, better - x, low, high


def _cut(b: Floats) -> Floats:
    """Both halves (2n, 6) of polynomials b (n, 6), by de Casteljau's averages."""
    left, right = b.copy(), b.copy()
    for level in range(1, 6):
        b = (b[:, 1:] + b[:, :-1]) / 2
        left[:, level], right[:, 5 - level] = b[:, 0], b[:, -1]
    return np.concatenate([left, right])


def steps_at_once(count: int) -> int:
    """How many intervals of so many series to look at together in NumPy."""
    return max(1, SERIES_TIMES_STEPS // max(1, count))


def _blocks(curve: Curve) -> Iterator[tuple[int, Changes]]:
    """Block by block: its last node, and the changes of sign up to there."""
    steps = len(curve.t_s) - 1
    for first in range(0, steps, curve.steps_at_once):
        last = min(first + curve.steps_at_once, steps)
        yield last, curve.changes(first, last)


def bits_of(count: int) -> int:
    return max(1, (count - 1).bit_length())


def require_room(span_s: float, bits: int) -> None:
    if span_s * US_PER_S >= 1 << (64 - bits):
        raise ScenarioError(
            f"{1 << bits} pairs over {span_s / 86400:.1f} days are more than one search takes; "
            "choose a shorter span, or fewer pairs at a time."
        )


def _packed(changes: Changes, first_s: float, bits: int) -> NDArray[np.uint64]:
    """Changes as integers: whole microseconds, then the series.

    Sorting them is one fast call, and equal instants are ordered by series.
    """
    t_us = np.rint((changes.t_s - first_s) * US_PER_S).astype(np.uint64)
    return (t_us << np.uint64(bits)) | changes.series.astype(np.uint64)


def _append(blocks: list[NDArray[np.uint64]], keys: NDArray[np.uint64]) -> None:
    """Add a block, but for instants at which a series both opens and closes where the two blocks meet."""
    if blocks and len(blocks[-1]) and len(keys) and keys[0] <= blocks[-1][-1]:
        both = np.intersect1d(blocks[-1], keys)
        blocks[-1], keys = blocks[-1][~np.isin(blocks[-1], both)], keys[~np.isin(keys, both)]
    blocks.append(keys)


def _uneven(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Without instants at which a series both opens and closes."""
    if not np.any(keys[1:] == keys[:-1]):
        return keys
    values, counts = np.unique(keys, return_counts=True)
    return values[counts % 2 == 1]
