"""A constellation sampled over a span, for searches that look at each satellite by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.clock import require_span
from orbitfl.orbit.constellation import Constellation
from orbitfl.orbit.convention import Convention
from orbitfl.orbit.ephemeris import Ephemeris, Sampled, sampled

LONGEST_STEP_S = 150.0
LEAST_CLEARANCE_KM = 20.0
"""Between nodes, 0.2 rad apart at most, an orbit dips by r e/(1 + e) 0.1²/2 < 17 km below both of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Sampling:
    """Satellites by name and their ephemeris in GCRS axes, part by part, all of it above a sphere.

    Iterating raises ScenarioError when a satellite comes down to within `LEAST_CLEARANCE_KM` of the sphere.
    """

    names: tuple[str, ...]
    parts: Sampled
    radius_km: float

    def __iter__(self) -> Iterator[Ephemeris]:
        for part in self.parts:
            lowest_km = _distances_km(part).min(axis=0)
            if lowest_km.min() < self.radius_km + LEAST_CLEARANCE_KM:
                raise ScenarioError(
                    f"{self.names[int(lowest_km.argmin())]} comes down to {lowest_km.min():.1f} km from the Earth's "
                    f"centre, but must stay {LEAST_CLEARANCE_KM:g} km above a sphere of {self.radius_km:.1f} km; "
                    "raise the orbit."
                )
            yield part

    def extremes_km(self) -> tuple[float, float]:
        """The least and the greatest distance of any satellite from the Earth's centre at any node."""
        distances = [_distances_km(part) for part in self]
        return min(float(part.min()) for part in distances), max(float(part.max()) for part in distances)


def sampling(
    constellation: Constellation,
    epoch_utc: datetime,
    duration_s: float,
    convention: Convention,
    radius_km: float,
    step_s: float,
) -> Sampling:
    """Raises ScenarioError for an epoch without time zone, a span of nothing or too long, and a step not in 1–600 s."""
    require_span(epoch_utc, duration_s)
    if duration_s == 0:
        raise ScenarioError("duration_s is 0, but a search needs a span; give more than 0 seconds.")
    if not 1 <= step_s <= 600:
        raise ScenarioError(f"step_s is {step_s}, but it must be from 1 to 600 seconds.")
    satellites = constellation.satellites(epoch_utc, duration_s, convention)
    return Sampling(satellites.names, sampled(satellites.propagator, duration_s, step_s), radius_km)


def _distances_km(part: Ephemeris) -> Floats:
    """Distances (n_t, n_sat) from the Earth's centre."""
    return np.sqrt(np.einsum("tsi,tsi->ts", part.position_km, part.position_km))
