"""One satellite's path in plain floats, cheap to ask for one instant at a time as PASEOS does.

All satellites are propagated together on a grid of 30 s, an hour at a time and only when needed; between
the knots each follows a cubic Hermite polynomial, within 0.03 m of the propagator in low Earth orbit. So a
propagator is asked for up to an hour beyond the last instant used, and never for one before the epoch.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from orbitfl.orbit.propagator import Floats, Propagator

KNOT_S = 30.0
KNOTS_PER_BLOCK = 120
BLOCK_S = KNOT_S * KNOTS_PER_BLOCK
# Clocks of different satellites drift apart, by hours perhaps; blocks of two days serve them all.
BLOCKS_KEPT = 48

Vector = tuple[float, float, float]
Trajectory = Callable[[float], tuple[Vector, Vector]]


def trajectories(propagator: Propagator) -> list[Trajectory]:
    """One function of mission seconds per satellite: GCRS position (m) and velocity (m/s)."""

    @lru_cache(maxsize=BLOCKS_KEPT)
    def block(index: int) -> tuple[Floats, Floats]:
        knots = index * KNOTS_PER_BLOCK + np.arange(KNOTS_PER_BLOCK + 1)
        r_km, v_km_s = propagator.states(KNOT_S * knots)
        return 1000.0 * r_km, 1000.0 * v_km_s

    return [_trajectory(block, satellite) for satellite in range(propagator.count)]


def _trajectory(block: Callable[[int], tuple[Floats, Floats]], satellite: int) -> Trajectory:
    # PASEOS asks for the same two instants again and again.
    @lru_cache(maxsize=2)
    def piece(knot: int) -> list[list[float]]:
        index, place = divmod(knot, KNOTS_PER_BLOCK)
        r_m, v_m_s = block(index)
        ends = slice(place, place + 2)
        return _cubic(r_m[satellite, ends], v_m_s[satellite, ends]).T.tolist()

    def at(t_s: float) -> tuple[Vector, Vector]:
        # PASEOS's clock may stand a rounding error before the start.
        knot = max(int(t_s // KNOT_S), 0)
        u = t_s - KNOT_S * knot
        x, y, z = piece(knot)
        return (_value(x, u), _value(y, u), _value(z, u)), (_slope(x, u), _slope(y, u), _slope(z, u))

    return at


def _cubic(r: Floats, v: Floats) -> Floats:
    """Coefficients (4, 3), lowest power first, of the cubic with r (2, 3) and v (2, 3) at its ends."""
    mean_v = (r[1] - r[0]) / KNOT_S
    square = (3 * mean_v - 2 * v[0] - v[1]) / KNOT_S
    cube = (v[0] + v[1] - 2 * mean_v) / KNOT_S**2
    return np.stack([r[0], v[0], square, cube])


def _value(c: list[float], u: float) -> float:
    return c[0] + u * (c[1] + u * (c[2] + u * c[3]))


def _slope(c: list[float], u: float) -> float:
    return c[1] + u * (2 * c[2] + u * 3 * c[3])
