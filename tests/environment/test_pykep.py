"""The stand-in for pykep against integrators, published vectors and JPL's ephemeris."""

import subprocess
import sys
from math import cos, radians, sin, tau

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from skyfield.api import load
from skyfield.jpllib import SpiceKernel

from orbitfl.environment.pykep import DAY2SEC, SEC2DAY, epoch, planet
from orbitfl.errors import OrbitflError

MU = planet.MU_EARTH
DAYS_2026 = np.arange(9497.0, 9497.0 + 366.0)


def kepler(r: planet.Vector, v: planet.Vector) -> planet.Keplerian:
    return planet.keplerian(epoch(6500.25), r, v, MU, 1.0, 1.0, 1.0, "satellite")


def test_epochs_count_days_unrounded():
    assert DAY2SEC * SEC2DAY == 1.0
    assert epoch(0.5).jd == 2451545.0
    assert epoch(1 / 3).mjd2000 == 1 / 3
    assert "0.25" in str(epoch(0.25))


@pytest.mark.parametrize("speed", [0.9, 1.0, 1.2])
def test_kepler_agrees_with_numerical_integration_over_a_day(speed: float):
    r = (7000e3, -1000e3, 500e3)
    v = (speed * 500.0, speed * 3000.0, speed * 6800.0)

    def rates(_t: float, y: np.ndarray) -> np.ndarray:
        return np.concatenate([y[3:], -MU / np.linalg.norm(y[:3]) ** 3 * y[:3]])

    end = solve_ivp(rates, (0, 86400.0), [*r, *v], method="DOP853", rtol=1e-13, atol=1e-6).y[:, -1]
    got_r, got_v = kepler(r, v).eph(epoch(6501.25))
    np.testing.assert_allclose(got_r, end[:3], atol=1e-2)
    np.testing.assert_allclose(got_v, end[3:], atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(
    eccentricity=st.floats(0, 0.9),
    anomaly=st.floats(0, tau),
    days=st.floats(-30, 30),
)
def test_kepler_keeps_energy_and_angular_momentum(eccentricity: float, anomaly: float, days: float):
    size_m, c, s = 2e7, cos(anomaly), sin(anomaly)
    distance_m = size_m / (1 + eccentricity * c)
    r = (distance_m * c, distance_m * s, 0.0)
    v = (-((MU / size_m) ** 0.5) * s, (MU / size_m) ** 0.5 * (eccentricity + c), 100.0)
    later_r, later_v = (np.array(x) for x in kepler(r, v).eph(epoch(6500.25 + days)))
    np.testing.assert_allclose(np.cross(later_r, later_v), np.cross(r, v), rtol=1e-9, atol=1e2)
    energy = np.dot(v, v) / 2 - MU / np.linalg.norm(r)
    assert np.dot(later_v, later_v) / 2 - MU / np.linalg.norm(later_r) == pytest.approx(energy, rel=1e-9)


def test_kepler_refuses_an_escape_orbit():
    with pytest.raises(ValueError, match="elliptic"):
        kepler((7000e3, 0.0, 0.0), (0.0, 12000.0, 0.0))


# Satellite 00005 and its states in the SGP4 verification run of Vallado, Crawford, Hujsak and Kelso,
# *Revisiting Spacetrack Report #3* (AIAA 2006-6753).
LINE1 = "1 00005U 58002B   00179.78495062  .00000023  00000-0  28098-4 0  4753"
LINE2 = "2 00005  34.2682 348.7242 1859667 331.7664  19.3264 10.82419157413667"


@pytest.mark.parametrize(
    ("minutes", "r_km", "v_km_s"),
    [
        (0.0, (7022.46529266, -1400.08296755, 0.03995155), (1.893841015, 6.405893759, 4.534807250)),
        (360.0, (-7154.03120202, -3783.17682504, -3536.19412294), (4.741887409, -4.151817765, -2.093935425)),
    ],
)
def test_tle_agrees_with_the_published_sgp4_states(minutes: float, r_km: planet.Vector, v_km_s: planet.Vector):
    r, v = planet.tle(LINE1, LINE2).eph(epoch(178.78495062 + minutes / 1440.0))
    # The day of the year in the TLE is rounded when it is split: a few microseconds of flight.
    np.testing.assert_allclose(r, 1000.0 * np.array(r_km), atol=0.05)
    np.testing.assert_allclose(v, 1000.0 * np.array(v_km_s), atol=1e-4)


@pytest.mark.parametrize("lines", [("rubbish", "more"), (LINE1, LINE2[:40]), (LINE2, LINE1), ("", "")])
def test_a_bad_tle_is_refused_as_paseos_and_orbitfl_expect(lines: tuple[str, str]):
    with pytest.raises(RuntimeError) as caught:
        planet.tle(*lines)
    assert isinstance(caught.value, OrbitflError)


def test_equatorial_earth_puts_the_sun_where_jpl_does(de421: SpiceKernel):
    times = load.timescale(builtin=True).tt_jd(2451544.5 + DAYS_2026)
    sun_m = np.asarray((de421["sun"] - de421["earth"]).at(times).position.m)
    ours_m = -np.array([planet.EquatorialEarth().eph(epoch(day))[0] for day in DAYS_2026]).T
    cosine = np.sum(sun_m * ours_m, axis=0) / np.linalg.norm(sun_m, axis=0) / np.linalg.norm(ours_m, axis=0)
    assert np.degrees(np.arccos(cosine)).max() < 0.009
    np.testing.assert_allclose(np.linalg.norm(ours_m, axis=0), np.linalg.norm(sun_m, axis=0), rtol=1e-4)


def test_jpl_lp_is_the_same_earth_on_ecliptic_axes():
    turn = radians(84381.406 / 3600)
    for day in DAYS_2026[::30]:
        x, y, z = planet.EquatorialEarth().eph(epoch(day))[0]
        level = (x, y * cos(turn) + z * sin(turn), z * cos(turn) - y * sin(turn))
        np.testing.assert_allclose(planet.jpl_lp("earth").eph(epoch(day))[0], level, atol=1e-3)
        assert abs(level[2]) < 1e-4 * planet.AU_M


@pytest.mark.parametrize("earth", [planet.Earth(), planet.EquatorialEarth()])
def test_the_velocity_of_the_earth_is_the_rate_of_its_position(earth: planet.Earth | planet.EquatorialEarth):
    before, after = (np.array(earth.eph(epoch(9500.0 + step))[0]) for step in (-0.01, 0.01))
    np.testing.assert_allclose(earth.eph(epoch(9500.0))[1], (after - before) / 1728.0, rtol=1e-4, atol=1.0)


def test_only_the_earth_is_known():
    with pytest.raises(ValueError, match="mars"):
        planet.jpl_lp("mars")


def test_stand_in_leaves_a_pykep_that_is_already_imported():
    program = """
import sys, types
theirs = sys.modules["pykep"] = types.ModuleType("pykep")
planets = sys.modules["pykep.planet"] = types.ModuleType("pykep.planet")
from orbitfl.environment.pykep import stand_in
stand_in()
sys.exit(not (sys.modules["pykep"] is theirs and sys.modules["pykep.planet"] is planets))
"""
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
