"""How many bits per second two nodes in contact exchange."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats


class Link(Protocol):
    def rate_at(self, range_km: Floats) -> Floats:
        """Bits per second, of the shape of `range_km`, that pass in each direction at that distance."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedRate:
    """A terminal of one rate at any range, as optical and fixed-coding radio terminals are."""

    kind: Literal["fixed_rate"] = "fixed_rate"
    rate_bps: float

    def __post_init__(self) -> None:
        if not 0 < self.rate_bps < float("inf"):
            raise ScenarioError(f"rate_bps is {self.rate_bps}, but a link needs more than 0 bits per second.")

    def rate_at(self, range_km: Floats) -> Floats:
        return np.full(np.shape(range_km), float(self.rate_bps))
