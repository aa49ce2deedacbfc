"""When satellites can take images of areas on the ground, and whether the Sun shines there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

import numpy as np

from orbitfl.contacts.areas import Area, require_areas
from orbitfl.contacts.ground import Places, above_mask, places
from orbitfl.contacts.instruments import Instrument, off_nadir_deg
from orbitfl.contacts.intervals import Column, Intervals, intervals
from orbitfl.contacts.joining import joined, least, repeated
from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.constants import EARTH_RADIUS_KM
from orbitfl.orbit.constellation import Constellation
from orbitfl.orbit.convention import PHYSICAL
from orbitfl.orbit.crossings import Windows, find_windows, intersection
from orbitfl.orbit.ephemeris import Ephemeris, sampled
from orbitfl.orbit.frames import EarthRotation, earth_rotation
from orbitfl.orbit.sampling import LONGEST_STEP_S, Sampling, sampling
from orbitfl.orbit.smooth import SmoothCurve
from orbitfl.orbit.sun import Sun, sun

SPACING = 0.5
"""Of an instrument's reach: its rim then bulges past a line of points by a thirtieth of the reach at most."""
SUN_STEP_S = 900.0


def imaging_windows(
    constellation: Constellation,
    areas: Sequence[Area],
    instrument: Instrument,
    *,
    epoch_utc: datetime,
    duration_s: float,
    min_sun_elevation_deg: float | None = None,
    step_s: float = LONGEST_STEP_S,
) -> Intervals:
    """When any point of an area is within the instrument's reach: one row for a satellite, an area and a pass.

    An area stands for a grid of points at most half the instrument's reach apart, edges included; it lies on the
    ellipsoid. `min_sun_elevation_deg` leaves only what lies in such daylight.
    Columns: satellite, area, start_s, end_s; truncated: cut by the span's start or end; off_nadir_min_deg: the least
    angle between the Earth's centre and a point of the area; sun_elevation_deg: of the Sun's centre over the area's
    centre halfway through, without refraction, aberration or light time; daylight: whether that is above 0; whole:
    whether every point of the area came within reach.
    step_s: the longest step between sampled states; it does not change which windows are found. Whatever the
    convention of a plan, images are of the true sky.
    Raises ScenarioError for areas of no or equal names or too many points, a Sun not in −90 to 90 degrees, a span of
    nothing or too long, an epoch without time zone, and satellites less than 20 km high.
    """
    require_areas(areas)
    if min_sun_elevation_deg is not None and not -90 <= min_sun_elevation_deg <= 90:
        raise ScenarioError(f"min_sun_elevation_deg is {min_sun_elevation_deg}, but it must be from -90 to 90.")
    satellites = sampling(constellation, epoch_utc, duration_s, PHYSICAL, EARTH_RADIUS_KM, step_s)
    lowest_km, highest_km = satellites.extremes_km()
    # The satellite that comes lowest sees least.
    targets = _targets(areas, SPACING * instrument.reach_km(lowest_km))
    scene = _Scene(satellites, targets, earth_rotation(epoch_utc, duration_s), sun(epoch_utc), duration_s)
    windows = scene.in_reach(instrument, highest_km)
    if min_sun_elevation_deg is not None:
        windows = scene.in_daylight(windows, min_sun_elevation_deg)
    names = {"satellite": satellites.names, "area": [area.name for area in areas]}
    return intervals("images", epoch_utc, duration_s, names, scene.columns(windows))


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """The points of all areas, which area (n,) each belongs to, and the centres of the areas."""

    points: Places
    area: Ints
    centres: Places


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """Everything a search looks at. Windows of points are numbered satellite by satellite, and so are passes."""

    satellites: Sampling
    targets: Targets
    rotation: EarthRotation
    sun: Sun
    duration_s: float

    def in_reach(self, instrument: Instrument, highest_km: float) -> Windows:
        """When each satellite reaches each point."""
        looks = instrument.sights(self.targets.points, highest_km)
        found = [find_windows(SmoothCurve(look(part)) for part in self._in_itrs()) for look in looks]
        return reduce(intersection, found)

    def in_daylight(self, windows: Windows, elevation_deg: float) -> Windows:
        """What of the windows of points lies in the daylight of their areas."""
        lit = self._daylight(elevation_deg)
        series = np.unique(windows.series)
        return intersection(windows, repeated(lit, series, self.targets.area[series % len(self.targets.points)]))

    def columns(self, windows: Windows) -> dict[str, Column]:
        """The columns of passes made of the windows of points."""
        satellite, point = np.divmod(windows.series, len(self.targets.points))
        n_areas = len(self.targets.centres)
        passes, number = joined(windows, satellite * n_areas + self.targets.area[point])
        area = passes.series % n_areas
        nearest_deg = np.full(len(passes), 180.0)
        np.minimum.at(nearest_deg, number, self._off_nadir_deg(windows))
        seen = np.unique(number * len(self.targets.points) + point) // len(self.targets.points)
        elevation_deg = self._sun_elevation_deg(area, (passes.start_s + passes.end_s) / 2)
        return {
            "satellite": (passes.series // n_areas).astype(np.int32),
            "area": area.astype(np.int32),
            "start_s": passes.start_s,
            "end_s": passes.end_s,
            "truncated": passes.cut_start | passes.cut_end,
            "off_nadir_min_deg": nearest_deg,
            "sun_elevation_deg": elevation_deg,
            "daylight": elevation_deg > 0,
            "whole": np.bincount(seen, minlength=len(passes)) == np.bincount(self.targets.area)[area],
        }

    def _in_itrs(self) -> Iterator[Ephemeris]:
        return (part.in_itrs(self.rotation) for part in self.satellites)

    def _daylight(self, elevation_deg: float) -> Windows:
        """When the Sun stands higher over the centres of areas."""
        parts = sampled(self.sun, self.duration_s, SUN_STEP_S)
        masks_deg = [elevation_deg] * len(self.targets.centres)
        elevations = (above_mask(part.in_itrs(self.rotation), self.targets.centres, masks_deg) for part in parts)
        return find_windows(SmoothCurve(elevation) for elevation in elevations)

    def _sun_elevation_deg(self, area: Ints, t_s: Floats) -> Floats:
        sight_km = self.rotation.to_itrs(self.sun.positions(t_s)[0], t_s) - self.targets.centres.position_km[area]
        height_km = np.einsum("ni,ni->n", sight_km, self.targets.centres.up[area])
        return np.rad2deg(np.arcsin(height_km / np.linalg.norm(sight_km, axis=-1)))

    def _off_nadir_deg(self, windows: Windows) -> Floats:
        """The least angle in each window of a point."""
        satellite, point = np.divmod(windows.series, len(self.targets.points))
        place_km, smallest = self.targets.points.position_km[point], np.full(len(windows), 180.0)
        for part in self._in_itrs():
            start_s, end_s = np.maximum(windows.start_s, part.t_s[0]), np.minimum(windows.end_s, part.t_s[-1])
            rows = np.flatnonzero(start_s < end_s)

            def angle_deg(row: Ints, t_s: Floats, part: Ephemeris = part, rows: Ints = rows) -> Floats:
                return off_nadir_deg(part.position_at(satellite[rows[row]], t_s), place_km[rows[row]])

            found = least(angle_deg, start_s[rows], end_s[rows], part.step_s)
            smallest[rows] = np.minimum(smallest[rows], found)
        return smallest


def _targets(areas: Sequence[Area], spacing_km: float) -> Targets:
    grids = [area.points_deg(spacing_km) for area in areas]
    return Targets(
        _places(np.concatenate(grids)),
        np.repeat(np.arange(len(areas)), [len(grid) for grid in grids]),
        _places(np.array([area.centre_deg for area in areas])),
    )


def _places(degrees: Floats) -> Places:
    return places(degrees[:, 0].tolist(), degrees[:, 1].tolist(), [0.0] * len(degrees))
