"""Areas on the ground that satellites take images of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, cos, radians

import numpy as np

from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.constants import EARTH_RADIUS_KM

MOST_POINTS = 16_384
FEWEST_PER_SIDE = 3
"""Corners, middles of sides and the centre."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """The box between two WGS84 parallels and, eastward from `west_deg` to `east_deg`, two meridians.

    name: what it is called. south_deg: the latitude of its southern edge. west_deg: the longitude of its western edge.
    north_deg: the latitude of its northern edge. east_deg: the longitude of its eastern edge.

    A box over the antimeridian has its west greater than its east. A box without extent is a point: `point` makes it.
    Raises ScenarioError for a box without a name or off the Earth.
    """

    name: str
    south_deg: float
    west_deg: float
    north_deg: float
    east_deg: float

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ScenarioError("name is empty, but an area needs one.")
        for field, lowest, highest in (
            ("south_deg", -90, 90),
            ("west_deg", -180, 360),
            ("north_deg", -90, 90),
            ("east_deg", -180, 360),
        ):
            value = getattr(self, field)
            if not lowest <= value <= highest:
                raise ScenarioError(
                    f"{field} of area {self.name} is {value}, but it must be from {lowest} to {highest}."
                )
        if self.south_deg > self.north_deg:
            raise ScenarioError(
                f"south_deg of area {self.name} is {self.south_deg}, but north_deg is {self.north_deg}; swap them."
            )

    @property
    def width_deg(self) -> float:
        """How far it reaches eastward, from 0 to 360."""
        width_deg = self.east_deg - self.west_deg
        return 360.0 if width_deg == 360 else width_deg % 360

    @property
    def centre_deg(self) -> tuple[float, float]:
        """Latitude and longitude."""
        return (self.south_deg + self.north_deg) / 2, self.west_deg + self.width_deg / 2

    def points_deg(self, spacing_km: float) -> Floats:
        """Latitudes and longitudes (n, 2) of a grid over the box, its edges included, nowhere wider than `spacing_km`.

        Raises ScenarioError if that takes more than `MOST_POINTS`.
        """
        degree_km = radians(EARTH_RADIUS_KM)
        rows = _per_side((self.north_deg - self.south_deg) * degree_km, spacing_km)
        widest = 0.0 if self.south_deg <= 0 <= self.north_deg else min(abs(self.south_deg), abs(self.north_deg))
        columns = _per_side(self.width_deg * degree_km * cos(radians(widest)), spacing_km)
        if rows * columns > MOST_POINTS:
            raise ScenarioError(
                f"Area {self.name} takes {rows * columns} points {spacing_km:.3g} km apart, but {MOST_POINTS} are the "
                "most; divide it into smaller areas or widen what the instrument sees."
            )
        latitude_deg = np.linspace(self.south_deg, self.north_deg, rows)
        longitude_deg = self.west_deg + np.linspace(0.0, self.width_deg, columns)
        return np.stack(np.meshgrid(latitude_deg, longitude_deg, indexing="ij"), axis=-1).reshape(-1, 2)


def point(name: str, latitude_deg: float, longitude_deg: float) -> Area:
    """The area that is a single place."""
    return Area(
        name=name, south_deg=latitude_deg, west_deg=longitude_deg, north_deg=latitude_deg, east_deg=longitude_deg
    )


def require_areas(areas: Sequence[Area]) -> None:
    """Raises ScenarioError for no areas, and for two of one name."""
    if not areas:
        raise ScenarioError("No areas are given, but images are of at least one; add one.")
    ((name, count),) = Counter(area.name for area in areas).most_common(1)
    if count > 1:
        raise ScenarioError(f"Areas must differ in name, but {count} are called {name}; rename them.")


def _per_side(length_km: float, spacing_km: float) -> int:
    return max(FEWEST_PER_SIDE, ceil(length_km / spacing_km) + 1) if length_km > 0 else 1
