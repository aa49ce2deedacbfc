"""Positions and velocities of satellites as functions of time."""

from dataclasses import dataclass
from math import cos, sin, sqrt
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.constants import EARTH_J2, EARTH_MU_KM3_S2, EARTH_RADIUS_KM


class Propagator(Protocol):
    """Satellites numbered from 0, in GCRS axes; t_s counts SI seconds from the scenario's `epoch_utc`."""

    @property
    def count(self) -> int:
        """The number of satellites."""
        ...

    def positions(self, t_s: ArrayLike) -> Floats:
        """Positions (n_sat, n_t, 3) in km of all satellites at the times t_s (n_t,)."""
        ...

    def states(self, t_s: ArrayLike) -> tuple[Floats, Floats]:
        """Positions in km and velocities in km/s, each (n_sat, n_t, 3), at the times t_s (n_t,)."""
        ...

    def position_at(self, satellite: Ints, t_s: Floats) -> Floats:
        """Positions (..., 3) in km of one satellite per time: `satellite` and `t_s` broadcast to (...)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class CircularJ2:
    """Circular orbits of one radius and inclination under two-body motion and the secular J2 rates.

    The radius is the Brouwer *mean* semi-major axis, and no periodic J2 terms are added: the osculating
    position swings about this one by some kilometres, twice per orbit. Rates: Vallado, Fundamentals of
    Astrodynamics and Applications, 4th ed., section 9.6 (secular J2), at eccentricity zero. The equator of J2
    is taken as that of GCRS. Velocities are the exact derivatives of positions.

    raan_rad, arglat_rad: right ascension of the ascending node and argument of latitude at t = 0, (n_sat,).
    """

    radius_km: float
    inclination_rad: float
    raan_rad: Floats
    arglat_rad: Floats

    @property
    def count(self) -> int:
        return len(self.raan_rad)

    @property
    def raan_rate_rad_s(self) -> float:
        return -1.5 * self._oblateness() * self._mean_motion() * cos(self.inclination_rad)

    @property
    def arglat_rate_rad_s(self) -> float:
        """Rates of perigee, 3/4 ε(5c² − 1), and of mean anomaly, 1 + 3/4 ε(3c² − 1), together."""
        cosine = cos(self.inclination_rad)
        return self._mean_motion() * (1 + 1.5 * self._oblateness() * (4 * cosine**2 - 1))

    def positions(self, t_s: ArrayLike) -> Floats:
        return self.position_at(*self._grid(t_s))

    def states(self, t_s: ArrayLike) -> tuple[Floats, Floats]:
        satellite, times_s = self._grid(t_s)
        return self.position_at(satellite, times_s), self._velocity_at(satellite, times_s)

    def position_at(self, satellite: Ints, t_s: Floats) -> Floats:
        raan, arglat = self._angles(satellite, t_s)
        return self.radius_km * self._on_orbit(raan, np.cos(arglat), np.sin(arglat))

    def _velocity_at(self, satellite: Ints, t_s: Floats) -> Floats:
        raan, arglat = self._angles(satellite, t_s)
        along = self._on_orbit(raan, -np.sin(arglat), np.cos(arglat))
        turning = np.cross([0.0, 0.0, 1.0], self._on_orbit(raan, np.cos(arglat), np.sin(arglat)))
        return self.radius_km * (self.arglat_rate_rad_s * along + self.raan_rate_rad_s * turning)

    def _grid(self, t_s: ArrayLike) -> tuple[Ints, Floats]:
        return np.arange(self.count)[:, None], np.asarray(t_s, dtype=np.float64)[None, :]

    def _angles(self, satellite: Ints, t_s: Floats) -> tuple[Floats, Floats]:
        raan = self.raan_rad[satellite] + self.raan_rate_rad_s * t_s
        return raan, self.arglat_rad[satellite] + self.arglat_rate_rad_s * t_s

    def _on_orbit(self, raan: Floats, toward_node: Floats, past_node: Floats) -> Floats:
        """Turn in-plane coordinates (...) by inclination and node into GCRS vectors (..., 3)."""
        level, up = past_node * cos(self.inclination_rad), past_node * sin(self.inclination_rad)
        cosine, sine = np.cos(raan), np.sin(raan)
        return np.stack([cosine * toward_node - sine * level, sine * toward_node + cosine * level, up], axis=-1)

    def _mean_motion(self) -> float:
        return sqrt(EARTH_MU_KM3_S2 / self.radius_km**3)

    def _oblateness(self) -> float:
        return EARTH_J2 * (EARTH_RADIUS_KM / self.radius_km) ** 2
