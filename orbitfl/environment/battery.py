"""PASEOS's battery and heat without PASEOS: exact and fast, or step by step as PASEOS has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from orbitfl.environment.ahead import Orbits
from orbitfl.environment.base import NodeState
from orbitfl.environment.books import launch_states
from orbitfl.environment.exact import ExactFleet
from orbitfl.environment.options import Bus, require_steady_steps
from orbitfl.environment.shade import Shade
from orbitfl.environment.sky import Sky
from orbitfl.environment.stepped import SteppedFleet
from orbitfl.environment.trajectory import BLOCK_S
from orbitfl.orbit.earth_orbit import earth_ecliptic
from orbitfl.orbit.propagator import Propagator
from orbitfl.orbit.sun import label_s, sun


@dataclass(frozen=True, slots=True)
class Battery(Bus):
    """The twin of `Paseos`: the same options and equations, and no PASEOS.

    Under `physical`, the default, battery and temperature are integrated exactly between events and `step_s` is not
    used; under `paseos` they go through PASEOS's own steps under PASEOS's own Sun, and end where PASEOS's do.
    """

    kind: Literal["battery"] = "battery"

    def __post_init__(self) -> None:
        Bus.__post_init__(self)
        if self.convention == "paseos":
            require_steady_steps(self)

    @property
    def looks_ahead_s(self) -> float:
        """How far beyond a mission's end the satellites' positions have to be known."""
        return 0.0 if self.convention == "physical" else BLOCK_S

    def start(
        self,
        propagator: Propagator,
        names: Sequence[str],
        epoch_utc: datetime,
        states: Sequence[NodeState] | None = None,
        *,
        duration_s: float | None = None,
        seed: int = 0,
    ) -> ExactFleet | SteppedFleet:
        """The fleet at mission second 0, or as its `states` recorded it in an earlier process.

        duration_s: how long the mission is going to last, if known; its eclipses are then found at once.
        seed: of the mission, for what radiation does.
        """
        begun = launch_states(self, states, len(names))
        if self.convention == "physical":
            sky = Sky(self, Orbits(names, propagator, sun(epoch_utc)), duration_s)
            return ExactFleet(self, sky, begun, seed)
        epoch_s = label_s(epoch_utc)
        shade = Shade(names, propagator, earth_ecliptic, epoch_s, self.sphere_km, duration_s)
        return SteppedFleet(self, shade, epoch_s, begun, seed)
