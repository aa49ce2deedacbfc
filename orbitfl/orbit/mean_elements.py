"""Mean elements for SGP4, whatever format they came in, checked; and names for their satellites."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from orbitfl.errors import DataError
from orbitfl.orbit.clock import FIRST_YEAR, LAST_YEAR, Instant, year_of
from orbitfl.orbit.constellation import listed

LARGEST_ID = 999_999_999
LEAST_REV_DAY, MOST_REV_DAY = 0.01, 18.0  # from beyond the Moon to below the Earth's surface
LARGEST_BSTAR = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanElements:
    """One element set of SGP4: Kozai mean elements in TEME at a UTC `epoch`; angles in degrees.

    catalogue_id: of the 18th Space Defense Squadron, up to nine digits. mean_motion_rev_day: revolutions per
    86 400 s. bstar: drag term, 1/Earth radii.

    Raises DataError, which names the object, for elements that describe no orbit about the Earth.
    """

    name: str
    catalogue_id: int
    epoch: Instant
    mean_motion_rev_day: float
    eccentricity: float
    inclination_deg: float
    raan_deg: float
    argp_deg: float
    mean_anomaly_deg: float
    bstar: float

    def __post_init__(self) -> None:
        self._require("catalogue_id", 0, LARGEST_ID)
        self._require("mean_motion_rev_day", LEAST_REV_DAY, MOST_REV_DAY)
        self._require("eccentricity", 0, 0.999999)
        self._require("inclination_deg", 0, 180)
        for angle in ("raan_deg", "argp_deg", "mean_anomaly_deg"):
            self._require(angle, -360, 360)
        self._require("bstar", -LARGEST_BSTAR, LARGEST_BSTAR)
        if not FIRST_YEAR <= year_of(self.epoch) < LAST_YEAR:
            raise DataError(
                f"{self.label}: its epoch lies in the year {year_of(self.epoch)}, but element sets come from "
                f"{FIRST_YEAR} to {LAST_YEAR - 1}; check the file."
            )

    @property
    def label(self) -> str:
        """What an error calls the object."""
        return f"{self.name} ({self.catalogue_id})" if self.name else f"object {self.catalogue_id}"

    def _require(self, field: str, lowest: float, highest: float) -> None:
        value = getattr(self, field)
        if not isfinite(value) or not lowest <= value <= highest:
            raise DataError(
                f"{self.label}: {field} is {value}, but it must be from {lowest} to {highest}; check the file."
            )


def distinct_names(elements: Sequence[MeanElements]) -> tuple[str, ...]:
    """A name for each satellite: its own, or with its catalogue id behind if it shares that name or has none.

    Raises DataError if one object has several element sets, of which only one can be flown.
    """
    ids = Counter(each.catalogue_id for each in elements)
    twice = sorted(each.label for each in elements if ids[each.catalogue_id] > 1)
    if twice:
        raise DataError(f"These objects come more than once: {listed(twice)}. Keep one element set of each.")
    shared = Counter(each.name for each in elements)
    return tuple(
        each.name if each.name and shared[each.name] == 1 else f"{each.name} {each.catalogue_id}".strip()
        for each in elements
    )
