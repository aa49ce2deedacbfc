"""Satellites given by elements: recovered from their states, and refused when impossible."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sgp4.ext import rv2coe

from orbitfl.errors import ScenarioError
from orbitfl.orbit.keplerian import Elements, Keplerian

EPOCH_UTC = datetime(2026, 11, 17, tzinfo=UTC)
MU_KM3_S2 = 398600.4418
MOLNIYA = Elements(
    name="molniya",
    semi_major_axis_km=26_560,
    inclination_deg=63.4,
    eccentricity=0.74,
    raan_deg=100,
    argp_deg=270,
    mean_anomaly_deg=10,
)


@given(st.floats(0.01, 0.8), st.floats(5, 175), st.floats(1, 359), st.floats(1, 359), st.floats(1, 359))
def test_elements_come_back_from_states(eccentricity, inclination_deg, raan_deg, argp_deg, mean_anomaly_deg):
    """Through Vallado's rv2coe as sgp4 carries it; the drift of J2 tilts velocities by up to 1e-3."""
    given_elements = Elements(
        name="a",
        semi_major_axis_km=8000 / (1 - eccentricity),
        inclination_deg=inclination_deg,
        eccentricity=eccentricity,
        raan_deg=raan_deg,
        argp_deg=argp_deg,
        mean_anomaly_deg=mean_anomaly_deg,
    )
    r, v = Keplerian(orbits=(given_elements,)).satellites(EPOCH_UTC, 0.0).propagator.states([0.0])
    _, axis_km, e, tilt, raan, argp, _, mean, *_ = rv2coe(r[0, 0], v[0, 0], MU_KM3_S2)
    assert axis_km == pytest.approx(given_elements.semi_major_axis_km, rel=2e-2)
    assert e == pytest.approx(eccentricity, abs=5e-3)
    assert np.rad2deg(tilt) == pytest.approx(inclination_deg, abs=0.2)
    assert np.cos(raan - np.deg2rad(raan_deg)) == pytest.approx(1, abs=1e-3)
    along = argp + mean - np.deg2rad(argp_deg + mean_anomaly_deg)
    assert np.cos(along) == pytest.approx(1, abs=2e-2)


def test_a_molniya_orbit_has_its_perigee_and_apogee_where_they_belong():
    satellites = Keplerian(orbits=(MOLNIYA,)).satellites(EPOCH_UTC, 86_400.0)
    assert satellites.names == ("molniya",)
    distance_km = np.linalg.norm(satellites.propagator.positions(np.arange(0, 86_400, 5.0))[0], axis=-1)
    assert distance_km.min() == pytest.approx(26_560 * 0.26, rel=1e-5)
    assert distance_km.max() == pytest.approx(26_560 * 1.74, rel=1e-5)


def test_two_of_one_name_are_refused():
    with pytest.raises(ScenarioError, match="come twice: molniya"):
        Keplerian(orbits=(MOLNIYA, MOLNIYA)).satellites(EPOCH_UTC, 60.0)


def test_no_orbits_are_refused():
    with pytest.raises(ScenarioError, match="constellation is empty"):
        Keplerian(orbits=()).satellites(EPOCH_UTC, 60.0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"semi_major_axis_km": 786}, "semi_major_axis_km of a is 786, which puts the perigee at -5592.1 km"),
        ({"eccentricity": 0.1}, "which puts the perigee at -78.1 km"),
        ({"eccentricity": 1.0}, "eccentricity of a is 1.0"),
        ({"eccentricity": -0.1}, "eccentricity of a is -0.1"),
        ({"semi_major_axis_km": float("inf")}, "semi_major_axis_km of a is inf"),
        ({"semi_major_axis_km": float("nan")}, "semi_major_axis_km of a is nan"),
        ({"inclination_deg": 181}, "inclination_deg of a is 181"),
        ({"raan_deg": float("nan")}, "raan_deg of a is nan"),
        ({"mean_anomaly_deg": float("inf")}, "mean_anomaly_deg of a is inf"),
    ],
)
def test_impossible_orbits_are_refused(changes: dict, said: str):
    with pytest.raises(ScenarioError, match=said):
        Elements(**{"name": "a", "semi_major_axis_km": 7000, "inclination_deg": 98} | changes)
