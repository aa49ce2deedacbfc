"""Walker constellations, `i: t/p/f`, delta and star."""

from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Literal

import numpy as np

from orbitfl.errors import ScenarioError
from orbitfl.orbit.constants import EARTH_RADIUS_KM
from orbitfl.orbit.constellation import Satellites
from orbitfl.orbit.convention import PHYSICAL, Convention
from orbitfl.orbit.propagator import SecularJ2

MOST_SATELLITES = 100_000
# Over how many degrees the planes spread: a star's ascending nodes lie in one half, so that planes meet at the poles.
SPREAD_DEG = {"delta": 360, "star": 180}
LOWEST_ALTITUDE_KM, HIGHEST_ALTITUDE_KM = 100.0, 100_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Walker:
    """Satellites on circular orbits in evenly spaced planes, evenly spaced within each, numbered plane by plane.

    total: how many satellites there are. planes: how many orbital planes they share evenly. phasing: each plane is
    shifted along the orbit by so many times 360°/total against the one before. altitude_km: what the mean semi-major
    axis has more than the equatorial radius. inclination_deg: the tilt of all planes against the equator. raan_deg: the
    right ascension of the first plane's ascending node at the epoch, relative to GCRS axes. arglat_deg: how far beyond
    that node the first satellite is at the epoch. pattern: the planes of a `delta` go all the way round, those of a
    `star` half the way.

    Source: Walker, Satellite constellations, J. Brit. Interplanet. Soc. 37, 1984.
    Raises ScenarioError for numbers that make no constellation.
    """

    kind: Literal["walker"] = "walker"
    total: int
    planes: int
    phasing: int
    altitude_km: float
    inclination_deg: float
    raan_deg: float = 0.0
    arglat_deg: float = 0.0
    pattern: Literal["delta", "star"] = "delta"

    def __post_init__(self) -> None:
        if not 1 <= self.total <= MOST_SATELLITES:
            raise ScenarioError(f"total is {self.total}, but a constellation has 1 to {MOST_SATELLITES} satellites.")
        if self.planes < 1 or self.total % self.planes:
            raise ScenarioError(
                f"planes is {self.planes}, but it must divide the total of {self.total} satellites evenly. "
                "Change planes or total."
            )
        if not 0 <= self.phasing < self.planes:
            raise ScenarioError(
                f"phasing is {self.phasing}, but it must be from 0 to planes - 1, here {self.planes - 1}."
            )
        if not LOWEST_ALTITUDE_KM < self.altitude_km <= HIGHEST_ALTITUDE_KM:
            raise ScenarioError(
                f"altitude_km is {self.altitude_km}, but it must lie above {LOWEST_ALTITUDE_KM:g} and up to "
                f"{HIGHEST_ALTITUDE_KM:g} km; give kilometres above the equator."
            )
        if not 0 <= self.inclination_deg <= 180:
            raise ScenarioError(f"inclination_deg is {self.inclination_deg}, but it must lie from 0 to 180 degrees.")
        if self.pattern not in SPREAD_DEG:
            raise ScenarioError(f"pattern is {self.pattern!r}, but it must be delta or star.")
        for name in ("raan_deg", "arglat_deg"):
            if not isfinite(getattr(self, name)):
                raise ScenarioError(f"{name} is {getattr(self, name)}, but it must be a finite angle in degrees.")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"sat-{number}" for number in range(self.total))

    def propagator(self) -> SecularJ2:
        plane, place = np.divmod(np.arange(self.total), self.total // self.planes)
        turn_deg = place * 360 * self.planes / self.total + plane * self.phasing * 360 / self.total
        return SecularJ2(
            axis_km=np.full(self.total, EARTH_RADIUS_KM + self.altitude_km),
            eccentricity=np.zeros(self.total),
            inclination_rad=np.full(self.total, np.deg2rad(self.inclination_deg)),
            raan_rad=np.deg2rad(self.raan_deg + plane * SPREAD_DEG[self.pattern] / self.planes),
            argp_rad=np.zeros(self.total),
            mean_anomaly_rad=np.deg2rad(self.arglat_deg + turn_deg),
        )

    def satellites(self, epoch_utc: datetime, duration_s: float, convention: Convention = PHYSICAL) -> Satellites:
        """The same at any epoch, since elements are relative to GCRS, and in any convention."""
        return Satellites(self.names, self.propagator())
