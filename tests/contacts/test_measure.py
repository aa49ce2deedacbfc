"""Ranges and mean rates within windows whose range is known in closed form."""

import numpy as np
import pytest

from orbitfl.contacts import FixedRate
from orbitfl.contacts.measure import measure
from orbitfl.orbit.crossings import Windows


class InverseSquare:
    def rate_at(self, range_km):
        return 1e12 / range_km**2


def windows(*spans_s: tuple[float, float]) -> Windows:
    start_s, end_s = np.array(spans_s, dtype=float).reshape(-1, 2).T
    nowhere = np.zeros(len(start_s), dtype=bool)
    return Windows(np.arange(len(start_s)), start_s, end_s, nowhere, nowhere)


def flyby_km(series, t_s):
    """Straight past at 7.5 km/s and 600 km away, nearest at 300.123 s."""
    return np.hypot(600.0, 7.5 * (t_s - 300.123)) + 0 * series


def test_the_nearest_and_farthest_range_are_exact():
    """A whole pass, one that ends before the nearest point and one far shorter than a step."""
    found = measure(flyby_km, windows((0, 650), (10, 200), (300, 300.002)), FixedRate(rate_bps=1.0), 60.0)
    nearest_km = [600.0, flyby_km(0, 200), flyby_km(0, 300.002)]
    farthest_km = [flyby_km(0, 650), flyby_km(0, 10), flyby_km(0, 300.0)]
    np.testing.assert_allclose(found.range_min_km, nearest_km, rtol=1e-9)
    np.testing.assert_allclose(found.range_max_km, farthest_km, rtol=1e-9)


def test_a_mean_rate_is_the_integral_over_the_window():
    """∫ dt / (d² + v²t²) = arctan(v t / d) / (d v)."""
    found = measure(flyby_km, windows((0, 650), (10, 200)), InverseSquare(), 60.0)
    angle = [np.arctan(7.5 * (np.array(span) - 300.123) / 600) for span in ((0, 650), (10, 200))]
    exact = [1e12 / (600 * 7.5) * (high - low) for low, high in angle]
    assert found.rate_bps * [650, 190] == pytest.approx(exact, rel=1e-3)


def test_a_fixed_rate_stays_exact_to_the_bit():
    found = measure(flyby_km, windows((0, 650), (0, 86_400), (3, 3.5)), FixedRate(rate_bps=1e8), 60.0)
    assert found.rate_bps.tolist() == [1e8, 1e8, 1e8]


def test_no_windows_measure_as_nothing():
    assert [len(column) for column in measure(flyby_km, windows(), FixedRate(rate_bps=1.0), 60.0)] == [
        0,
        0,
        0,
    ]
