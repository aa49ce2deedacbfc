"""Paths in plain floats against the propagator that they tabulate."""

import numpy as np
import pytest
from numpy.typing import ArrayLike

from orbitfl.environment.trajectory import Trajectories
from orbitfl.orbit.propagator import Floats, SecularJ2
from orbitfl.orbit.walker import Walker


@pytest.mark.parametrize("altitude_km", [200.0, 786.0])
def test_paths_follow_the_propagator(altitude_km: float):
    propagator = Walker(total=3, planes=3, phasing=1, altitude_km=altitude_km, inclination_deg=98.6).propagator()
    paths = Trajectories(propagator)
    # Out of order, on knots and between, across the hourly blocks, and a rounding error before the start.
    times_s = [5399.0, -1e-7, 0.0, 14.9, 3600.0, 3599.999, 30.0, 100000.3, 7215.0]
    r_km, v_km_s = propagator.states(times_s)
    for satellite, path in enumerate(paths):
        got_r_m, got_v_m_s = (np.array(x) for x in zip(*map(path, times_s), strict=True))
        np.testing.assert_allclose(got_r_m, 1000 * r_km[satellite], atol=0.03)
        np.testing.assert_allclose(got_v_m_s, 1000 * v_km_s[satellite], atol=0.01)


def test_paths_give_plain_floats():
    propagator = Walker(total=1, planes=1, phasing=0, altitude_km=786.0, inclination_deg=98.6).propagator()
    position_m, velocity_m_s = Trajectories(propagator)[0](12.3)
    assert {type(x) for x in (*position_m, *velocity_m_s)} == {float}


class FromEpoch(SecularJ2):
    """Like an orbit file, it knows nothing before the epoch."""

    def states(self, t_s: ArrayLike) -> tuple[Floats, Floats]:
        assert np.min(t_s) >= 0
        return super().states(t_s)


def test_a_clock_a_rounding_error_before_the_start_asks_for_no_earlier_orbit():
    propagator = FromEpoch(*(np.array([value]) for value in (7164.0, 0.0, 1.7, 0.0, 0.0, 0.0)))
    path = Trajectories(propagator)[0]
    np.testing.assert_allclose(path(-1e-7)[0], path(0.0)[0], atol=0.01)
