"""The crossing finder on functions whose zeros and windows are known in closed form."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.polynomial import Polynomial

from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.crossings import (
    Changes,
    Toggles,
    Windows,
    bernstein,
    find_windows,
    halved,
    intersection,
    may_cross,
    paired,
    zeros,
)
from orbitfl.orbit.jets import Jet
from orbitfl.orbit.smooth import SmoothCurve

STEP_S = 60.0
EDGE_S = 2e-6


@dataclass(frozen=True)
class Known:
    """A `Sight` of functions of (series, t_s) that give value, slope and bend."""

    function: Callable[[Ints, Floats], Jet]
    limits: Floats
    span_s: tuple[float, float] = (0.0, 20_000.0)
    step_s: float = STEP_S

    @property
    def count(self) -> int:
        return len(self.limits)

    @property
    def t_s(self) -> Floats:
        first_s, last_s = self.span_s
        return np.linspace(first_s, last_s, max(2, round((last_s - first_s) / self.step_s)) + 1)

    @property
    def bend_limit(self) -> Floats:
        return self.limits

    def at_nodes(self, first: int, last: int) -> Floats:
        t_s = self.t_s[first : last + 1]
        columns = [self.jet(np.full(len(t_s), series), t_s).value for series in range(self.count)]
        return np.stack(columns, axis=1) if columns else np.empty((len(t_s), 0))

    def jet(self, series: Ints, t_s: Floats) -> Jet:
        return self.function(series, t_s)


def wave(level: float, period_s: float | Floats, phase: float) -> Callable[[Ints, Floats], Jet]:
    """cos(2π t / period + phase) − level; periods may be one for each series."""

    def jet(series: Ints, t_s: Floats) -> Jet:
        spin = 2 * np.pi / (period_s if np.ndim(period_s) == 0 else np.asarray(period_s)[series])
        angle = spin * t_s + phase
        return Jet(np.cos(angle) - level, -spin * np.sin(angle), -(spin**2) * np.cos(angle))

    return jet


def parabola(sign: int, width_s: float, middle_s: float) -> Callable[[Ints, Floats], Jet]:
    """Above zero for `width_s` round the middle; with the other sign, below."""

    def jet(series: Ints, t_s: Floats) -> Jet:
        x = t_s - middle_s
        return Jet(sign * ((width_s / 2) ** 2 - x * x), -sign * 2 * x, np.full(len(x), -2.0 * sign))

    return jet


def search(
    function: Callable[[Ints, Floats], Jet], limit: float, span_s: tuple[float, float] = (0.0, 20_000.0)
) -> Windows:
    return find_windows([SmoothCurve(Known(function, np.array([limit]), span_s))])


def times(windows: Windows) -> Floats:
    return np.stack([windows.start_s, windows.end_s], axis=1)


def wave_windows(level: float, period_s: float, phase: float, span_s: tuple[float, float]) -> Floats:
    """cos x > level while |x| < arccos(level), round every crest that touches the span."""
    half_s = np.arccos(level) * period_s / (2 * np.pi)
    crest_s = (np.arange(-3, 40) - phase / (2 * np.pi)) * period_s
    clipped = [(max(t - half_s, span_s[0]), min(t + half_s, span_s[1])) for t in crest_s]
    return np.array([(start, end) for start, end in clipped if end > start]).reshape(-1, 2)


def columns(windows: Windows) -> list[tuple]:
    parts = (windows.series, windows.start_s, windows.end_s, windows.cut_start, windows.cut_end)
    return list(zip(*(part.tolist() for part in parts), strict=True))


@given(st.lists(st.floats(-1, 1).filter(lambda x: abs(x) > 1e-3), min_size=6, max_size=6), st.floats(1, 300))
def test_zeros_of_quintics_are_those_of_numpy(coefficients: list[float], width_s: float):
    quintic = Polynomial(coefficients)
    roots = quintic.roots()
    real = np.sort(roots.real[np.abs(roots.imag) < 1e-7])
    inside = real[(real > 0) & (real < 1)]
    ends = np.array([0.0, 1.0])
    assume(np.all(np.abs(np.subtract.outer(roots, roots))[~np.eye(len(roots), dtype=bool)] > 1e-4))
    assume(np.all(np.abs(np.subtract.outer(roots, ends)) > 1e-6))
    start, end = (
        Jet(*(np.array([(quintic.deriv(order) if order else quintic)(at) / width_s**order]) for order in range(3)))
        for at in ends
    )
    which, found = zeros(bernstein(start, end, width_s))
    assert not which.any()
    np.testing.assert_allclose(np.sort(found), inside, atol=1e-8)


def _back(jet: Jet) -> Jet:
    return Jet(jet.value, -jet.slope, jet.bend)


@pytest.mark.parametrize("off", [0.0, 1e-17, 1e-12, 1e-7])
@pytest.mark.parametrize("rise", [1.0, -3.0])
@pytest.mark.parametrize("bends", [(0.3, -0.1), (-0.2, 0.05)])
def test_a_zero_on_an_end_is_found_as_sharply_as_any(off: float, rise: float, bends: tuple[float, float]):
    quintic = Polynomial(rise * np.array([-off, 1.0, *bends]))
    start, end = (Jet(*(np.array([(quintic.deriv(k) if k else quintic)(at)]) for k in range(3))) for at in (0.0, 1.0))
    forth = zeros(bernstein(start, end, 1.0))[1]
    back = zeros(bernstein(_back(end), _back(start), 1.0))[1]
    assert len(forth) or off == 0
    assert len(back) or off < 1e-15  # which 1 minus it rounds away
    np.testing.assert_allclose(forth, off, atol=1e-10)
    np.testing.assert_allclose(back, 1 - off, atol=1e-10)


def test_zeros_of_many_quintics_stay_with_their_polynomials():
    """All five zeros of each inside, and none in every third."""
    random = np.random.default_rng(3)
    places = np.sort(random.uniform(0.02, 0.98, (300, 5)), axis=1)
    places = places[np.diff(places, axis=1).min(axis=1) > 1e-3]
    places[::3] += 2.0
    quintics = [Polynomial.fromroots(row) for row in places]
    start, end = (
        Jet(*(np.array([(q.deriv(order) if order else q)(at) for q in quintics]) for order in range(3)))
        for at in (0.0, 1.0)
    )
    which, found = zeros(bernstein(start, end, 1.0))
    order = np.lexsort((found, which))
    expected = [row for row in range(len(places)) if row % 3]
    np.testing.assert_array_equal(which[order], np.repeat(expected, 5))
    np.testing.assert_allclose(found[order], places[expected].ravel(), atol=1e-7)


@given(st.floats(-0.9999, 0.9999), st.floats(600, 9000), st.floats(-np.pi, np.pi), st.floats(700, 20_000))
def test_windows_of_a_wave_are_the_closed_form(level: float, period_s: float, phase: float, last_s: float):
    expected = wave_windows(level, period_s, phase, (0.0, last_s))
    edges_s = expected[(expected > 0) & (expected < last_s)]
    assume(np.all(np.diff(expected) > 0.01) and np.all(np.minimum(edges_s, last_s - edges_s) > 0.01))
    found = search(wave(level, period_s, phase), (2 * np.pi / period_s) ** 2, (0.0, last_s))
    # A quintic over 30 s of the shortest period is off by 2e-8; a crest's edge moves by that over its slope.
    steep = np.sqrt(1 - level**2) * 2 * np.pi / period_s
    np.testing.assert_allclose(times(found), expected, atol=EDGE_S + 1e-7 / steep)


@pytest.mark.parametrize("width_s", [0.002, 0.01, 0.5, 10.0, 59.0, 119.0])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("middle_s", [10.0, 30.0, 5010.0, 5039.9, 5040.0, 19_790.0])
def test_a_window_or_gap_shorter_than_the_step_is_found(width_s: float, sign: int, middle_s: float):
    found = search(parabola(sign, width_s, middle_s), 2.0, (0.0, 19_800.0))
    first, last = middle_s - width_s / 2, middle_s + width_s / 2
    expected = [(first, last)] if sign > 0 else [(0.0, first), (last, 19_800.0)]
    clipped = [(max(start, 0.0), min(end, 19_800.0)) for start, end in expected if start < 19_800 and end > 0]
    # Two zeros close to each other leave less of a slope, and Newton's last step more of an error.
    np.testing.assert_allclose(times(found), clipped, atol=1e-4)


@pytest.mark.parametrize("value", [1.0, -1.0, 0.0])
def test_always_and_never(value: float):
    found = search(lambda series, t_s: Jet(value + 0 * t_s, 0 * t_s, 0 * t_s), 0.0, (5.0, 905.0))
    assert columns(found) == ([(0, 5.0, 905.0, True, True)] if value > 0 else [])


def test_windows_that_the_span_cuts_are_marked():
    limit = (2 * np.pi / 8000) ** 2
    found = search(wave(0.0, 8000, 0.0), limit)
    np.testing.assert_allclose(times(found), [(0, 2000), (6000, 10_000), (14_000, 18_000)], atol=EDGE_S)
    assert found.cut_start.tolist() == [True, False, False]
    assert found.cut_end.tolist() == [False, False, False]
    later = search(wave(0.0, 8000, 0.0), limit, (3000.0, 9000.0))
    assert (later.cut_start.tolist(), later.cut_end.tolist()) == ([False], [True])


def test_many_series_come_out_as_each_alone():
    """4000 series of 334 steps exceed one block, and two curves join as one."""
    period_s = np.linspace(3000, 9000, 4000)
    limits, function = (2 * np.pi / period_s) ** 2, wave(0.9, period_s, 0.0)
    whole = find_windows([SmoothCurve(Known(function, limits))])
    halves = [SmoothCurve(Known(function, limits, span_s)) for span_s in ((0.0, 10_000.0), (10_000.0, 20_000.0))]
    joined = find_windows(halves)
    assert SmoothCurve(Known(function, limits)).steps_at_once < 334
    for found in (whole, joined):
        for series in (0, 1565, 1566, 3999):
            expected = wave_windows(0.9, period_s[series], 0.0, (0.0, 20_000.0))
            np.testing.assert_allclose(times(found.where(found.series == series)), expected, atol=1e-5)
        assert columns(found) == sorted(columns(found), key=lambda row: (row[1], row[0]))
        assert not found.cut_start[found.start_s > 0].any() and found.cut_start[found.start_s == 0].all()
    assert len(whole) == len(joined)


def test_nothing_to_search_gives_nothing():
    assert len(find_windows([SmoothCurve(Known(wave(0.0, 8000, 0.0), np.empty(0)))])) == 0
    with pytest.raises(ValueError, match="without a single curve"):
        find_windows([])


@dataclass(frozen=True)
class Changing:
    """A `Curve` that changes sign at given times, as they stand."""

    given: Changes
    opened: tuple[bool, ...]
    t_s: Floats
    steps_at_once: int = 1

    @property
    def count(self) -> int:
        return len(self.opened)

    def positive(self, node: int) -> np.ndarray:
        return np.array(self.opened)

    def changes(self, first: int, last: int) -> Changes:
        low_s, high_s = self.t_s[first], self.t_s[last]
        here = (self.given.t_s >= low_s) & (self.given.t_s < high_s)
        return Changes(self.given.series[here], self.given.t_s[here])


@pytest.mark.parametrize(
    "again_s",
    [
        20.0,
        20.0 - 2e-7,
    ],
)
def test_windows_and_gaps_of_no_length_vanish(again_s: float):
    """Series 0 opens and closes at once; series 1 closes and opens within a microsecond, where a block ends or not."""
    changes = Changes(np.array([0, 0, 1, 1, 1, 1]), np.array([10.0, 10.0, 5.0, 20.0, again_s, 30.0]))
    found = find_windows([Changing(changes, (False, False), np.linspace(0.0, 40.0, 5))])
    assert columns(found) == [(1, 5.0, 30.0, False, False)]


def test_more_pairs_and_time_than_the_keys_hold_are_refused():
    endless = Changing(Changes(np.empty(0, int), np.empty(0)), (False,) * 5, np.linspace(0, 1e13, 5), 4)
    with pytest.raises(ScenarioError, match="are more than one search takes; choose a shorter span"):
        find_windows([endless])


@st.composite
def toggles(draw: st.DrawFn) -> Toggles:
    """Up to five series toggled at whole microseconds, some of which coincide between series."""
    count, bits = draw(st.integers(1, 5)), 3
    moments = draw(st.sets(st.tuples(st.integers(1, 40), st.integers(0, count - 1)), max_size=40))
    keys = np.array(sorted((t_us << bits) | series for t_us, series in moments), dtype=np.uint64)
    opened = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    cut = draw(st.integers(0, len(keys)))
    return Toggles([keys[:cut], keys[cut:]], opened, bits, 5.0, 6.0)


@given(toggles())
def test_pairing_is_a_plain_loop(given_toggles: Toggles):
    blocks, opened, bits, first_s, last_s = given_toggles
    keys, expected = np.concatenate(blocks), []
    for series, was_open in enumerate(opened.tolist()):
        moments = [first_s + (key >> bits) / 1e6 for key in keys.tolist() if key % (1 << bits) == series]
        edges = ([first_s] if was_open else []) + moments
        stays = len(edges) % 2 == 1
        ends = edges[1::2] + ([last_s] if stays else [])
        for place, (start_s, end_s) in enumerate(zip(edges[::2], ends, strict=True)):
            cut_end = stays and place == len(ends) - 1
            expected.append((series, start_s, end_s, was_open and place == 0, cut_end))
    assert columns(paired(given_toggles)) == sorted(expected, key=lambda row: (row[1], row[0]))


@st.composite
def apart(draw: st.DrawFn) -> Windows:
    """Windows of three series on whole seconds, none of which touch within a series."""
    rows = []
    for series in range(3):
        edges = sorted(draw(st.sets(st.integers(0, 30), max_size=10)))
        for start, end in zip(edges[::2], edges[1::2], strict=False):
            rows.append((series, float(start), float(end), start == 0, end == 30))
    rows.sort(key=lambda row: (row[1], row[0]))
    series, start, end, cut_start, cut_end = zip(*rows, strict=True) if rows else ((),) * 5
    return Windows(
        np.array(series, int), np.array(start, float), np.array(end, float), np.array(cut_start, bool),
        np.array(cut_end, bool),
    )  # fmt: skip


@given(apart(), apart())
def test_the_intersection_is_open_when_both_are(first: Windows, second: Windows):
    both = intersection(first, second)
    assert columns(both) == sorted(columns(both), key=lambda row: (row[1], row[0]))
    for series in range(3):
        for second_s in np.arange(-0.5, 31, 0.5):
            sides = [
                any(s == series and start <= second_s < end for s, start, end, *_ in columns(each))
                for each in (first, second, both)
            ]
            assert sides[2] == (sides[0] and sides[1])
    for _, start, end, cut_start, cut_end in columns(both):
        assert (cut_start, cut_end) == (start == 0, end == 30)
        assert end > start


@given(st.floats(-10, 10), st.floats(-10, 10), st.floats(0, 10))
def test_a_chord_within_reach_of_zero_may_cross(start: float, end: float, reach: float):
    clear = (min(start, end) > reach * (1 + 1e-9) + 1e-9) or (max(start, end) < -reach * (1 + 1e-9) - 1e-9)
    assert may_cross(np.array([start]), np.array([end]), np.array([reach]))[0] or min(abs(start), abs(end)) >= reach
    if clear:
        assert not may_cross(np.array([start]), np.array([end]), np.array([reach]))[0]
    if start * end < 0:
        assert may_cross(np.array([start]), np.array([end]), np.array([max(reach, 1e-6)]))[0]


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=6, unique=True))
def test_halving_keeps_every_tick_that_crosses(places: list[float]):
    """A product of straight factors over [0, 1024] ticks, of which the second derivative is bounded."""
    polynomial = Polynomial.fromroots([1024 * place for place in places])
    scaled = polynomial / 1024.0 ** len(places)
    bend = len(places) ** 2 / 1024.0**2

    def value(series: Ints, tick: Ints) -> Floats:
        return scaled(tick.astype(float))

    start = np.array([0])
    _, tick = halved(value, np.array([0]), start, 1024, np.array([bend * 1024**2 / 8]))
    crossed = [at for at in range(1024) if (scaled(float(at)) > 0) != (scaled(float(at + 1)) > 0)]
    assert set(crossed) <= set(tick.tolist())
    assert len(set(tick.tolist())) == len(tick)


def test_what_opens_or_closes_with_the_span_is_no_window():
    """Four series by hand, 0 and 1 open at first, of a span that ends half a microsecond after its last whole one."""
    toggled = [(0, 0), (0, 2), (7, 1), (10, 2), (10, 3), (10, 1)]
    keys = np.sort(np.array([t_us << 2 | series for t_us, series in toggled], np.uint64))
    found = paired(Toggles([keys], np.array([True, True, False, False]), 2, 0.0, 9.5e-6))
    assert columns(found) == [(1, 0.0, 7e-6, True, False), (2, 0.0, 9.5e-6, False, False)]
