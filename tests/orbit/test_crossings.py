"""The crossing finder on functions whose windows are known in closed form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbitfl.orbit.crossings import Margin, Windows, find_windows, maximise

STEP_S = 60.0


def wave(level: float, period_s: float, phase: float) -> Margin:
    def margin(series, t_s):
        return np.cos(2 * np.pi * np.asarray(t_s) / period_s + phase) - level + 0 * series

    return margin


def search(margin: Margin, span_s: tuple[float, float] = (0.0, 20_000.0), count: int = 1) -> Windows:
    return find_windows(margin, count, span_s, STEP_S)


def wave_windows(level: float, period_s: float, phase: float, span_s: tuple[float, float]) -> list[tuple]:
    """cos x > level while |x| < arccos(level), round every crest that touches the span."""
    half_s = np.arccos(level) * period_s / (2 * np.pi)
    crest_s = (np.arange(-3, 40) - phase / (2 * np.pi)) * period_s
    clipped = [(max(t - half_s, span_s[0]), min(t + half_s, span_s[1])) for t in crest_s]
    return [(start, end) for start, end in clipped if end - start > 0]


@given(st.floats(-0.9999, 0.9999), st.floats(600, 9000), st.floats(-np.pi, np.pi), st.floats(700, 20_000))
def test_windows_of_a_wave_are_the_closed_form(level, period_s, phase, last_s):
    found = search(wave(level, period_s, phase), (0.0, last_s))
    expected = wave_windows(level, period_s, phase, (0.0, last_s))
    expected = [window for window in expected if window[1] - window[0] > 0.01]
    long = found.end_s - found.start_s > 0.005
    np.testing.assert_allclose(found.start_s[long], [start for start, _ in expected], atol=1.1e-3)
    np.testing.assert_allclose(found.end_s[long], [end for _, end in expected], atol=1.1e-3)


@pytest.mark.parametrize("window_s", [0.01, 0.5, 10.0, 59.0, 119.0])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("middle_s", [10.0, 30.0, 5010.0, 5039.9, 5040.0, 19_790.0])
def test_a_window_or_gap_shorter_than_the_step_is_found(window_s: float, sign: int, middle_s: float):
    """A parabola is above zero for `window_s`; upside down that is a gap. At 5010 s two samples tie."""

    def margin(series, t_s):
        return sign * ((window_s / 2) ** 2 - (t_s - middle_s) ** 2) + 0 * series

    found = search(margin, (0.0, 19_800.0))
    first, last = middle_s - window_s / 2, middle_s + window_s / 2
    expected = [(first, last)] if sign > 0 else [(0.0, first), (last, 19_800.0)]
    expected = [(max(start, 0.0), min(end, 19_800.0)) for start, end in expected if start < 19_800 and end > 0]
    np.testing.assert_allclose(np.stack([found.start_s, found.end_s], axis=1), expected, atol=1.1e-3)


def test_a_kink_between_samples_is_found():
    """As where a range limit takes over from the line of sight: two straight flanks that meet at 1031 s."""

    def margin(series, t_s):
        return 1.0 - np.where(t_s < 1031, 1031 - t_s, 3 * (t_s - 1031)) + 0 * series

    found = search(margin)
    np.testing.assert_allclose([found.start_s, found.end_s], [[1030], [1031 + 1 / 3]], atol=1.1e-3)


@pytest.mark.parametrize("value", [1.0, -1.0, 0.0])
def test_always_and_never(value: float):
    found = search(lambda series, t_s: value + 0 * series + 0 * t_s, (5.0, 905.0))
    expected = [(5.0, 905.0, True, True)] if value > 0 else []
    assert list(zip(found.start_s, found.end_s, found.cut_start, found.cut_end, strict=True)) == expected


def test_windows_that_the_span_cuts_are_marked():
    found = search(wave(0.0, 8000, 0.0))
    np.testing.assert_allclose(found.start_s, [0, 6000, 14_000], atol=1.1e-3)
    np.testing.assert_allclose(found.end_s, [2000, 10_000, 18_000], atol=1.1e-3)
    assert found.cut_start.tolist() == [True, False, False]
    assert found.cut_end.tolist() == [False, False, False]
    later = search(wave(0.0, 8000, 0.0), (3000.0, 9000.0))
    assert (later.cut_start.tolist(), later.cut_end.tolist()) == ([False], [True])


def test_many_series_in_several_blocks_come_out_as_each_alone():
    """4000 series of 335 samples exceed one block."""
    period_s = np.linspace(3000, 9000, 4000)

    def margin(series, t_s):
        return np.cos(2 * np.pi * t_s / period_s[series]) - 0.9

    found = search(margin, count=4000)
    for series in (0, 1565, 1566, 3999):
        expected = wave_windows(0.9, period_s[series], 0.0, (0.0, 20_000.0))
        mine = found.series == series
        times = np.stack([found.start_s[mine], found.end_s[mine]], axis=1)
        np.testing.assert_allclose(times, expected, atol=1.1e-3)
    assert np.all(np.diff(found.series) >= 0)


@given(st.floats(-0.99, 0.99), st.floats(600, 9000), st.floats(-np.pi, np.pi))
def test_edges_lie_on_the_visible_side(level: float, period_s: float, phase: float):
    margin = wave(level, period_s, phase)
    found = search(margin)
    assert np.all(margin(found.series, found.start_s) > 0)
    assert np.all(margin(found.series, found.end_s) > 0)


def test_nothing_to_search_gives_nothing():
    assert len(search(wave(0.0, 8000, 0.0), count=0).series) == 0


@given(st.floats(0, 100), st.floats(100, 1000), st.floats(0, 1))
def test_maximise_finds_a_crest_or_the_higher_end(low_s: float, width_s: float, share: float):
    crest_s = low_s + (3 * share - 1) * width_s  # within the bracket for shares from 1/3 to 2/3

    def crest(series, t_s):
        return -((t_s - crest_s) ** 2) + 0 * series

    low, high = np.array([low_s]), np.array([low_s + width_s])
    found_s = maximise(crest, np.array([0]), low, high)
    assert abs(found_s[0] - np.clip(crest_s, low_s, low_s + width_s)) <= 1.1e-3
