"""What a contact plan is asked for, as one value."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from importlib import metadata
from math import ceil, inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np

from orbitfl.contacts.formats import Geometry
from orbitfl.contacts.links import Link
from orbitfl.contacts.rules import ContactRules
from orbitfl.errors import ScenarioError, StorageError
from orbitfl.orbit.constellation import Constellation, Satellites
from orbitfl.orbit.convention import CONVENTIONS, Convention
from orbitfl.orbit.station import GroundStation

SHORTEST_S, LONGEST_DAYS = 1e-3, 366.0
PICTURE_STEP_S = 180.0


@dataclass(frozen=True, kw_only=True)
class Planning:
    """Everything that a contact plan depends on.

    isl, ground: between satellites and to stations; a link that is None makes no contacts of its kind.
    Raises ScenarioError for an epoch without time zone, a span of nothing or of more than a year.
    """

    constellation: Constellation
    epoch_utc: datetime
    duration_s: float
    stations: tuple[GroundStation, ...] = ()
    isl: Link | None = None
    ground: Link | None = None
    rules: ContactRules = field(default_factory=ContactRules)

    def __post_init__(self) -> None:
        if self.epoch_utc.tzinfo is None:
            raise ScenarioError(f"epoch_utc is {self.epoch_utc}, without a time zone; end it with Z or +00:00.")
        if not (isfinite(self.duration_s) and SHORTEST_S <= self.duration_s <= LONGEST_DAYS * 86_400):
            raise ScenarioError(
                f"duration_s is {self.duration_s}, but it must be {SHORTEST_S:g} at least and at most "
                f"{LONGEST_DAYS:g} days of seconds; plan longer missions in parts."
            )

    @property
    def convention(self) -> Convention:
        return CONVENTIONS[self.rules.convention]

    @property
    def blocking_radius_km(self) -> float:
        """Of the sphere that hides satellites from each other."""
        return self.convention.blocking_radius_km(self.constellation.kind) + self.rules.blocking_altitude_km

    @property
    def isl_reach_km(self) -> float:
        """Farther apart satellites have no contact: by the rules, or since the link carries nothing."""
        limit_km = self.rules.max_isl_range_km
        return min(inf if limit_km is None else limit_km, inf if self.isl is None else self.isl.reach_km)

    def satellites(self) -> Satellites:
        """Raises and warns as the constellation does."""
        return self.constellation.satellites(self.epoch_utc, self.duration_s, self.convention)

    def geometry(self) -> Geometry:
        """Where satellites and stations are, for viewers."""
        steps = max(2, ceil(self.duration_s / PICTURE_STEP_S))
        t_s = np.linspace(0.0, self.duration_s, steps + 1)
        return Geometry(satellites_km=self.satellites().propagator.positions(t_s), t_s=t_s, stations=self.stations)

    def provenance(self) -> dict[str, Any]:
        """Equal for equal plans: every option and, in place of a file of elements, the hash of its content.

        Raises StorageError for a file that cannot be read.
        """
        orbits = {"kind": self.constellation.kind, **_options(self.constellation)}
        if "path" in orbits:
            orbits["sha256"] = _sha256(Path(orbits.pop("path")))
        return {
            "orbitfl": _version(),
            "constellation": orbits,
            "epoch_utc": self.epoch_utc.isoformat(),
            "duration_s": float(self.duration_s),
            "stations": [asdict(station) for station in self.stations],
            "isl": self.isl and _options(self.isl),
            "ground": self.ground and _options(self.ground),
            "rules": asdict(self.rules),
        }


@cache
def _version() -> str:
    return metadata.version("orbitfl")


def _options(component: Any) -> dict[str, Any]:
    """The fields of a component, which is a dataclass of its options."""
    return asdict(component)


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}. Check the place.") from error
