"""Ranges and mean rates within windows, against closed forms and dense samples."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbitfl.contacts.links import FixedRate, LinkBudget
from orbitfl.contacts.measure import SAMPLES_AT_ONCE, Spans, mean_rate_bps, range_km, ranges_km
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.ephemeris import Ephemeris, ephemeris, sampled
from orbitfl.orbit.keplerian import Elements, Keplerian
from orbitfl.orbit.propagator import Propagator
from orbitfl.orbit.walker import Walker

STEP_S = 60.0
NEAREST_S = 300.123
SPAN_S = 21_600.0


def flyby() -> Ephemeris:
    """One body at rest, another straight past at 7.5 km/s and 600 km away, nearest at 300.123 s."""
    t_s = np.arange(0.0, 661.0, STEP_S)
    r = np.zeros((2, len(t_s), 3))
    r[1, :, 0], r[1, :, 1] = 7.5 * (t_s - NEAREST_S), 600.0
    return ephemeris(t_s, r)


def flyby_km(t_s: float) -> float:
    return float(np.hypot(600.0, 7.5 * (t_s - NEAREST_S)))


def spans(*times_s: tuple[float, float], a: int = 0, b: int = 1) -> Spans:
    start_s, end_s = np.array(times_s, dtype=float).reshape(-1, 2).T
    return Spans(np.full(len(start_s), a), np.full(len(start_s), b), start_s, end_s)


def crowd() -> Propagator:
    """Crossing planes and eccentric orbits."""
    rings = [
        Elements(
            name=f"ring-{plane}-{place}",
            semi_major_axis_km=6978.0 + 3 * plane,
            inclination_deg=97.8,
            raan_deg=90.0 * plane,
            mean_anomaly_deg=60.0 * place,
        )
        for plane in range(2)
        for place in range(4)
    ]
    high = [
        Elements(name="molniya", semi_major_axis_km=26_554, eccentricity=0.72, inclination_deg=63.4, argp_deg=270),
        Elements(name="geo", semi_major_axis_km=42_164, inclination_deg=0.1, mean_anomaly_deg=40),
    ]
    return Keplerian(orbits=(*rings, *high)).satellites(datetime(2026, 3, 1, tzinfo=UTC), SPAN_S).propagator


def random_spans(count: int, satellites: int, seed: int = 2) -> Spans:
    random = np.random.default_rng(seed)
    a = random.integers(0, satellites - 1, count)
    b = a + 1 + random.integers(0, satellites, count) % (satellites - 1 - a)
    start_s = random.uniform(0, SPAN_S - 5000, count)
    return Spans(a, b, start_s, start_s + 10 ** random.uniform(-1, 3.69, count))


def densely(propagator: Propagator, given_spans: Spans, row: int, count: int) -> Floats:
    """Distances (count,) of the two bodies of a span at even times, its ends included."""
    t_s = np.linspace(given_spans.start_s[row], given_spans.end_s[row], count)
    r_km = propagator.positions(t_s)
    return np.linalg.norm(r_km[given_spans.b[row]] - r_km[given_spans.a[row]], axis=-1)


def test_the_nearest_and_farthest_range_of_a_straight_pass_are_exact():
    """A whole pass, one that ends before the nearest point and one far shorter than a step."""
    given_spans = spans((0, 650), (10, 200), (300, 300.002))
    nearest_km, farthest_km = ranges_km(flyby(), given_spans)
    np.testing.assert_allclose(nearest_km, [600.0, flyby_km(200), flyby_km(300.002)], rtol=1e-7)
    np.testing.assert_allclose(farthest_km, [flyby_km(650), flyby_km(10), flyby_km(300.0)], rtol=1e-7)


def test_ranges_are_those_of_dense_samples():
    propagator = crowd()
    (bodies,) = sampled(propagator, SPAN_S, 180.0)
    given_spans = random_spans(80, propagator.count)
    nearest_km, farthest_km = ranges_km(bodies, given_spans)
    for row in range(80):
        dense_km = densely(propagator, given_spans, row, 20_001)
        # Samples lie up to 0.12 s from the nearest point: at 15 km/s and 100 km, 16 m beyond it.
        assert nearest_km[row] == pytest.approx(dense_km.min(), abs=2e-2)
        assert nearest_km[row] <= dense_km.min() * (1 + 1e-7) + 3e-4
        assert farthest_km[row] == pytest.approx(dense_km.max(), abs=5e-4, rel=1e-7)


@pytest.mark.parametrize("anomaly_deg", [-20.0, -60.0, -95.5, -177.0])
def test_satellites_that_meet_are_measured_to_a_metre(anomaly_deg: float):
    """One along the equator, one over the poles: 10.7 km/s against each other, kilometres apart where paths cross."""
    orbits = [
        Elements(
            name=name,
            semi_major_axis_km=6978.0 + lift_km,
            inclination_deg=inclination_deg,
            mean_anomaly_deg=anomaly_deg,
        )
        for name, lift_km, inclination_deg in [("level", 0.0, 0.0), ("upright", 3.0, 90.0)]
    ]
    propagator = Keplerian(orbits=tuple(orbits)).satellites(datetime(2026, 3, 1, tzinfo=UTC), SPAN_S).propagator
    around = spans((0.0, 3500.0))
    about_s = float(np.linspace(0.0, 3500.0, 3501)[densely(propagator, around, 0, 3501).argmin()])
    dense_km = densely(propagator, spans((about_s - 1, about_s + 1)), 0, 20_001)
    (bodies,) = sampled(propagator, SPAN_S, 180.0)
    (nearest_km,), _ = ranges_km(bodies, around)
    assert dense_km.min() < 80
    assert nearest_km == pytest.approx(dense_km.min(), abs=1e-3)


def test_a_pair_that_is_always_open_is_measured_over_the_whole_span():
    propagator = Walker(total=8, planes=1, phasing=0, altitude_km=786, inclination_deg=98.62).propagator()
    (bodies,) = sampled(propagator, SPAN_S, 180.0)
    side_km = 2 * (6378.137 + 786) * np.sin(np.pi / 8)
    found = ranges_km(bodies, spans((0, SPAN_S), (0, SPAN_S)))
    np.testing.assert_allclose(found, np.full((2, 2), side_km), rtol=1e-7)


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 600), st.floats(0.01, 60))
def test_ranges_of_any_part_of_a_straight_pass(start_s: float, length_s: float):
    end_s = start_s + length_s
    (nearest_km,), (farthest_km,) = ranges_km(flyby(), spans((start_s, end_s)))
    at_s = min(max(NEAREST_S, start_s), end_s)
    assert nearest_km == pytest.approx(flyby_km(at_s), rel=1e-7)
    assert farthest_km == pytest.approx(max(flyby_km(start_s), flyby_km(end_s)), rel=1e-9)


# A modem at its cap near by, one with no cap to speak of, and one of steps.
OPEN = LinkBudget(
    eirp_dbw=16.0, g_over_t_db_k=4.0, frequency_ghz=26.0, required_eb_n0_db=4.2, losses_db=2.0, max_rate_bps=1e15
)
LINKS = {
    "capped": replace(OPEN, max_rate_bps=2e6),
    "open": OPEN,
    "steps": replace(OPEN, max_rate_bps=None, steps_bps=(1e5, 4e5, 1.6e6, 6.4e6)),
}


@pytest.mark.parametrize("kind", LINKS)
def test_mean_rates_are_those_of_dense_samples(kind: str):
    propagator, link = crowd(), LINKS[kind]
    (bodies,) = sampled(propagator, SPAN_S, 180.0)
    given_spans = random_spans(40, propagator.count)
    rates_bps = mean_rate_bps(partial(range_km, bodies), given_spans, link)
    for row in range(40):
        d_km = densely(propagator, given_spans, row, 20_001)
        rate = np.asarray(link.rate_at((d_km[1:] + d_km[:-1]) / 2))
        assert rates_bps[row] == pytest.approx(rate.mean(), rel=5e-3, abs=1e-4 * rate.max() + 1e-3)


def test_a_mean_rate_is_the_integral_over_the_window():
    """∫ dt / (d² + v²t²) = arctan(v t / d) / (d v)."""
    at_1_km = float(OPEN.rate_at(np.array([1000.0]))[0]) * 1e6
    found = mean_rate_bps(partial(range_km, flyby()), spans((0, 650), (10, 200)), OPEN)
    angle = [np.arctan(7.5 * (np.array(span) - NEAREST_S) / 600) for span in ((0, 650), (10, 200))]
    exact = [at_1_km / (600 * 7.5) * (high - low) for low, high in angle]
    assert found * [650, 190] == pytest.approx(exact, rel=2e-3)


def test_a_fixed_rate_is_its_own_mean():
    found = mean_rate_bps(partial(range_km, flyby()), spans((0, 650), (3, 3.5)), FixedRate(rate_bps=1e8))
    np.testing.assert_allclose(found, 1e8, rtol=1e-14)


def test_no_windows_measure_as_nothing():
    assert [len(column) for column in ranges_km(flyby(), spans())] == [0, 0]
    assert len(mean_rate_bps(partial(range_km, flyby()), spans(), FixedRate(rate_bps=1.0))) == 0


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e6), max_size=30), st.sampled_from([1e-3, 0.1, 1.0]))
def test_blocks_hold_every_row_once_and_in_order(lengths_s: list[float], samples_per_s: float):
    given_spans = spans(*((0.0, length_s) for length_s in lengths_s))
    found = list(given_spans.blocks(samples_per_s))
    rows = [row for chosen, _ in found for row in range(len(lengths_s))[chosen]]
    assert rows == list(range(len(lengths_s)))
    for chosen, part in found:
        np.testing.assert_array_equal(part.end_s, given_spans.end_s[chosen])
        samples = (2 + part.end_s * samples_per_s).sum()
        assert len(part.a) == 1 or samples <= SAMPLES_AT_ONCE + (2 + part.end_s.max() * samples_per_s)
