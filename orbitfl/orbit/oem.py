"""Constellations whose states come from a CCSDS Orbit Ephemeris Message."""

import warnings
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from skyfield.framelib import ICRS_to_J2000

from orbitfl.errors import DataError, OrbitflWarning
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.clock import epoch_instant, in_tai, require_span, seconds_between
from orbitfl.orbit.constellation import Satellites
from orbitfl.orbit.convention import PHYSICAL, Convention
from orbitfl.orbit.frames import EarthRotation, SlowTurn, earth_rotation, teme_to_gcrs, turned
from orbitfl.orbit.oem_file import Segment, read_oem
from orbitfl.orbit.tabulated import NODES_AT_ONCE, SLACK_S, Table, Tabulated, doubt_km, table

# An environment looks ahead of the span's end.
AHEAD_S = 3600.0
# A low satellite goes 35 m in the 5 ms to which edges of windows are promised.
DOUBTFUL_KM = 0.03
USELESS_KM = 10.0
JUMP_M_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Oem:
    """The satellites of an orbit ephemeris message (KVN), whose states are interpolated as `Table` says.

    path: the file; a relative path in a scenario counts from the scenario's own folder.

    Each takes its OBJECT_NAME; where objects share one, OBJECT_ID follows it. A convention may read TEME as
    GCRS; states given in ITRF are taken for what they are in any convention. Where places between states may be off
    by more than 30 m, a warning says by how much; by more than 10 km, the file is refused, unless it has fewer than
    five states, of which nothing so sure can be said. Segments of one object may follow a manoeuvre each. A plan takes
    orbits for smooth, so where the velocity jumps by more than 1 m/s from one segment to the next, a warning says that
    edges of windows within ten minutes of it may be off by some milliseconds for each m/s.
    """

    kind: Literal["oem"] = "oem"
    path: str

    def satellites(self, epoch_utc: datetime, duration_s: float, convention: Convention = PHYSICAL) -> Satellites:
        """Raises what `read_oem` raises, DataError for an object whose states do not cover the span without gaps
        or lie too far apart, and ScenarioError for a span of `require_span`; warns of states that lie rather far apart,
        and of jumps.
        """
        require_span(epoch_utc, duration_s)
        segments = read_oem(Path(self.path))
        axes = _Axes(earth_rotation(epoch_utc, duration_s), teme_to_gcrs(epoch_utc, duration_s), convention)
        names, tables = [], []
        for name, own in _by_name(segments):
            what = f"{self.path}: the states of {name}"
            found = [_table(what, segment, axes, epoch_utc, duration_s) for segment in own]
            names.append(name)
            tables.append(tuple(sorted((each for each in found if each), key=lambda each: each.start_s)))
            _require_covered(what, tables[-1], duration_s)
            _warn_of_jumps(what, tables[-1])
        return Satellites(tuple(names), Tabulated(tuple(names), tuple(tables)))


def _by_name(segments: Sequence[Segment]) -> list[tuple[str, list[Segment]]]:
    """The segments of each object and what to call it."""
    objects = defaultdict(list)
    for segment in segments:
        objects[segment.name, segment.object_id].append(segment)
    shared = Counter(name for name, _ in objects)
    return [(name if shared[name] == 1 else f"{name} {object_id}", own) for (name, object_id), own in objects.items()]


@dataclass(frozen=True, slots=True, eq=False)
class _Axes:
    """How states (1, n, 3) in each frame of a message turn into GCRS."""

    rotation: EarthRotation
    teme: SlowTurn
    convention: Convention

    def to_gcrs(self, frame: str, r_km: Floats, v_km_s: Floats, t_s: Floats) -> tuple[Floats, Floats]:
        if frame == "itrs":
            return self.rotation.states_to_gcrs(r_km, v_km_s, t_s)
        if frame == "eme2000":
            return r_km @ ICRS_to_J2000, v_km_s @ ICRS_to_J2000
        if frame == "teme" and not self.convention.teme_read_as_gcrs:
            matrices = self.teme.matrices(t_s)
            return turned(matrices, r_km), turned(matrices, v_km_s)
        return r_km, v_km_s


def _table(what: str, segment: Segment, axes: _Axes, epoch_utc: datetime, duration_s: float) -> Table | None:
    """The part of a segment that the span needs, or None if it needs none. Raises and warns as `_require_fine`."""
    start = in_tai(epoch_instant(epoch_utc), "UTC")
    t_s = seconds_between(start, segment.instants)
    first_s, last_s = (float(seconds_between(start, instant)) for instant in segment.useable)
    if first_s > duration_s or last_s < 0 or first_s >= last_s or t_s[0] > duration_s or t_s[-1] < 0:
        return None
    first = max(0, int(np.searchsorted(t_s, 0.0)) - NODES_AT_ONCE)
    last = int(np.searchsorted(t_s, duration_s + AHEAD_S)) + NODES_AT_ONCE
    r_km, v_km_s = segment.position_km[None, first:last], segment.velocity_km_s[None, first:last]
    t_s = t_s[first:last]
    r_km, v_km_s = axes.to_gcrs(segment.frame, r_km, v_km_s, t_s)
    _require_fine(what, t_s, r_km[0], v_km_s[0])
    return table(max(first_s, t_s[0]), min(last_s, t_s[-1]), t_s, r_km[0], v_km_s[0])


def _require_fine(what: str, t_s: Floats, r_km: Floats, v_km_s: Floats) -> None:
    """Raises DataError for states too far apart to say where a satellite is in between, warns if they say it badly."""
    off_km = doubt_km(t_s, r_km, v_km_s)
    if off_km <= DOUBTFUL_KM:
        return
    told = (
        f"{what} lie up to {np.diff(t_s).max():.0f} s apart, and places in between may be off by up to "
        f"{off_km:.3g} km; take an ephemeris of shorter steps."
    )
    if off_km > USELESS_KM and len(t_s) > NODES_AT_ONCE:
        raise DataError(told)
    warnings.warn(told, OrbitflWarning, stacklevel=2)


def _require_covered(what: str, tables: Sequence[Table], duration_s: float) -> None:
    if not tables:
        raise DataError(f"{what} lie outside the span altogether; take an ephemeris of the scenario's time.")
    for before, after in pairwise(tables):
        if after.start_s > before.end_s + SLACK_S:
            raise DataError(
                f"{what} leave a gap from {before.end_s:.3f} to {after.start_s:.3f} s after the epoch; fill it."
            )
        if after.end_s <= before.end_s:
            raise DataError(
                f"{what} come twice from {after.start_s:.3f} to {after.end_s:.3f} s after the epoch; drop one segment."
            )
    if tables[0].start_s > SLACK_S or tables[-1].end_s < duration_s - SLACK_S:
        raise DataError(
            f"{what} reach from {tables[0].start_s:.3f} to {tables[-1].end_s:.3f} s after the epoch, but the span "
            f"from 0 to {duration_s:.3f} s; take a longer ephemeris or shorten the span."
        )


def _warn_of_jumps(what: str, tables: Sequence[Table]) -> None:
    for before, after in pairwise(tables):
        joint_s = np.array([after.start_s])
        jump_m_s = 1000 * float(np.linalg.norm(after.states(joint_s)[1] - before.states(joint_s)[1]))
        if jump_m_s > JUMP_M_S:
            warnings.warn(
                f"{what} change velocity by {jump_m_s:.3g} m/s at {after.start_s:.3f} s after the epoch; edges of "
                "windows within ten minutes of it may be off by some milliseconds for each m/s.",
                OrbitflWarning,
                stacklevel=2,
            )
