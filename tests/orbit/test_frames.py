"""Stations and the Earth's rotation against skyfield."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skyfield.api import load, wgs84
from skyfield.constants import AU_KM
from skyfield.framelib import itrs
from skyfield.positionlib import ICRF
from skyfield.sgp4lib import TEME

from orbitfl.errors import ScenarioError
from orbitfl.orbit.convention import PASEOS
from orbitfl.orbit.frames import earth_rotation, geodetic_position, geodetic_up, teme_to_gcrs
from orbitfl.orbit.station import GroundStation
from orbitfl.orbit.walker import Walker

EPOCH_UTC = datetime(2026, 11, 17, 3, 4, 5, 678_000, tzinfo=UTC)

latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)


@given(latitudes, longitudes, st.floats(-0.5, 9))
def test_places_are_those_of_skyfield(latitude_deg: float, longitude_deg: float, altitude_km: float):
    place = wgs84.latlon(latitude_deg, longitude_deg, altitude_km * 1000)
    ours = geodetic_position(latitude_deg, longitude_deg, altitude_km)
    np.testing.assert_allclose(ours, place.itrs_xyz.km, atol=1e-8)


@given(latitudes, longitudes)
def test_up_is_where_altitude_grows(latitude_deg: float, longitude_deg: float):
    low, high = (wgs84.latlon(latitude_deg, longitude_deg, metres).itrs_xyz.m for metres in (0, 1000))
    np.testing.assert_allclose(geodetic_up(latitude_deg, longitude_deg), (high - low) / 1000, atol=1e-10)


@pytest.mark.parametrize("year", [2016, 2018, 2026])
def test_the_ground_turns_as_in_skyfield(year: int):
    """Within a millimetre over a week; that of 2016 ends with a leap second."""
    epoch_utc = datetime(year, 12, 28, 7, 5, 3, 250_000, tzinfo=UTC)
    t_s = np.random.default_rng(year).uniform(0, 7 * 86_400, 200)
    positions = np.random.default_rng(1).normal(size=(200, 3)) * 4000
    timescale = load.timescale(builtin=True)
    epoch = timescale.from_datetime(epoch_utc)
    turns = itrs.rotation_at(timescale.tt_jd(epoch.whole, epoch.tt_fraction + t_s / 86_400))
    expected = np.einsum("ijt,tj->ti", turns, positions)
    ours = earth_rotation(epoch_utc, 7 * 86_400).to_itrs(positions, t_s)
    assert np.linalg.norm(ours - expected, axis=1).max() < 1e-6


def test_two_hours_across_a_leap_second_end_one_second_early_on_the_clock():
    rotation = earth_rotation(datetime(2016, 12, 31, 23, tzinfo=UTC), 7200)
    on_the_clock = load.timescale(builtin=True).utc(2017, 1, 1, 0, 59, 59)
    point_km = np.array([6378.0, 0.0, 0.0])
    expected = np.asarray(itrs.rotation_at(on_the_clock)) @ point_km
    # One second of rotation would be 465 m.
    assert np.linalg.norm(rotation.to_itrs(point_km, np.array(7200.0)) - expected) < 1e-5


def test_states_turn_as_in_skyfield_and_back():
    """Velocities against skyfield's, which also leave out the rate of precession and round that of the Earth."""
    orbits = Walker(total=6, planes=3, phasing=1, altitude_km=786, inclination_deg=98.62).propagator()
    t_s = np.linspace(0, 86_400, 97)
    r, v = orbits.states(t_s)
    rotation = earth_rotation(EPOCH_UTC, 86_400)
    r_itrs, v_itrs = rotation.states_to_itrs(r, v, t_s)
    times = skyfield_times(t_s)
    for satellite in range(orbits.count):
        place = ICRF(r[satellite].T / AU_KM, v[satellite].T / AU_KM * 86_400, times)
        theirs_r, theirs_v = (cast(Any, part) for part in place.frame_xyz_and_velocity(itrs))
        np.testing.assert_allclose(r_itrs[satellite], theirs_r.km.T, atol=1e-6)
        np.testing.assert_allclose(v_itrs[satellite], theirs_v.km_per_s.T, atol=1e-8)
    r_back, v_back = rotation.states_to_gcrs(r_itrs, v_itrs, t_s)
    np.testing.assert_allclose(r_back, r, atol=1e-9)
    np.testing.assert_allclose(v_back, v, atol=1e-12)


