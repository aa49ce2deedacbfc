"""What an instrument that looks down from a satellite can reach on the ground."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import acos, asin, cos, radians, sin
from typing import Literal, Protocol

import numpy as np

from orbitfl.contacts.ground import Places, above_mask
from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.constants import EARTH_RADIUS_KM
from orbitfl.orbit.ephemeris import BETWEEN_NODES, Ephemeris
from orbitfl.orbit.jets import Jet
from orbitfl.orbit.smooth import Sight

MEAN_EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the three semi-axes (Moritz, Geodetic Reference System 1980)."""


CLEAR_OF_HORIZON = 0.99
"""Of the sine at which a cone only touches the Earth: up to there its rim moves smoothly, and between nodes too."""

Look = Callable[[Ephemeris], Sight]


class Instrument(Protocol):
    """Options of an instrument."""

    def sights(self, places: Places, highest_km: float) -> tuple[Look, ...]:
        """What gives, for satellites in ITRS axes, functions that are all positive when a place is reached.

        They are those of every satellite and place, satellite by satellite.
        highest_km: the greatest distance of any satellite from the Earth's centre.
        """
        ...

    def reach_km(self, radius_km: float) -> float:
        """How far from the point below a satellite, at a distance from the Earth's centre, it reaches on the ground."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Swath:
    """It sees a disc about the geocentric point below the satellite: a scanner's swath at closest approach.

    width_km: how wide the disc is, on a sphere of the mean radius.
    Raises ScenarioError for a width that is not above 0 or above 6000 km.
    """

    kind: Literal["swath"] = "swath"
    width_km: float

    def __post_init__(self) -> None:
        if not 0 < self.width_km <= 6000:
            raise ScenarioError(f"width_km of the swath is {self.width_km}, but it must be above 0 and at most 6000.")

    def sights(self, places: Places, highest_km: float) -> tuple[Look, ...]:
        axis = places.position_km / np.linalg.norm(places.position_km, axis=-1, keepdims=True)
        cosine = cos(self.width_km / 2 / MEAN_EARTH_RADIUS_KM)
        return (lambda ephemeris: NearTrack(ephemeris, axis, cosine),)

    def reach_km(self, radius_km: float) -> float:
        """Raises ScenarioError where the swath's edge would lie beyond the horizon."""
        horizon_km = MEAN_EARTH_RADIUS_KM * acos(EARTH_RADIUS_KM / radius_km)
        if self.width_km / 2 > horizon_km:
            raise ScenarioError(
                f"width_km of the swath is {self.width_km}, but from {radius_km - EARTH_RADIUS_KM:.0f} km altitude the "
                f"horizon leaves {2 * horizon_km:.0f} km; narrow the swath."
            )
        return self.width_km / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class OffNadir:
    """It can point away from the Earth's centre, up to a limit, at whatever is above the horizon.

    limit_deg: how far from the Earth's centre it can point.
    Raises ScenarioError for a limit that is not above 0 and below 90 degrees.
    """

    kind: Literal["off_nadir"] = "off_nadir"
    limit_deg: float

    def __post_init__(self) -> None:
        if not 0 < self.limit_deg < 90:
            raise ScenarioError(f"limit_deg is {self.limit_deg}, but it must be above 0 and below 90 degrees.")

    def sights(self, places: Places, highest_km: float) -> tuple[Look, ...]:
        sine, cosine = sin(radians(self.limit_deg)), cos(radians(self.limit_deg))
        if highest_km * sine < CLEAR_OF_HORIZON * np.linalg.norm(places.position_km, axis=-1).min():
            return (lambda ephemeris: InCone(ephemeris, places.position_km, sine),)
        # The cone goes through the Earth and out on the far side: hence the horizon.
        return (
            lambda ephemeris: NearNadir(ephemeris, places.position_km, cosine),
            lambda ephemeris: above_mask(ephemeris, places, np.zeros(len(places))),
        )

    def reach_km(self, radius_km: float) -> float:
        """By the law of sines in the triangle of satellite, place and centre (Wertz, SMAD, 3rd ed., section 5.2)."""
        ratio = radius_km / EARTH_RADIUS_KM
        angle = radians(self.limit_deg)
        beyond = ratio * sin(angle) >= 1
        return EARTH_RADIUS_KM * (acos(1 / ratio) if beyond else asin(ratio * sin(angle)) - angle)


@dataclass(frozen=True, slots=True, eq=False)
class NearTrack:
    """r·p̂ − |r| cos λ, in km, of every satellite and place: positive within the angle λ at the Earth's centre.

    ephemeris: in ITRS axes. axis: the directions p̂ (n_places, 3) of the places.
    """

    ephemeris: Ephemeris
    axis: Floats
    cosine: float

    @property
    def count(self) -> int:
        return self.ephemeris.count * len(self.axis)

    @property
    def t_s(self) -> Floats:
        return self.ephemeris.t_s

    @property
    def bend_limit(self) -> Floats:
        turn = self.ephemeris.largest(self.ephemeris.acceleration_km_s2)
        swing = np.abs(_states(self.ephemeris).length().bend).max(axis=0)
        return np.repeat(BETWEEN_NODES * (turn + self.cosine * swing), len(self.axis))

    def at_nodes(self, first: int, last: int) -> Floats:
        r_km = self.ephemeris.position_km[first : last + 1]
        length = np.sqrt(np.einsum("tsi,tsi->ts", r_km, r_km))[..., None]
        return (r_km @ self.axis.T - self.cosine * length).reshape(len(r_km), -1)

    def jet(self, series: Ints, t_s: Floats) -> Jet:
        satellite, place = np.divmod(series, len(self.axis))
        r = self.ephemeris.at(satellite, t_s)
        return r.along(self.axis[place]) - r.length().scaled(self.cosine)


