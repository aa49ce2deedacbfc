"""From places on the ground to the axes in which satellites move."""

from dataclasses import dataclass
from datetime import datetime
from math import ceil

import numpy as np
from skyfield.api import load
from skyfield.framelib import itrs

from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.constants import EARTH_FLATTENING, EARTH_RADIUS_KM, EARTH_SPIN_RAD_S

DAY_S = 86_400.0
NODE_STEP_S = 3600.0


def geodetic_up(latitude_deg: float, longitude_deg: float) -> Floats:
    """The outward normal (3,) of the WGS84 ellipsoid, in ITRS axes."""
    latitude, longitude = np.deg2rad([latitude_deg, longitude_deg])
    level = np.cos(latitude)
    return np.array([level * np.cos(longitude), level * np.sin(longitude), np.sin(latitude)])


def geodetic_position(latitude_deg: float, longitude_deg: float, altitude_km: float) -> Floats:
    """ITRS position (3,) in km of a WGS84 place (Vallado, 4th ed., eq. 3-7)."""
    up = geodetic_up(latitude_deg, longitude_deg)
    shrink = np.array([1.0, 1.0, (1 - EARTH_FLATTENING) ** 2])
    normal_radius_km = EARTH_RADIUS_KM / np.sqrt(up @ (shrink * up))
    return normal_radius_km * shrink * up + altitude_km * up


@dataclass(frozen=True, slots=True, eq=False)
class EarthRotation:
    """The turn from GCRS to ITRS over a span of time, to well under a metre on the ground.

    Precession, nutation and UT1 drift slowly, so the turn is a uniform spin times a matrix that is linear
    between hourly nodes: `nodes` (n, 3, 3), the first at t = 0. `earth_rotation` makes it.
    """

    nodes: Floats

    def to_itrs(self, position_km: Floats, t_s: Floats) -> Floats:
        """Turn GCRS vectors (..., 3) into ITRS axes at times `t_s` (...), SI seconds from the epoch."""
        slow = np.einsum("...ij,...j->...i", self._slow_turn(t_s), position_km)
        cosine, sine = np.cos(EARTH_SPIN_RAD_S * t_s), np.sin(EARTH_SPIN_RAD_S * t_s)
        x, y, z = np.moveaxis(slow, -1, 0)
        return np.stack([cosine * x + sine * y, cosine * y - sine * x, z], axis=-1)

    def _slow_turn(self, t_s: Floats) -> Floats:
        place = np.asarray(t_s) / NODE_STEP_S
        node = np.clip(place.astype(np.intp), 0, len(self.nodes) - 2)
        share = (place - node)[..., None, None]
        return (1 - share) * self.nodes[node] + share * self.nodes[node + 1]


def earth_rotation(epoch_utc: datetime, duration_s: float) -> EarthRotation:
    """The Earth's rotation for `duration_s` SI seconds from `epoch_utc`, leap seconds counted.

    Source: skyfield's IAU 2000A/2006 frames and its built-in table of UT1; no file is fetched.
    Raises ScenarioError for an epoch without a time zone.
    """
    if epoch_utc.tzinfo is None:
        raise ScenarioError(f"epoch_utc is {epoch_utc}, without a time zone; write it with Z or +00:00 at the end.")
    timescale = load.timescale(builtin=True)
    epoch = timescale.from_datetime(epoch_utc)
    t_s = np.arange(ceil(duration_s / NODE_STEP_S) + 2, dtype=np.float64) * NODE_STEP_S
    times = timescale.tt_jd(epoch.whole, epoch.tt_fraction + t_s / DAY_S)
    turns = np.moveaxis(np.asarray(itrs.rotation_at(times)), -1, 0)
    return EarthRotation(_spin(-EARTH_SPIN_RAD_S * t_s) @ turns)


def _spin(angle_rad: Floats) -> Floats:
    """Matrices (n, 3, 3) that turn the axes by angles (n,) about z."""
    cosine, sine, zero = np.cos(angle_rad), np.sin(angle_rad), np.zeros_like(angle_rad)
    rows = [cosine, sine, zero, -sine, cosine, zero, zero, zero, zero + 1]
    return np.stack(rows, axis=-1).reshape(-1, 3, 3)
