"""Places on the ground, and the turns between the axes in which satellites are given and move."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from skyfield.framelib import itrs
from skyfield.sgp4lib import TEME

from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.clock import (
    DAY_S,
    JULIAN_DATE_OF_DAY_0,
    TAI_MINUS,
    epoch_instant,
    in_tai,
    require_span,
    timescale,
)
from orbitfl.orbit.constants import EARTH_FLATTENING, EARTH_RADIUS_KM, EARTH_SPIN_RAD_S
from orbitfl.orbit.convention import PHYSICAL, Convention

NODE_STEP_S = 3600.0
FIRST_NODE_S = -6 * NODE_STEP_S  # tables of states reach beyond the span at either end


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
class SlowTurn:
    """A turn from one set of axes to another that drifts so slowly that it is linear between hourly nodes.

    nodes: matrices (n, 3, 3), the first at t = FIRST_NODE_S.
    """

    nodes: Floats

    def matrices(self, t_s: Floats) -> Floats:
        """The turn (..., 3, 3) at times t_s (...), SI seconds from the epoch."""
        place = (np.asarray(t_s) - FIRST_NODE_S) / NODE_STEP_S
        node = np.clip(place.astype(np.intp), 0, len(self.nodes) - 2)
        share = (place - node)[..., None, None]
        return (1 - share) * self.nodes[node] + share * self.nodes[node + 1]


@dataclass(frozen=True, slots=True, eq=False)
class EarthRotation:
    """The turn from GCRS to ITRS over a span of time, to well under a metre on the ground.

    Precession, nutation and UT1 drift slowly, so the turn is a uniform spin times a slow turn.
    `earth_rotation` makes it.
    """

    drift: SlowTurn

    def matrices(self, t_s: Floats) -> Floats:
        """The turn (..., 3, 3) from GCRS to ITRS at times t_s (...), SI seconds from the epoch."""
        return _spin(EARTH_SPIN_RAD_S * np.asarray(t_s)) @ self.drift.matrices(t_s)

    def to_itrs(self, position_km: Floats, t_s: Floats) -> Floats:
        """Turn GCRS vectors (..., 3) into ITRS axes at times `t_s` (...), SI seconds from the epoch."""
        return np.einsum("...ij,...j->...i", self.matrices(t_s), position_km)

    def states_to_itrs(self, r_km: Floats, v_km_s: Floats, t_s: Floats) -> tuple[Floats, Floats]:
        """GCRS states, each (n_sat, n_t, 3), as ITRS positions and velocities over the turning ground, t_s (n_t,).

        The drift's own rate is left out: at most 1e-7 km/s in low orbits.
        """
        turn = self.matrices(t_s)
        position_km = turned(turn, r_km)
        return position_km, turned(turn, v_km_s) - _swept(position_km)

    def states_to_gcrs(self, r_km: Floats, v_km_s: Floats, t_s: Floats) -> tuple[Floats, Floats]:
        """The inverse of `states_to_itrs`."""
        turn = self.matrices(t_s).transpose(0, 2, 1)
        return turned(turn, r_km), turned(turn, v_km_s + _swept(r_km))


def turned(matrices: Floats, vectors: Floats) -> Floats:
    """Vectors (n_sat, n_t, 3) turned by the matrices (n_t, 3, 3) of their times."""
    result = np.empty(vectors.shape)
    # One product of all satellites per time: ten times as fast as one per vector.
    np.matmul(vectors.transpose(1, 0, 2), matrices.transpose(0, 2, 1), out=result.transpose(1, 0, 2))
    return result


def earth_rotation(epoch_utc: datetime, duration_s: float, convention: Convention = PHYSICAL) -> EarthRotation:
    """The Earth's rotation for `duration_s` SI seconds from `epoch_utc`, leap seconds counted.

    Source: skyfield's IAU 2000A/2006 frames and its built-in table of UT1; no file is fetched. Polar motion
    (10 m) is left out. A convention may read `epoch_utc` as Terrestrial Time.
    Raises ScenarioError for an epoch without a time zone and a span outside the years of `require_span`.
    """
    require_span(epoch_utc, duration_s)
    t_s = _node_times(duration_s)
    turns = _matrices(itrs, _times(epoch_utc, t_s, convention))
    return EarthRotation(SlowTurn(_spin(-EARTH_SPIN_RAD_S * t_s) @ turns))


def teme_to_gcrs(epoch_utc: datetime, duration_s: float) -> SlowTurn:
    """The turn from SGP4's true equator and mean equinox to GCRS (AIAA 2006-6753, appendix C, by skyfield).

    Raises ScenarioError as `earth_rotation` does.
    """
    require_span(epoch_utc, duration_s)
    from_gcrs = _matrices(TEME, _times(epoch_utc, _node_times(duration_s), PHYSICAL))
    return SlowTurn(from_gcrs.transpose(0, 2, 1))


def _node_times(duration_s: float) -> Floats:
    return np.arange(FIRST_NODE_S, duration_s - FIRST_NODE_S + NODE_STEP_S, NODE_STEP_S)


def _times(epoch_utc: datetime, t_s: Floats, convention: Convention) -> Any:
    epoch = epoch_instant(epoch_utc)
    day, second = epoch if convention.utc_read_as_tt else in_tai(epoch, "UTC")
    tai_to_tt_s = 0.0 if convention.utc_read_as_tt else -TAI_MINUS["TT"]
    return timescale().tt_jd(day + JULIAN_DATE_OF_DAY_0, (second + tai_to_tt_s + t_s) / DAY_S)


def _matrices(frame: Any, times: Any) -> Floats:
    """skyfield's (3, 3, n) from GCRS to `frame` as (n, 3, 3)."""
    return np.moveaxis(np.asarray(frame.rotation_at(times)), -1, 0)


def _spin(angle_rad: Floats) -> Floats:
    """Matrices (..., 3, 3) that turn the axes by angles (...) about z."""
    cosine, sine, zero = np.cos(angle_rad), np.sin(angle_rad), np.zeros_like(angle_rad)
    rows = [cosine, sine, zero, -sine, cosine, zero, zero, zero, zero + 1]
    return np.stack(rows, axis=-1).reshape(*np.shape(angle_rad), 3, 3)


def _swept(position_km: Floats) -> Floats:
    """How fast the turning ground moves, km/s, at ITRS positions (..., 3)."""
    swept = np.zeros_like(position_km)
    swept[..., 0], swept[..., 1] = -EARTH_SPIN_RAD_S * position_km[..., 1], EARTH_SPIN_RAD_S * position_km[..., 0]
    return swept
