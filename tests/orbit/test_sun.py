"""The Sun against JPL's DE421, skyfield's shadow test, and the Earth that PASEOS is given."""

import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from skyfield.api import load
from skyfield.constants import AU_KM, ERAD
from skyfield.jpllib import SpiceKernel
from skyfield.positionlib import Geocentric
from skyfield.timelib import Time

from orbitfl.environment.pykep import Epoch, planet
from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.sun import Sun, paseos_sun, sun

EPOCH_UTC = datetime(2026, 2, 11, 7, 45, 12, tzinfo=UTC)
YEAR_S = np.random.default_rng(3).uniform(-30 * 86400.0, 366 * 86400.0, size=2000)
EARTH_RADIUS_KM = ERAD / 1000


def times(t_s: Floats) -> Time:
    timescale = load.timescale(builtin=True)
    start = timescale.from_datetime(EPOCH_UTC)
    return timescale.tt_jd(start.whole, start.tt_fraction + t_s / 86400.0)


def angle_deg(a: Floats, b: Floats) -> Floats:
    return np.rad2deg(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1)))


def test_the_sun_stands_where_jpl_has_it(de421: SpiceKernel):
    jpl = (de421["sun"] - de421["earth"]).at(times(YEAR_S))
    jpl_km, jpl_km_s = np.asarray(jpl.position.km).T, np.asarray(jpl.velocity.km_per_s).T
    r_km, v_km_s = sun(EPOCH_UTC).states(YEAR_S)
    assert r_km.shape == v_km_s.shape == (1, len(YEAR_S), 3)
    assert angle_deg(r_km[0], jpl_km).max() < 1e-5
    np.testing.assert_allclose(np.linalg.norm(r_km[0], axis=-1), np.linalg.norm(jpl_km, axis=-1), rtol=1e-7)
    np.testing.assert_allclose(v_km_s[0], jpl_km_s, atol=2e-5)


@pytest.mark.parametrize(("make", "lost_km"), [(sun, 1e-3), (paseos_sun, 0.6)])
def test_interpolation_loses_next_to_nothing(make: Callable[[datetime], Sun], lost_km: float):
    body = make(EPOCH_UTC)
    direct_km, direct_km_s = body.track(YEAR_S)
    r_km, v_km_s = body.states(YEAR_S)
    np.testing.assert_allclose(r_km[0], direct_km, rtol=0, atol=lost_km)
    np.testing.assert_allclose(v_km_s[0], direct_km_s, rtol=0, atol=lost_km / 1000)


@pytest.mark.parametrize("make", [sun, paseos_sun])
@pytest.mark.parametrize("t_s", [[], [0.0], [21600.0, -1.0, 21600.0]], ids=["none", "epoch", "nodes"])
def test_any_times_will_do(make: Callable[[datetime], Sun], t_s: list[float]):
    body = pickle.loads(pickle.dumps(make(EPOCH_UTC)))  # noqa: S301 - our own bytes
    assert body.count == 1
    np.testing.assert_allclose(body.positions(t_s)[0], body.track(np.array(t_s))[0], rtol=0, atol=1e-3)


def test_eclipses_are_those_of_skyfield(de421: SpiceKernel):
    random = np.random.default_rng(11)
    t_s, direction = np.sort(YEAR_S), random.normal(size=(len(YEAR_S), 3))
    satellite_km = 6900.0 * direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    # Half of the places lie close to the edge of the shadow: that is where the Sun's place matters.
    sun_km = sun(EPOCH_UTC).positions(t_s)[0]
    axis = sun_km / np.linalg.norm(sun_km, axis=-1, keepdims=True)
    across = np.cross(axis, satellite_km)
    across *= (EARTH_RADIUS_KM - 0.5 + random.uniform(size=(len(t_s), 1))) / np.linalg.norm(across, axis=-1)[:, None]
    close_km = across - np.sqrt(6900.0**2 - np.sum(across**2, axis=-1))[:, None] * axis
    satellite_km[::2] = close_km[::2]
    lit = satellite_sees(satellite_km, sun_km)
    theirs = Geocentric(satellite_km.T / AU_KM, t=times(t_s)).is_sunlit(de421)
    assert 0.1 < np.mean(~lit[::2]) < 0.9
    assert np.count_nonzero(lit != theirs) == 0


def satellite_sees(first_km: Floats, second_km: Floats) -> np.ndarray:
    """Whether a sphere of the Earth's radius leaves the sight free: their distance is less than both tangents."""
    tangents = (np.sqrt(np.sum(r_km**2, axis=-1) - EARTH_RADIUS_KM**2) for r_km in (first_km, second_km))
    return np.linalg.norm(first_km - second_km, axis=-1) < sum(tangents)


def test_the_sun_of_paseos_stands_where_pykep_puts_the_earth():
    at_s = np.linspace(0.0, 3e7, 50)
    r_km, v_km_s = paseos_sun(EPOCH_UTC).states(at_s)
    start_days = (EPOCH_UTC - datetime(2000, 1, 1, tzinfo=UTC)) / timedelta(days=1)
    earth = [planet.jpl_lp("earth").eph(Epoch(start_days + t_s / 86400.0)) for t_s in at_s]
    np.testing.assert_allclose(-1000 * r_km[0], [state[0] for state in earth], rtol=0, atol=600.0)
    np.testing.assert_allclose(-1000 * v_km_s[0], [state[1] for state in earth], rtol=0, atol=0.6)


def test_the_sun_of_paseos_is_wrong_by_the_obliquity_at_most():
    days_s = np.arange(0, 365) * 86400.0
    off_deg = angle_deg(sun(EPOCH_UTC).positions(days_s)[0], paseos_sun(EPOCH_UTC).positions(days_s)[0])
    assert 23.3 < off_deg.max() < 23.8 and off_deg.min() < 1.0


@pytest.mark.parametrize("make", [sun, paseos_sun])
def test_impossible_epochs_are_refused(make: Callable[[datetime], Sun]):
    with pytest.raises(ScenarioError, match=r"^epoch_utc is .*without a time zone"):
        make(datetime(2026, 1, 1))
    with pytest.raises(ScenarioError, match=r"^epoch_utc is 2150.*must lie from"):
        make(datetime(2150, 1, 1, tzinfo=UTC))
