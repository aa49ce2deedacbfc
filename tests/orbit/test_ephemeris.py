"""Interpolated states against the propagators that gave the nodes."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import Polynomial
from numpy.typing import ArrayLike

from orbitfl.orbit import ephemeris as module
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.clock import Instant
from orbitfl.orbit.convention import PHYSICAL
from orbitfl.orbit.ephemeris import LARGEST_TURN, WEIGHTS, Ephemeris, ephemeris, fastest_rad_s, sampled
from orbitfl.orbit.frames import earth_rotation
from orbitfl.orbit.keplerian import Elements, Keplerian
from orbitfl.orbit.mean_elements import MeanElements
from orbitfl.orbit.propagator import Propagator
from orbitfl.orbit.sgp4_orbits import sgp4_satellites
from orbitfl.orbit.walker import Walker

EPOCH_UTC = datetime(2026, 3, 1, tzinfo=UTC)
SPAN_S = 43_200.0


def walker() -> Propagator:
    return Walker(total=6, planes=3, phasing=1, altitude_km=550, inclination_deg=53).propagator()


def by_sgp4() -> Propagator:
    elements = [
        MeanElements(
            name="",
            catalogue_id=number + 1,
            epoch=Instant(date(2026, 2, 27).toordinal(), 4000.0),
            mean_motion_rev_day=15.2 - 0.3 * number,
            eccentricity=0.001 * number,
            inclination_deg=53.0 + 9 * number,
            raan_deg=60.0 * number,
            argp_deg=30.0,
            mean_anomaly_deg=50.0 * number,
            bstar=1e-4,
        )
        for number in range(6)
    ]
    return sgp4_satellites(elements, EPOCH_UTC, SPAN_S, PHYSICAL).propagator


def eccentric() -> Propagator:
    orbits = [
        Elements(name="molniya", semi_major_axis_km=26_554, eccentricity=0.72, inclination_deg=63.4, argp_deg=270),
        Elements(name="transfer", semi_major_axis_km=24_400, eccentricity=0.73, inclination_deg=7, mean_anomaly_deg=90),
        Elements(name="geo", semi_major_axis_km=42_164, inclination_deg=0.1),
    ]
    return Keplerian(orbits=tuple(orbits)).satellites(EPOCH_UTC, SPAN_S).propagator


def everywhere(propagator: Propagator, count: int = 4000) -> tuple[np.ndarray, Floats, tuple[Floats, Floats]]:
    """Satellites and times at random, both ends of the span among them, and the states there."""
    random = np.random.default_rng(1)
    satellite, t_s = random.integers(propagator.count, size=count), np.sort(random.uniform(0, SPAN_S, count))
    t_s[0], t_s[-1] = 0.0, SPAN_S
    r, v = propagator.states(t_s)
    return satellite, t_s, (r[satellite, np.arange(count)], v[satellite, np.arange(count)])


def at(parts: list[Ephemeris], satellite: np.ndarray, t_s: Floats) -> Floats:
    """Positions (n, 3) from whichever part a time lies in."""
    which = np.searchsorted([part.t_s[-1] for part in parts[:-1]], t_s)
    found = np.empty((len(t_s), 3))
    for number, part in enumerate(parts):
        found[which == number] = part.position_at(satellite[which == number], t_s[which == number])
    return found


@given(st.lists(st.floats(-5, 5), min_size=6, max_size=6), st.floats(0, 1), st.floats(0.1, 300))
def test_weights_reproduce_quintics_and_their_derivatives(coefficients: list[float], share: float, step: float):
    """Up to powers of the step, which is what derivatives are measured in."""
    quintic = Polynomial(coefficients)
    ends = [(quintic.deriv(order) if order else quintic)(end) / step**order for end in (0.0, 1.0) for order in range(3)]
    for order, weights in enumerate(WEIGHTS):
        exact = (quintic.deriv(order) if order else quintic)(share)
        assert np.dot(weights(share, step), ends) * step**order == pytest.approx(exact, abs=1e-9)


# SGP4's velocities differ from the rates of its positions, by 5 cm/s in these orbits; the rates are what counts.
@pytest.mark.parametrize(
    ("propagator", "off_km", "off_km_s"),
    [(walker(), 1e-4, 1e-5), (by_sgp4(), 2e-4, 1e-4)],
    ids=["secular J2", "SGP4"],
)
def test_states_between_nodes_are_the_propagators(propagator: Propagator, off_km: float, off_km_s: float):
    satellite, t_s, (r_km, v_km_s) = everywhere(propagator)
    (whole,) = sampled(propagator, SPAN_S, 150.0)
    assert whole.step_s == 150.0
    jet = whole.at(satellite, t_s)
    assert np.linalg.norm(jet.value - r_km, axis=-1).max() < off_km
    assert np.linalg.norm(jet.slope - v_km_s, axis=-1).max() < off_km_s
    np.testing.assert_allclose(whole.position_at(satellite, t_s), jet.value, rtol=0, atol=1e-9)


@dataclass(frozen=True)
class Asked:
    """A propagator that remembers at how many times it was asked, and can hide how smooth it is."""

    propagator: Propagator
    smooth_s: float
    times: list[int] = field(default_factory=list)

    @property
    def count(self) -> int:
        return self.propagator.count

    def positions(self, t_s: ArrayLike) -> Floats:
        self.times.append(len(np.asarray(t_s)))
        return self.propagator.positions(t_s)


@pytest.mark.parametrize("propagator", [walker(), by_sgp4()], ids=["secular J2", "SGP4"])
def test_smooth_orbits_are_asked_at_a_third_of_the_nodes(propagator: Propagator):
    sparse, dense = Asked(propagator, propagator.smooth_s), Asked(propagator, 0.0)
    (few,), (all_,) = (sampled(each, SPAN_S, 150.0) for each in (sparse, dense))
    assert dense.times == [289] and sparse.times[0] <= 289 // 2 + 12
    np.testing.assert_array_equal(few.t_s, all_.t_s)
    assert np.abs(few.position_km - all_.position_km).max() < 2e-5
    assert np.abs(few.velocity_km_s - all_.velocity_km_s).max() < 1e-5
    # Nine points give bends to a millimetre per second in a step, twenty-seven to less.
    assert np.abs(few.acceleration_km_s2 - all_.acceleration_km_s2).max() < 1e-6


def test_parts_of_smooth_orbits_meet_in_the_same_place(monkeypatch: pytest.MonkeyPatch):
    propagator = by_sgp4()
    (whole,) = sampled(propagator, SPAN_S, 150.0)
    monkeypatch.setattr(module, "BYTES_AT_ONCE", 110 * 9 * 8 * propagator.count)
    cut = sampled(propagator, SPAN_S, 150.0)
    parts = list(cut)
    assert len(parts) == 3 and cut.stencil.stride > 1
    for before, after in pairwise(parts):
        np.testing.assert_array_equal(before.position_km[-1], after.position_km[0])
    satellite, t_s, (r_km, _) = everywhere(propagator)
    np.testing.assert_allclose(at(parts, satellite, t_s), whole.position_at(satellite, t_s), rtol=0, atol=1e-4)
    np.testing.assert_allclose(at(parts, satellite, t_s), r_km, rtol=0, atol=2e-4)


def test_high_and_eccentric_orbits_are_asked_at_every_node():
    """SDP4 jumps, and a sharp perigee is more than samples afar can tell."""
    assert sampled(eccentric(), SPAN_S, 600.0).stencil.stride == 1
    high = MeanElements(
        name="",
        catalogue_id=1,
        epoch=Instant(date(2026, 2, 27).toordinal(), 4000.0),
        mean_motion_rev_day=2.0,
        eccentricity=0.01,
        inclination_deg=55.0,
        raan_deg=0.0,
        argp_deg=0.0,
        mean_anomaly_deg=0.0,
        bstar=0.0,
    )
    assert sgp4_satellites([high], EPOCH_UTC, SPAN_S, PHYSICAL).propagator.smooth_s == 0


def test_accelerations_are_those_of_gravity():
    propagator = Walker(total=6, planes=3, phasing=1, altitude_km=550, inclination_deg=53).propagator()
    (whole,) = sampled(propagator, SPAN_S, 60.0)
    gravity = -398_600.4418 * whole.position_km / np.linalg.norm(whole.position_km, axis=-1, keepdims=True) ** 3
    # J2 turns the orbits and sets their pace, which the central force does not: up to 2e-3 of it.
    assert np.abs(whole.acceleration_km_s2 - gravity).max() < 3e-5
    jet = whole.at(np.full(1000, 2), np.linspace(0, SPAN_S, 1000))
    expected = -398_600.4418 * jet.value / np.linalg.norm(jet.value, axis=-1, keepdims=True) ** 3
    assert np.abs(jet.bend - expected).max() < 3e-5


def test_fast_orbits_are_sampled_more_finely():
    """At perigee a transfer orbit turns twice as fast as a low circular one."""
    propagator = eccentric()
    parts = sampled(propagator, SPAN_S, 600.0)
    assert parts.step_s < 150
    (whole,) = parts
    assert whole.step_s * fastest_rad_s(whole) <= 1.001 * LARGEST_TURN
    satellite, t_s, (r_km, _) = everywhere(propagator)
    assert np.linalg.norm(whole.position_at(satellite, t_s) - r_km, axis=-1).max() < 5e-3


def test_parts_agree_with_the_whole(monkeypatch: pytest.MonkeyPatch):
    propagator = walker()
    (whole,) = sampled(propagator, SPAN_S, 150.0)
    monkeypatch.setattr(module, "BYTES_AT_ONCE", 64 * 9 * 8 * propagator.count)
    cut = sampled(propagator, SPAN_S, 150.0)
    parts = list(cut)
    assert len(parts) == 5 and cut.only is None
    np.testing.assert_array_equal([part.t_s[0] for part in parts[1:]], [part.t_s[-1] for part in parts[:-1]])
    assert (parts[0].t_s[0], parts[-1].t_s[-1]) == (0.0, SPAN_S)
    satellite, t_s, (r_km, _) = everywhere(propagator)
    np.testing.assert_allclose(at(parts, satellite, t_s), whole.position_at(satellite, t_s), rtol=0, atol=1e-4)
    np.testing.assert_allclose(at(parts, satellite, t_s), r_km, rtol=0, atol=1e-4)
    np.testing.assert_array_equal([len(part.t_s) for part in cut], [len(part.t_s) for part in parts])


@dataclass(frozen=True)
class Racer:
    """A satellite that turns so fast from `start_s` on that only what comes after the first part shows it."""

    start_s: float
    count: int = 1
    smooth_s: float = 0.0

    def positions(self, t_s: ArrayLike) -> Floats:
        return self.states(t_s)[0]

    def states(self, t_s: ArrayLike) -> tuple[Floats, Floats]:
        times_s = np.asarray(t_s, dtype=np.float64)
        late = np.maximum(times_s - self.start_s, 0.0)
        angle, spin = 1e-4 * times_s + 1e-7 * late**2, 1e-4 + 2e-7 * late
        still = np.zeros_like(angle)
        r = 7000 * np.stack([np.cos(angle), np.sin(angle), still], axis=-1)
        v = 7000 * spin[:, None] * np.stack([-np.sin(angle), np.cos(angle), still], axis=-1)
        return r[None], v[None]


def test_every_part_holds_the_promised_turn(monkeypatch: pytest.MonkeyPatch):
    """A perigee that comes after the first part must refine the step too."""
    monkeypatch.setattr(module, "BYTES_AT_ONCE", 1)
    for part in sampled(Racer(start_s=20_000.0), SPAN_S, 180.0):
        assert part.step_s * fastest_rad_s(part) <= 1.001 * LARGEST_TURN


@pytest.mark.parametrize("span_s", [1e-3, 1.0, 100.0, 361.0, 5000.0])
def test_spans_shorter_than_a_step_or_no_multiple_of_it(span_s: float):
    propagator = walker()
    parts = sampled(propagator, span_s, 180.0)
    (whole,) = parts
    assert len(whole.t_s) >= 3 and whole.t_s[-1] == span_s and whole.step_s <= 180
    t_s = np.linspace(0, span_s, 50)
    expected = propagator.positions(t_s)[4]
    assert np.abs(whole.position_at(np.full(50, 4), t_s) - expected).max() < 1e-4


def test_turned_axes_carry_velocities_and_fixed_points_rest():
    rotation = earth_rotation(EPOCH_UTC, SPAN_S)
    (whole,) = sampled(walker(), SPAN_S, 180.0)
    places_km = np.array([[6378.137, 0, 0], [0, 0, 6356.752]])
    turned = whole.in_itrs(rotation, places_km)
    satellite, t_s, (r_km, _) = everywhere(walker())
    expected_km = rotation.to_itrs(r_km, t_s)
    assert turned.count == whole.count
    assert turned.position_km.shape == turned.acceleration_km_s2.shape == whole.velocity_km_s.shape
    assert np.linalg.norm(turned.position_at(satellite, t_s) - expected_km, axis=-1).max() < 2e-4
    step_s = 0.5
    before, after = (turned.position_at(satellite, t_s + shift_s) for shift_s in (-step_s, step_s))
    inside = (t_s > step_s) & (t_s < SPAN_S - step_s)
    middle = turned.at(satellite, t_s)
    assert np.abs((after - before) / (2 * step_s) - middle.slope)[inside].max() < 1e-5
    for number, place_km in enumerate(places_km):
        still = turned.at(np.full(len(t_s), whole.count + number), t_s)
        np.testing.assert_allclose(still.value, np.broadcast_to(place_km, still.value.shape), rtol=1e-15)
        assert not still.slope.any() and not still.bend.any()


def test_nodes_are_found_at_ends_and_between():
    t_s = np.linspace(0.0, 1800.0, 11)
    still = ephemeris(t_s, np.ones((1, 11, 3)))
    assert still.node_before(np.array([0.0, 179.9, 180.0, 1799.0, 1800.0])).tolist() == [0, 0, 1, 9, 9]
    np.testing.assert_array_equal(still.largest(still.position_km), [np.sqrt(3.0)])
