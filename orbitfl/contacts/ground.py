"""When satellites stand above the mask of places on the ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.ephemeris import BETWEEN_NODES, Ephemeris
from orbitfl.orbit.frames import geodetic_position, geodetic_up
from orbitfl.orbit.jets import Jet
from orbitfl.orbit.station import GroundStation


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Points on the Earth: ITRS positions (n, 3) in km and outward normals (n, 3) of the ellipsoid."""

    position_km: Floats
    up: Floats

    def __len__(self) -> int:
        return len(self.position_km)


def places(latitude_deg: Sequence[float], longitude_deg: Sequence[float], altitude_km: Sequence[float]) -> Places:
    sites = list(zip(latitude_deg, longitude_deg, altitude_km, strict=True))
    positions = [geodetic_position(*site) for site in sites]
    ups = [geodetic_up(latitude, longitude) for latitude, longitude, _ in sites]
    return Places(np.reshape(positions, (-1, 3)), np.reshape(ups, (-1, 3)))


def places_of(stations: Sequence[GroundStation]) -> Places:
    return places(
        [site.latitude_deg for site in stations],
        [site.longitude_deg for site in stations],
        [site.altitude_m / 1000 for site in stations],
    )


@dataclass(frozen=True, slots=True, eq=False)
class Elevation:
    """ρ·n − |ρ| sin ε of every satellite over every place, in km, satellite by satellite.

    ρ: from place to satellite, n: the normal, ε: the mask. It has the sign of elevation minus mask.
    ephemeris: in ITRS axes. place_km: (n_places, 3). up: normals (n, n_places, 3) and sine: of masks (n, n_places),
    where n is 1, or one for every node if they change with time, slowly.
    """

    ephemeris: Ephemeris
    place_km: Floats
    up: Floats
    sine: Floats

    @property
    def count(self) -> int:
        return self.ephemeris.count * len(self.place_km)

    @property
    def t_s(self) -> Floats:
        return self.ephemeris.t_s

    @property
    def bend_limit(self) -> Floats:
        """|ρ″·n| ≤ a, and |ρ|″ ≤ v²/ρ + a, for the fastest v, the greatest a and the nearest ρ."""
        speed = self.ephemeris.largest(self.ephemeris.velocity_km_s)[:, None]
        turn = self.ephemeris.largest(self.ephemeris.acceleration_km_s2)[:, None]
        lowest_km = self.ephemeris.least(self.ephemeris.position_km)[:, None]
        nearest_km = np.maximum(lowest_km - np.linalg.norm(self.place_km, axis=-1), 1.0)
        return BETWEEN_NODES * (turn + np.abs(self.sine).max(axis=0) * (speed**2 / nearest_km + turn)).ravel()

    def at_nodes(self, first: int, last: int) -> Floats:
        r_km = self.ephemeris.position_km[first : last + 1]
        up, sine = (side if len(side) == 1 else side[first : last + 1] for side in (self.up, self.sine))
        square = np.einsum("tsi,tsi->ts", r_km, r_km)[..., None] + np.einsum("pi,pi->p", self.place_km, self.place_km)
        distance = np.sqrt(square - 2 * (r_km @ self.place_km.T))
        height = r_km @ up.transpose(0, 2, 1) - np.einsum("pi,tpi->tp", self.place_km, up)[:, None]
        return (height - sine[:, None] * distance).reshape(len(r_km), -1)

    def jet(self, series: Ints, t_s: Floats) -> Jet:
        satellite, place = np.divmod(series, len(self.place_km))
        sight = self.ephemeris.at(satellite, t_s).plus(-self.place_km[place])
        up, sine = (self._now(side, place, t_s) for side in (self.up, self.sine))
        return sight.along(up) - sight.length().scaled(sine)

    def _now(self, side: Floats, place: Ints, t_s: Floats) -> Floats:
        if len(side) == 1:
            return side[0, place]
        node = self.ephemeris.node_before(t_s)
        share = (t_s - self.t_s[node]) / self.ephemeris.step_s
        here, there = side[node, place], side[node + 1, place]
        return _mixed(here, there, share)


def between(side: Floats, node: Ints, share: Floats) -> Floats:
    """Values of nodes (n_t, ...) a share (n,) of the way from a node (n,) to the next, along straight lines."""
    return _mixed(side[node], side[node + 1], share)


def _mixed(here: Floats, there: Floats, share: Floats) -> Floats:
    share = share.reshape(-1, *[1] * (here.ndim - 1))
    return (1 - share) * here + share * there


def above_mask(ephemeris: Ephemeris, places: Places, mask_deg: Sequence[float] | Floats) -> Elevation:
    """Satellites in ITRS axes above a mask of each place, (n_places,)."""
    return Elevation(ephemeris, places.position_km, places.up[None], np.sin(np.deg2rad(mask_deg))[None])
