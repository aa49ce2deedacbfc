"""Which contacts a plan counts."""

from dataclasses import dataclass
from math import inf
from typing import Literal

from orbitfl.contacts.links import LONGEST_RANGE_KM, SHORTEST_RANGE_KM
from orbitfl.errors import ScenarioError

RANGE_ERROR_KM, RANGE_ERROR = 0.02, 0.01
"""At 15 km/s, as fast as low orbits meet, 20 m pass in 1.3 ms; and a hundredth of the range, whichever is less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRules:
    """What counts as a contact; the scenario key `contacts`.

    convention: "physical" agrees with skyfield and SGP4, "paseos" with PASEOS as it is (docs/validation.md).
    blocking_altitude_km: added to the convention's sphere, for air that no beam should graze.
    max_isl_range_km: two satellites farther apart have no contact; from 100 m up. It holds to 20 m or a hundredth of
    itself, whichever is less, so no window is lost in which they come nearer than 0.99 of it.
    min_duration_s: shorter windows are left out.
    neighbours: only pairs in which one is among so many nearest of the other, by mean squared distance over the
    span. Left out, all pairs count.
    pairs: only these pairs of satellites. Left out, `neighbours` decides.
    terminals: how many contacts with satellites a satellite holds at once, first come, first served.
    step_s: the longest step between sampled states; shortened for orbits that turn fast.
    Raises ScenarioError for impossible values.
    """

    convention: Literal["physical", "paseos"] = "physical"
    blocking_altitude_km: float = 0.0
    max_isl_range_km: float | None = None
    min_duration_s: float = 0.0
    neighbours: int | None = None
    pairs: tuple[tuple[str, str], ...] | None = None
    terminals: int | None = None
    step_s: float = 150.0

    def __post_init__(self) -> None:
        self._require("blocking_altitude_km", self.blocking_altitude_km, 0, 2000)
        self._require("min_duration_s", self.min_duration_s, 0, inf)
        self._require("step_s", self.step_s, 1, 600)
        for name, lowest, highest in (
            ("max_isl_range_km", SHORTEST_RANGE_KM, LONGEST_RANGE_KM),
            ("neighbours", 1, inf),
            ("terminals", 1, inf),
        ):
            if (value := getattr(self, name)) is not None:
                self._require(name, value, lowest, highest)
        if self.neighbours is not None and self.pairs is not None:
            raise ScenarioError("neighbours and pairs both choose pairs of satellites; give one of them.")
        if self.convention not in ("physical", "paseos"):
            raise ScenarioError(f"convention is {self.convention}, but it must be physical or paseos.")

    def _require(self, name: str, value: float, lowest: float, highest: float) -> None:
        if not (lowest <= value <= highest and value < inf):
            bound = f"from {lowest:g} to {highest:g}" if highest < inf else f"a number from {lowest:g} up"
            raise ScenarioError(f"{name} is {value}, but it must be {bound}.")


def range_allowance_km2(range_km: float) -> float:
    """How far half the squared range may be off: (D² − |r₁ − r₂|²)/2 by D times the error of D."""
    return range_km * min(RANGE_ERROR_KM, RANGE_ERROR * range_km)