def test_velocities_over_the_ground_are_derivatives():
    orbits = Walker(total=2, planes=1, phasing=0, altitude_km=786, inclination_deg=98.62).propagator()
    rotation, t_s, h_s = earth_rotation(EPOCH_UTC, 86_400), np.array([100.0, 40_000.0]), 0.5
    _, velocity = rotation.states_to_itrs(*orbits.states(t_s), t_s)
    ahead, behind = (rotation.to_itrs(orbits.positions(when), when) for when in (t_s + h_s, t_s - h_s))
    np.testing.assert_allclose((ahead - behind) / (2 * h_s), velocity, atol=1e-6)


def test_matrices_turn_as_vectors_are_turned():
    rotation, t_s = earth_rotation(EPOCH_UTC, 7200), np.array([0.0, 1800.0, 7200.0])
    vectors = np.random.default_rng(3).normal(size=(3, 3))
    np.testing.assert_allclose(
        np.einsum("tij,tj->ti", rotation.matrices(t_s), vectors), rotation.to_itrs(vectors, t_s), atol=1e-14
    )


def test_teme_turns_as_in_skyfield():
    t_s = np.random.default_rng(4).uniform(-7200, 3 * 86_400 + 7200, 300)
    expected = np.moveaxis(np.asarray(TEME.rotation_at(skyfield_times(t_s))), -1, 0).transpose(0, 2, 1)
    # 1e-10 is 1 mm in low orbit, 4 mm in a geostationary one.
    np.testing.assert_allclose(teme_to_gcrs(EPOCH_UTC, 3 * 86_400).matrices(t_s), expected, atol=1e-10)


def test_paseos_turns_the_earth_as_69_seconds_earlier():
    """Its epoch's number is Terrestrial Time to skyfield: 32.184 s and 37 leap seconds less."""
    as_paseos = earth_rotation(EPOCH_UTC, 3600, PASEOS)
    earlier = earth_rotation(EPOCH_UTC - timedelta(seconds=69), 3600)
    t_s = np.array([0.0, 1000.0, 3600.0])
    np.testing.assert_allclose(as_paseos.matrices(t_s), earlier.matrices(t_s - 0.184), atol=1e-9)


def test_a_span_outside_the_years_known_is_refused():
    with pytest.raises(ScenarioError, match="from 1957 to 2099"):
        teme_to_gcrs(datetime(2101, 1, 1, tzinfo=UTC), 60)


def skyfield_times(t_s: np.ndarray):
    timescale = load.timescale(builtin=True)
    epoch = timescale.from_datetime(EPOCH_UTC)
    return timescale.tt_jd(epoch.whole, epoch.tt_fraction + t_s / 86_400)


def test_an_epoch_without_a_time_zone_is_refused():
    with pytest.raises(ScenarioError, match=r"^epoch_utc is 2018-05-18 03:21:00, without a time zone"):
        earth_rotation(datetime(2018, 5, 18, 3, 21), 60)


@pytest.mark.parametrize(
    "wrong", [{"latitude_deg": 91}, {"longitude_deg": -181}, {"altitude_m": 1e6}, {"mask_deg": float("nan")}]
)
def test_places_off_the_earth_are_refused(wrong: dict):
    (field,) = wrong
    with pytest.raises(ScenarioError, match=f"^{field} is .* at station svalbard, but it must be from"):
        GroundStation(**{"name": "svalbard", "latitude_deg": 78.9, "longitude_deg": 11.9} | wrong)


def test_a_station_needs_a_name():
    with pytest.raises(ScenarioError, match=r"^name is empty"):
        GroundStation(name="", latitude_deg=0, longitude_deg=0)
