"""Constellations given satellite by satellite, as Keplerian elements."""

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

LOWEST_PERIGEE_KM, LARGEST_AXIS_KM = 100.0, 1_000_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """One satellite's Keplerian elements at the scenario's epoch, relative to GCRS axes.

    name: what the satellite is called. semi_major_axis_km: half the long axis, from the Earth's centre and not its
    ground. inclination_deg: the tilt of the orbit against the equator. eccentricity: from 0, for a circle, to below 1.
    raan_deg: the right ascension of the ascending node. argp_deg: the argument of perigee, counted from that node.
    mean_anomaly_deg: the part of the period that has passed since perigee, as an angle.

    They are used as mean elements, without periodic J2 terms: osculating elements of a low orbit given here
    carry it off by some tens of kilometres a day.

    Raises ScenarioError, which names the satellite, for numbers that make no orbit clear of the Earth.
    """

    name: str
    semi_major_axis_km: float
    inclination_deg: float
    eccentricity: float = 0.0
    raan_deg: float = 0.0
    argp_deg: float = 0.0
    mean_anomaly_deg: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.eccentricity < 1:
            raise ScenarioError(
                f"eccentricity of {self.name} is {self.eccentricity}, but it must be from 0 to below 1."
            )
        if not 0 <= self.inclination_deg <= 180:
            raise ScenarioError(
                f"inclination_deg of {self.name} is {self.inclination_deg}, but it must be from 0 to 180 degrees."
            )
        for field in ("raan_deg", "argp_deg", "mean_anomaly_deg"):
            if not isfinite(getattr(self, field)):
                raise ScenarioError(f"{field} of {self.name} is {getattr(self, field)}, but it must be finite.")
        self._require_clear_orbit()

    def _require_clear_orbit(self) -> None:
        perigee_km = self.semi_major_axis_km * (1 - self.eccentricity) - EARTH_RADIUS_KM
        if not (perigee_km >= LOWEST_PERIGEE_KM and self.semi_major_axis_km <= LARGEST_AXIS_KM):
            raise ScenarioError(
                f"semi_major_axis_km of {self.name} is {self.semi_major_axis_km}, which puts the perigee at "
                f"{perigee_km:.1f} km altitude; it must lie above {LOWEST_PERIGEE_KM:g} km, and the axis up to "
                f"{LARGEST_AXIS_KM:g} km. Axes count from the Earth's centre."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Keplerian:
    """Satellites given by their elements, moved by two-body motion and the secular rates of J2.

    orbits: the elements of each satellite.
    """

    kind: Literal["keplerian"] = "keplerian"
    orbits: tuple[Elements, ...]

    def satellites(self, epoch_utc: datetime, duration_s: float, convention: Convention = PHYSICAL) -> Satellites:
        """The same at any epoch, since elements are relative to GCRS, and in any convention.

        Raises ScenarioError for no satellites, and for two of one name.
        """
        propagator = SecularJ2(
            axis_km=self._column("semi_major_axis_km"),
            eccentricity=self._column("eccentricity"),
            inclination_rad=np.deg2rad(self._column("inclination_deg")),
            raan_rad=np.deg2rad(self._column("raan_deg")),
            argp_rad=np.deg2rad(self._column("argp_deg")),
            mean_anomaly_rad=np.deg2rad(self._column("mean_anomaly_deg")),
        )
        return Satellites(tuple(orbit.name for orbit in self.orbits), propagator)

    def _column(self, field: str) -> np.ndarray:
        return np.array([getattr(orbit, field) for orbit in self.orbits], dtype=np.float64)
