"""Which pairs of nodes see each other: margins in km, positive when visible, and the ranges between them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.frames import EarthRotation, geodetic_position, geodetic_up
from orbitfl.orbit.propagator import Propagator
from orbitfl.orbit.station import GroundStation


def line_of_sight_margin_km(first_km: Floats, second_km: Floats, blocking_radius_km: float) -> Floats:
    """How much nearer (...) two points (..., 3) are than if their sight grazed a sphere about the origin.

    Then their distance is the sum of the two tangent lengths √(r² − R²); farther apart, the sphere hides
    them. Points are given outside the sphere.
    """
    tangents_km = _tangent_km(first_km, blocking_radius_km) + _tangent_km(second_km, blocking_radius_km)
    return tangents_km - _length(second_km - first_km)


def elevation_margin_km(sight_km: Floats, up: Floats, mask_deg: Floats) -> Floats:
    """How high (...) sights (..., 3) end above the cone of elevation `mask_deg` about normals `up`.

    The sign is that of elevation minus mask, yet it stays smooth when a satellite crosses the zenith.
    """
    return np.einsum("...i,...i->...", sight_km, up) - np.sin(np.deg2rad(mask_deg)) * _length(sight_km)


@dataclass(frozen=True, slots=True, eq=False)
class SatellitePairs:
    """Satellites `a` and `b`, each (n_pairs,), that see each other past a sphere and within a range."""

    propagator: Propagator
    a: Ints
    b: Ints
    blocking_radius_km: float
    max_range_km: float

    def margin_km(self, pair: Ints, t_s: Floats) -> Floats:
        first_km = self.propagator.position_at(self.a[pair], t_s)
        second_km = self.propagator.position_at(self.b[pair], t_s)
        clear_km = line_of_sight_margin_km(first_km, second_km, self.blocking_radius_km)
        return np.minimum(clear_km, self.max_range_km - _length(second_km - first_km))

    def range_km(self, pair: Ints, t_s: Floats) -> Floats:
        return _length(self.propagator.position_at(self.b[pair], t_s) - self.propagator.position_at(self.a[pair], t_s))


@dataclass(frozen=True, slots=True, eq=False)
class GroundPairs:
    """Satellites `a` over stations `b`, each (n_pairs,); stations are rows of the other arrays.

    station_km, up: place (n_stations, 3) and outward normal in ITRS axes. mask_deg: (n_stations,).
    """

    propagator: Propagator
    rotation: EarthRotation
    a: Ints
    b: Ints
    station_km: Floats
    up: Floats
    mask_deg: Floats

    def margin_km(self, pair: Ints, t_s: Floats) -> Floats:
        station = self.b[pair]
        return elevation_margin_km(self._sight_km(pair, t_s), self.up[station], self.mask_deg[station])

    def range_km(self, pair: Ints, t_s: Floats) -> Floats:
        return _length(self._sight_km(pair, t_s))

    def _sight_km(self, pair: Ints, t_s: Floats) -> Floats:
        """From station to satellite (..., 3) in ITRS axes."""
        satellite_km = self.propagator.position_at(self.a[pair], t_s)
        return self.rotation.to_itrs(satellite_km, t_s) - self.station_km[self.b[pair]]


def satellite_pairs(propagator: Propagator, blocking_radius_km: float, max_range_km: float) -> SatellitePairs:
    """Every two satellites once, the lower number first."""
    a, b = np.triu_indices(propagator.count, k=1)
    return SatellitePairs(propagator, a, b, blocking_radius_km, max_range_km)


def ground_pairs(propagator: Propagator, stations: Sequence[GroundStation], rotation: EarthRotation) -> GroundPairs:
    """Every satellite with every station."""
    a, b = np.divmod(np.arange(propagator.count * len(stations)), max(len(stations), 1))
    places = [geodetic_position(site.latitude_deg, site.longitude_deg, site.altitude_m / 1000) for site in stations]
    ups = [geodetic_up(site.latitude_deg, site.longitude_deg) for site in stations]
    masks_deg = np.array([site.mask_deg for site in stations], dtype=np.float64)
    return GroundPairs(propagator, rotation, a, b, np.reshape(places, (-1, 3)), np.reshape(ups, (-1, 3)), masks_deg)


def _tangent_km(position_km: Floats, radius_km: float) -> Floats:
    squared_km2 = np.einsum("...i,...i->...", position_km, position_km)
    return np.sqrt(np.maximum(squared_km2 - radius_km**2, 0.0))


def _length(vector: Floats) -> Floats:
    return np.sqrt(np.einsum("...i,...i->...", vector, vector))
