"""Stations and the Earth's rotation against skyfield."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skyfield.api import load, wgs84
from skyfield.framelib import itrs

from orbitfl.errors import ScenarioError
from orbitfl.orbit.frames import earth_rotation, geodetic_position, geodetic_up
from orbitfl.orbit.station import GroundStation

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