@dataclass(frozen=True, slots=True, eq=False)
class InCone:
    """r·p − w − √((r² − w)(p² − w)), w = r² sin² η, in km², of every satellite r and place p: see `NearNadir`.

    A line η off the nadir enters the sphere through the place at a distance ρ = r cos η − √(p² − r² sin² η); there
    r·p = r² − ρ r cos η, and nearer to the nadir it is more. For cones that cut the sphere: r sin η < p. Hardly
    curved and never positive on the far side, so it is far faster to search than `NearNadir`.

    ephemeris: in ITRS axes. place_km: (n_places, 3).
    """

    ephemeris: Ephemeris
    place_km: Floats
    sine: float

    @property
    def count(self) -> int:
        return self.ephemeris.count * len(self.place_km)

    @property
    def t_s(self) -> Floats:
        return self.ephemeris.t_s

    @property
    def bend_limit(self) -> Floats:
        """|r·p|″ ≤ |p||r″|; the rest hardly differs from place to place, so the extremes of |p| stand for all."""
        r, place_km = _states(self.ephemeris), np.linalg.norm(self.place_km, axis=-1)
        rims = [self._rim(r.dot(r), extreme**2) for extreme in (place_km.min(), place_km.max())]
        swing = np.max([np.abs(rim.bend).max(axis=0) for rim in rims], axis=0)[:, None]
        turn = self.ephemeris.largest(self.ephemeris.acceleration_km_s2)[:, None]
        return BETWEEN_NODES * (turn * place_km + swing).ravel()

    def at_nodes(self, first: int, last: int) -> Floats:
        r_km = self.ephemeris.position_km[first : last + 1]
        square = np.einsum("tsi,tsi->ts", r_km, r_km)[..., None]
        inner = self.sine**2 * square
        rim = inner + np.sqrt((square - inner) * (np.einsum("pi,pi->p", self.place_km, self.place_km) - inner))
        return (r_km @ self.place_km.T - rim).reshape(len(r_km), -1)

    def jet(self, series: Ints, t_s: Floats) -> Jet:
        satellite, place = np.divmod(series, len(self.place_km))
        r, place_km = self.ephemeris.at(satellite, t_s), self.place_km[place]
        return r.along(place_km) - self._rim(r.dot(r), np.einsum("ni,ni->n", place_km, place_km))

    def _rim(self, square: Jet, place_square: Floats) -> Jet:
        """What r·p is on the cone, from r² and p²."""
        inner = square.scaled(self.sine**2)
        return inner + ((square - inner) * inner.scaled(-1).plus(place_square)).root()


@dataclass(frozen=True, slots=True, eq=False)
class NearNadir:
    """ρ·r − |ρ||r| cos η, in km², of every satellite and place: positive within the angle η off the nadir.

    ρ: from place to satellite. ephemeris: in ITRS axes. place_km: (n_places, 3).
    """

    ephemeris: Ephemeris
    place_km: Floats
    cosine: float

    @property
    def count(self) -> int:
        return self.ephemeris.count * len(self.place_km)

    @property
    def t_s(self) -> Floats:
        return self.ephemeris.t_s

    @property
    def bend_limit(self) -> Floats:
        """|(ρ·r)″| ≤ |(r²)″| + |p||r″|; |ρ|′ ≤ v and |ρ|″ ≤ v²/ρ + a, as for elevations."""
        r, turn = _states(self.ephemeris), self.ephemeris.largest(self.ephemeris.acceleration_km_s2)[:, None]
        speed, length = self.ephemeris.largest(r.slope)[:, None], r.length()
        place_km = np.linalg.norm(self.place_km, axis=-1)
        nearest_km = np.maximum(length.value.min(axis=0)[:, None] - place_km, 1.0)
        size, rate, swing = (np.abs(part).max(axis=0)[:, None] for part in (length.value, length.slope, length.bend))
        along = np.abs(r.dot(r).bend).max(axis=0)[:, None] + place_km * turn
        product = (speed**2 / nearest_km + turn) * size + 2 * speed * rate + (size + place_km) * swing
        return BETWEEN_NODES * (along + self.cosine * product).ravel()

    def at_nodes(self, first: int, last: int) -> Floats:
        r_km = self.ephemeris.position_km[first : last + 1]
        square = np.einsum("tsi,tsi->ts", r_km, r_km)[..., None]
        across = r_km @ self.place_km.T
        sight = np.sqrt(square + np.einsum("pi,pi->p", self.place_km, self.place_km) - 2 * across)
        return (square - across - self.cosine * np.sqrt(square) * sight).reshape(len(r_km), -1)

    def jet(self, series: Ints, t_s: Floats) -> Jet:
        satellite, place = np.divmod(series, len(self.place_km))
        r = self.ephemeris.at(satellite, t_s)
        sight = r.plus(-self.place_km[place])
        return sight.dot(r) - (sight.length() * r.length()).scaled(self.cosine)


def off_nadir_deg(satellite_km: Floats, place_km: Floats) -> Floats:
    """Angles (n,) at satellites (n, 3) between the Earth's centre and places (n, 3), in any common axes."""
    sight = satellite_km - place_km
    across = np.linalg.norm(np.cross(satellite_km, sight), axis=-1)
    return np.rad2deg(np.arctan2(across, np.einsum("ni,ni->n", satellite_km, sight)))


def _states(ephemeris: Ephemeris) -> Jet:
    return Jet(ephemeris.position_km, ephemeris.velocity_km_s, ephemeris.acceleration_km_s2)
