"""The secular J2 propagator against closed forms, published orbits and numerical integration."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from orbitfl.orbit.propagator import CircularJ2
from orbitfl.orbit.walker import Walker

MU_KM3_S2, RADIUS_KM, J2 = 398600.4418, 6378.137, 1.082626e-3
DAY_S = 86400.0


def one_satellite(altitude_km: float, inclination_deg: float) -> CircularJ2:
    option = Walker(
        total=1,
        planes=1,
        phasing=0,
        altitude_km=altitude_km,
        inclination_deg=inclination_deg,
        raan_deg=30,
        arglat_deg=40,
    )
    return option.propagator()


def test_sentinel_2_keeps_its_published_repeat_cycle():
    """143 orbits in 10 days (ESA, Sentinel-2 User Handbook): the nodal period is 6041.96 s."""
    period_s = 2 * np.pi / one_satellite(786, 98.62).arglat_rate_rad_s
    assert period_s == pytest.approx(10 * DAY_S / 143, rel=1e-4)


def test_a_sun_synchronous_node_follows_the_sun():
    drift_deg_day = np.rad2deg(one_satellite(786, 98.62).raan_rate_rad_s) * DAY_S
    assert drift_deg_day == pytest.approx(360 / 365.2422, rel=0.01)


def test_the_node_of_a_polar_orbit_stays():
    assert abs(one_satellite(786, 90).raan_rate_rad_s) < 1e-20


@given(st.floats(150, 40_000), st.floats(0, 180), st.floats(-1e6, 1e6))
def test_velocities_are_derivatives_of_positions(altitude_km: float, inclination_deg: float, t_s: float):
    orbit, h_s = one_satellite(altitude_km, inclination_deg), 0.5
    ahead, behind = orbit.positions([t_s + h_s]), orbit.positions([t_s - h_s])
    _, velocity = orbit.states([t_s])
    # The central difference is off by h² v n² / 6, at most 5e-7 km/s here.
    np.testing.assert_allclose((ahead - behind) / (2 * h_s), velocity, atol=1e-6)


def test_single_positions_are_those_of_the_grid():
    orbit = Walker(total=6, planes=3, phasing=1, altitude_km=600, inclination_deg=53).propagator()
    t_s = np.array([0.0, 700.0, 90_000.0])
    satellite = np.array([5, 0, 3])
    grid = orbit.positions(t_s)
    assert grid.shape == (6, 3, 3)
    np.testing.assert_array_equal(orbit.position_at(satellite, t_s), grid[satellite, np.arange(3)])


@pytest.mark.parametrize(
    ("altitude_km", "inclination_deg", "bound_km"), [(786, 98.62, 7), (550, 53, 4), (1200, 10, 12)]
)
def test_a_day_of_integrated_j2_motion_stays_within_its_periodic_terms(altitude_km, inclination_deg, bound_km):
    """Against DOP853 from the osculating state that belongs to the mean elements.

    Largest distance measured: 5.8, 2.7 and 10.4 km. Osculating elements taken as mean would be off by 100 km.
    """
    orbit = one_satellite(altitude_km, inclination_deg)
    start = osculating_state(orbit.radius_km, np.deg2rad(inclination_deg), np.deg2rad(30), np.deg2rad(40))
    t_s = np.linspace(0, DAY_S, 721)
    integrated = solve_ivp(acceleration, (0, DAY_S), start, "DOP853", t_s, rtol=1e-11, atol=1e-9)
    distance_km = np.linalg.norm(integrated.y[:3].T - orbit.positions(t_s)[0], axis=1)
    assert distance_km.max() < bound_km


def acceleration(_: float, state: np.ndarray) -> np.ndarray:
    r, v = state[:3], state[3:]
    d = np.linalg.norm(r)
    bulge = 1.5 * J2 * MU_KM3_S2 * RADIUS_KM**2 / d**5
    return np.concatenate([v, -MU_KM3_S2 * r / d**3 + bulge * r * (5 * (r[2] / d) ** 2 - np.array([1, 1, 3]))])


def osculating_state(a_km: float, i: float, raan: float, u: float) -> np.ndarray:
    """First-order short-period J2 terms at e = 0 (Hoots and Roehrich, Spacetrack Report 3, section 6)."""
    k2, c, n = J2 * RADIUS_KM**2 / 2, np.cos(i), np.sqrt(MU_KM3_S2 / a_km**3)
    r = a_km - 1.5 * k2 / a_km * (3 * c**2 - 1) + k2 / (2 * a_km) * (1 - c**2) * np.cos(2 * u)
    outward = -k2 * n / a_km * (1 - c**2) * np.sin(2 * u)
    forward = n * a_km + k2 * n / a_km * ((1 - c**2) * np.cos(2 * u) + 1.5 * (3 * c**2 - 1))
    turned = u - k2 / (4 * a_km**2) * (7 * c**2 - 1) * np.sin(2 * u)
    raan = raan + 3 * k2 * c / (2 * a_km**2) * np.sin(2 * u)
    i = i + 3 * k2 * c * np.sin(i) / (2 * a_km**2) * np.cos(2 * u)
    radial, along = direction(raan, i, turned), direction(raan, i, turned + np.pi / 2)
    return np.concatenate([r * radial, outward * radial + forward * along])


def direction(raan: float, i: float, u: float) -> np.ndarray:
    node = np.array([np.cos(raan), np.sin(raan), 0])
    ahead = np.array([-np.sin(raan) * np.cos(i), np.cos(raan) * np.cos(i), np.sin(i)])
    return np.cos(u) * node + np.sin(u) * ahead
