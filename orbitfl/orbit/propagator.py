"""Positions and velocities of satellites as functions of time."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike

from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.constants import EARTH_J2, EARTH_MU_KM3_S2, EARTH_RADIUS_KM
from orbitfl.orbit.kepler import cosine_and_sine

SMOOTH_TURN = 0.5
STATES_AT_ONCE = 1 << 13  # temporary arrays of this many numbers stay in a core's cache


class Propagator(Protocol):
    """Satellites numbered from 0, in GCRS axes; t_s counts SI seconds from the scenario's `epoch_utc`."""

    @property
    def count(self) -> int:
        """The number of satellites."""
        ...

    @property
    def smooth_s(self) -> float:
        """Positions up to so many seconds apart tell those between to a few centimetres; 0 if none do."""
        ...

    def positions(self, t_s: ArrayLike) -> Floats:
        """Positions (n_sat, n_t, 3) in km of all satellites at the times t_s (n_t,)."""
        ...

    def states(self, t_s: ArrayLike) -> tuple[Floats, Floats]:
        """Positions in km and velocities in km/s, each (n_sat, n_t, 3), at the times t_s (n_t,)."""
        ...


def smooth_s(mean_motion_rad_s: Floats, eccentricity: Floats) -> float:
    """`Propagator.smooth_s` of orbits near ellipses, each array (n,).

    Measured with SGP4: half a radian at a circle's pace, and less for ellipses, whose perigees are sharper the
    more eccentric they are (`python benchmarks/sampling.py`).
    """
    at_perigee_rad_s = mean_motion_rad_s * np.sqrt(1 - eccentricity**2) / (1 - eccentricity) ** 2
    return float((SMOOTH_TURN / (1 + 10 * eccentricity) / at_perigee_rad_s).min())


@dataclass(frozen=True, slots=True, eq=False)
class SecularJ2:
    """Elliptic orbits under two-body motion and the secular J2 rates of node, perigee and mean anomaly.

    Elements are Brouwer *mean* elements at t = 0, each (n_sat,), and no periodic J2 terms are added: the
    osculating position swings about this one by some kilometres, twice per orbit. Rates: Vallado, Fundamentals
    of Astrodynamics and Applications, 4th ed., section 9.6 (secular J2). The equator of J2 is taken as that of
    GCRS. Velocities are the exact derivatives of positions.

    axis_km: semi-major axes. Eccentricities lie from 0 to below 1.
    """

    axis_km: Floats
    eccentricity: Floats
    inclination_rad: Floats
    raan_rad: Floats
    argp_rad: Floats
    mean_anomaly_rad: Floats

    @property
    def count(self) -> int:
        return len(self.axis_km)

    @property
    def smooth_s(self) -> float:
        return smooth_s(self._mean_motion(), self.eccentricity)

    @property
    def raan_rate_rad_s(self) -> Floats:
        return -1.5 * self._bulge() * np.cos(self.inclination_rad)

    @property
    def argp_rate_rad_s(self) -> Floats:
        return 0.75 * self._bulge() * (5 * np.cos(self.inclination_rad) ** 2 - 1)

    @property
    def mean_anomaly_rate_rad_s(self) -> Floats:
        roundness = np.sqrt(1 - self.eccentricity**2)
        return self._mean_motion() + 0.75 * self._bulge() * roundness * (3 * np.cos(self.inclination_rad) ** 2 - 1)

    def positions(self, t_s: ArrayLike) -> Floats:
        return self.states(t_s)[0]

    def states(self, t_s: ArrayLike) -> tuple[Floats, Floats]:
        times_s = np.asarray(t_s, dtype=np.float64)
        positions, velocities = (np.empty((self.count, len(times_s), 3)) for _ in range(2))
        rows = max(1, STATES_AT_ONCE // max(len(times_s), 1))
        for first in range(0, self.count, rows):
            block = slice(first, first + rows)
            self._fill(block, times_s, positions[block], velocities[block])
        return positions, velocities

    def _fill(self, block: slice, t_s: Floats, position_km: Floats, velocity_km_s: Floats) -> None:
        """Write the states of a block of satellites into (n, n_t, 3) arrays."""
        raan_rate, argp_rate = self.raan_rate_rad_s[block, None], self.argp_rate_rad_s[block, None]
        raan = self.raan_rad[block, None] + raan_rate * t_s
        argp = self.argp_rad[block, None] + argp_rate * t_s
        ellipse = self._ellipse(block, t_s)
        cosine, sine = np.cos(argp), np.sin(argp)
        toward_node = cosine * ellipse.x - sine * ellipse.y
        past_node = sine * ellipse.x + cosine * ellipse.y
        toward_node_rate = cosine * ellipse.x_rate - sine * ellipse.y_rate - argp_rate * past_node
        past_node_rate = sine * ellipse.x_rate + cosine * ellipse.y_rate + argp_rate * toward_node
        tilt, cosine, sine = self.inclination_rad[block, None], np.cos(raan), np.sin(raan)
        _tilt(toward_node, past_node, tilt, cosine, sine, position_km)
        _tilt(toward_node_rate, past_node_rate, tilt, cosine, sine, velocity_km_s)
        velocity_km_s[..., 0] -= raan_rate * position_km[..., 1]
        velocity_km_s[..., 1] += raan_rate * position_km[..., 0]

    def _ellipse(self, block: slice, t_s: Floats) -> "_Ellipse":
        axis, eccentricity = self.axis_km[block, None], self.eccentricity[block, None]
        rate = self.mean_anomaly_rate_rad_s[block, None]
        cosine, sine = cosine_and_sine(self.mean_anomaly_rad[block, None] + rate * t_s, eccentricity)
        minor_axis, anomaly_rate = axis * np.sqrt(1 - eccentricity**2), rate / (1 - eccentricity * cosine)
        return _Ellipse(
            x=axis * (cosine - eccentricity),
            y=minor_axis * sine,
            x_rate=-axis * anomaly_rate * sine,
            y_rate=minor_axis * anomaly_rate * cosine,
        )

    def _mean_motion(self) -> Floats:
        return np.sqrt(EARTH_MU_KM3_S2 / self.axis_km**3)

    def _bulge(self) -> Floats:
        """n J2 (R/p)², rad/s, which all the rates share."""
        parameter_km = self.axis_km * (1 - self.eccentricity**2)
        return self._mean_motion() * EARTH_J2 * (EARTH_RADIUS_KM / parameter_km) ** 2


class _Ellipse(NamedTuple):
    """In-plane coordinates (n, n_t) from the focus, x towards perigee, in km, and their rates in km/s."""

    x: Floats
    y: Floats
    x_rate: Floats
    y_rate: Floats


def _tilt(toward_node: Floats, past_node: Floats, tilt_rad: Floats, cosine: Floats, sine: Floats, out: Floats) -> None:
    """Turn in-plane coordinates (n, n_t) by inclination and node (its cosine and sine) into GCRS vectors `out`."""
    level = past_node * np.cos(tilt_rad)
    out[..., 0] = cosine * toward_node - sine * level
    out[..., 1] = sine * toward_node + cosine * level
    out[..., 2] = past_node * np.sin(tilt_rad)
