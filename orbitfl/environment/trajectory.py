"""One satellite's path in plain floats, cheap to ask for one instant at a time as PASEOS does.

All satellites are propagated together on a grid of 30 s, an hour at a time and only when needed; between
the knots each follows a cubic Hermite polynomial, within 0.03 m of the propagator in low Earth orbit. So a
propagator is asked for up to an hour beyond the last instant used, and never for one before the epoch.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from orbitfl.orbit.propagator import Floats, Propagator

KNOT_S = 30.0
KNOTS_PER_BLOCK = 120
BLOCK_S = KNOT_S * KNOTS_PER_BLOCK
# Clocks of different satellites drift apart, by hours perhaps; blocks of two days serve them all.
BLOCKS_KEPT = 48

Vector = tuple[float, float, float]
Trajectory = Callable[[float], tuple[Vector, Vector]]


class Trajectories(Sequence[Trajectory]):
    """One function of mission seconds per satellite: GCRS position (m) and velocity (m/s)."""

    def __init__(self, propagator: Propagator) -> None:
        @lru_cache(maxsize=BLOCKS_KEPT)
        def block(index: int) -> tuple[Floats, Floats]:
            knots = index * KNOTS_PER_BLOCK + np.arange(KNOTS_PER_BLOCK + 1)
            r_km, v_km_s = propagator.states(KNOT_S * knots)
            return 1000.0 * r_km, 1000.0 * v_km_s

        self._cubics = [_cubics(block, satellite) for satellite in range(propagator.count)]
        self._paths = [_path(cubics) for cubics in self._cubics]

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, satellite: int) -> Trajectory:  # type: ignore[override]
        return self._paths[satellite]

    def distances_m(self, satellite: int, t_s: Floats) -> Floats:
        """How far a satellite is from the Earth's centre at ordered times (n,): of the same polynomials."""
        knots = np.maximum(t_s // KNOT_S, 0).astype(np.intp)
        first, last = (int(knot) // KNOTS_PER_BLOCK for knot in (knots[0], knots[-1]))
        cubics = [self._cubics[satellite](index) for index in range(first, last + 1)]
        joined = cubics[0] if first == last else np.concatenate(cubics, axis=1)
        p = _value(joined[:, knots - first * KNOTS_PER_BLOCK], (t_s - KNOT_S * knots)[:, None])
        return np.sqrt(p[:, 0] ** 2 + p[:, 1] ** 2 + p[:, 2] ** 2)


Cubics = Callable[[int], Floats]


def _cubics(block: Callable[[int], tuple[Floats, Floats]], satellite: int) -> Cubics:
    """Of one satellite, by block: coefficients (4, n_knots, 3), lowest power first, of the cubic after each knot."""

    @lru_cache(maxsize=2)
    def cubics(index: int) -> Floats:
        r_m, v_m_s = block(index)
        return _cubic(r_m[satellite], v_m_s[satellite])

    return cubics


def _path(cubics: Cubics) -> Trajectory:
    # PASEOS asks for the same two instants again and again.
    @lru_cache(maxsize=2)
    def piece(knot: int) -> list[list[float]]:
        index, place = divmod(knot, KNOTS_PER_BLOCK)
        return cubics(index)[:, place].T.tolist()

    def at(t_s: float) -> tuple[Vector, Vector]:
        # PASEOS's clock may stand a rounding error before the start.
        knot = max(int(t_s // KNOT_S), 0)
        u = t_s - KNOT_S * knot
        x, y, z = piece(knot)
        return (_value(x, u), _value(y, u), _value(z, u)), (_slope(x, u), _slope(y, u), _slope(z, u))

    return at


def _cubic(r: Floats, v: Floats) -> Floats:
    """Coefficients (4, n, 3) of the cubics that meet r (n + 1, 3) and v (n + 1, 3) at both their ends."""
    r0, v0, v1 = r[:-1], v[:-1], v[1:]
    mean_v = (r[1:] - r0) / KNOT_S
    return np.stack([r0, v0, (3 * mean_v - 2 * v0 - v1) / KNOT_S, (v0 + v1 - 2 * mean_v) / KNOT_S**2])


def _value(c: Any, u: Any) -> Any:
    return c[0] + u * (c[1] + u * (c[2] + u * c[3]))


def _slope(c: list[float], u: float) -> float:
    return c[1] + u * (2 * c[2] + u * 3 * c[3])
