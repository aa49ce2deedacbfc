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
    Instant,
    epoch_instant,
    in_tai,
    require_span,
    timescale,
)
from orbitfl.orbit.constants import EARTH_FLATTENING, EARTH_RADIUS_KM, EARTH_SPIN_RAD_S
from orbitfl.orbit.convention import PHYSICAL, Convention

NODE_STEP_S = 28_800.0
AHEAD_S = 21_600.0  # tables of states reach beyond the span at either end
FIRST_NODE_S = -AHEAD_S - NODE_STEP_S  # a cubic's first node lies before the interval that it describes


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
    """A turn from one set of axes to another that drifts so slowly that a cubic through four nodes describes it.

    nodes: matrices (n, 3, 3), the first at t = FIRST_NODE_S.
    """

    nodes: Floats

    def matrices(self, t_s: Floats) -> Floats:
        """The turn (..., 3, 3) at times t_s (...), SI seconds from the epoch."""
        place = (np.asarray(t_s) - FIRST_NODE_S) / NODE_STEP_S
        first = np.clip(place.astype(np.intp) - 1, 0, len(self.nodes) - 4)
        x = place - first
        # Lagrange's polynomials of the nodes 0 to 3.
        weights = np.stack([
            (x - 1) * (x - 2) * (3 - x) / 6, x * (x - 2) * (x - 3) / 2,
            x * (x - 1) * (3 - x) / 2, x * (x - 1) * (x - 2) / 6,
        ], axis=-1)  # fmt: skip
        nodes = self.nodes[first[..., None] + np.arange(4)].reshape(*x.shape, 4, 9)
        return (weights[..., None, :] @ nodes).reshape(*x.shape, 3, 3)


@dataclass(frozen=True, slots=True, eq=False)
class EarthRotation:
    """The turn from GCRS to ITRS over a span of time, to well under a metre on the ground.

    The turn is a spin with UT1 times a slow turn, of precession and nutation. start_tt: the epoch's Julian date.
    `earth_rotation` makes it.
    """

    drift: SlowTurn
    start_tt: float

    def matrices(self, t_s: Floats) -> Floats:
        """The turn (..., 3, 3) from GCRS to ITRS at times t_s (...), SI seconds from the epoch."""
        return _spin(_turned_rad(self.start_tt, np.asarray(t_s))) @ self.drift.matrices(t_s)

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
    start = _start(epoch_utc, convention)
    start_tt, turns = start.day + start.second / DAY_S, _matrices(itrs, _times(start, t_s))
    return EarthRotation(SlowTurn(_spin(-_turned_rad(start_tt, t_s)) @ turns), start_tt)


def teme_to_gcrs(epoch_utc: datetime, duration_s: float) -> SlowTurn:
    """The turn from SGP4's true equator and mean equinox to GCRS (AIAA 2006-6753, appendix C, by skyfield).

    Raises ScenarioError as `earth_rotation` does.
    """
    require_span(epoch_utc, duration_s)
    from_gcrs = _matrices(TEME, _times(_start(epoch_utc, PHYSICAL), _node_times(duration_s)))
    return SlowTurn(from_gcrs.transpose(0, 2, 1))


def _node_times(duration_s: float) -> Floats:
    return np.arange(FIRST_NODE_S, duration_s + AHEAD_S + 2 * NODE_STEP_S, NODE_STEP_S)


def _start(epoch_utc: datetime, convention: Convention) -> Instant:
    """The epoch in Terrestrial Time: a Julian date, and seconds since."""
    epoch = epoch_instant(epoch_utc)
    day, second = epoch if convention.utc_read_as_tt else in_tai(epoch, "UTC")
    return Instant(day + JULIAN_DATE_OF_DAY_0, second - (0.0 if convention.utc_read_as_tt else TAI_MINUS["TT"]))


def _times(start: Instant, t_s: Floats) -> Any:
    return timescale().tt_jd(start.day, (start.second + t_s) / DAY_S)


def _turned_rad(start_tt: float, t_s: Floats) -> Floats:
    """How far the Earth turns by t_s, counted from when UT1 was TT at `start_tt`: UT1 bends a little every day."""
    return EARTH_SPIN_RAD_S * (t_s - timescale().delta_t_function(start_tt + t_s / DAY_S))


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
