"""What a scenario may say about limits and heat, whoever simulates them.

The defaults are those of *Rapid Distributed Fine-tuning of a Segmentation Model Onboard Satellites*
(arXiv 2411.17831), as its code (aidotse/Decentralized-EO) sets them up.
"""

from dataclasses import dataclass, fields
from math import inf, isfinite

from orbitfl.environment.base import KELVIN_AT_0_C, Activity, Reason
from orbitfl.errors import ScenarioError

STEFAN_BOLTZMANN_W_M2_K4 = 5.670374419e-8


def require(options: object, name: str, low: float, high: float) -> None:
    """Raise ScenarioError unless the number called `name` lies from `low` to `high`."""
    value = getattr(options, name)
    if not low <= value <= high:
        raise ScenarioError(f"{name} is {value}; it must lie from {low:g} to {high:g}.")


def require_positive(options: object, name: str) -> None:
    """Raise ScenarioError unless the number called `name` is finite and above 0."""
    value = getattr(options, name)
    if not (isfinite(value) and value > 0):
        raise ScenarioError(f"{name} is {value}; it must be a number greater than 0.")


@dataclass(frozen=True, slots=True)
class Gate:
    """What an activity asks of a satellite: at least this state of charge (0 to 1), at most this temperature."""

    min_charge: float
    max_k: float

    def refusal(self, charge: float, temperature_k: float) -> Reason | None:
        """Why a satellite in this condition is refused, or None."""
        if charge < self.min_charge:
            return Reason.LOW_CHARGE
        return Reason.TOO_HOT if temperature_k > self.max_k else None


OPEN = Gate(0.0, inf)


@dataclass(frozen=True, slots=True)
class Limits:
    """Between which charge (0 to 1) and temperature (°C) a satellite works.

    training_*, exchange_*, inference_*: needed to begin; downlinks are exchanges.
    stop_*: needed to begin anything but standby, and to go on with it.
    """

    training_min_charge: float = 0.2
    training_max_c: float = 40.0
    exchange_min_charge: float = 0.1
    exchange_max_c: float = 45.0
    inference_min_charge: float = 0.1
    inference_max_c: float = 65.0
    stop_min_charge: float = 0.1
    stop_max_c: float = 65.0

    def __post_init__(self) -> None:
        for field in fields(self):
            bounds = (0.0, 1.0) if field.name.endswith("_charge") else (-KELVIN_AT_0_C, 500.0)
            require(self, field.name, *bounds)

    def to_begin(self) -> dict[Activity, Gate]:
        """The gate before every activity: its own and the hard stop in one. Standby is always open."""
        exchange = self._gate(self.exchange_min_charge, self.exchange_max_c)
        return {
            Activity.TRAINING: self._gate(self.training_min_charge, self.training_max_c),
            Activity.EXCHANGE: exchange,
            Activity.DOWNLINK: exchange,
            Activity.INFERENCE: self._gate(self.inference_min_charge, self.inference_max_c),
            Activity.STANDBY: OPEN,
        }

    def to_go_on(self) -> dict[Activity, Gate]:
        """The hard stop, for every activity but standby."""
        stop = self._gate(0.0, inf)
        return {each: OPEN if each is Activity.STANDBY else stop for each in Activity}

    def _gate(self, min_charge: float, max_c: float) -> Gate:
        return Gate(max(min_charge, self.stop_min_charge), min(max_c, self.stop_max_c) + KELVIN_AT_0_C)


@dataclass(frozen=True, slots=True)
class ThermalNode:
    """A satellite as one body of uniform temperature, heated by the Sun, the Earth and its own work.

    The model is PASEOS's; the paper's authors mark their values as unchecked.
    work_to_heat: the part of the power drawn that ends up as heat.
    """

    mass_kg: float = 6.0
    heat_capacity_j_kg_k: float = 6000.0
    initial_temperature_k: float = 283.15
    sun_absorptance: float = 0.9
    infrared_absorptance: float = 0.5
    sun_facing_area_m2: float = 0.012
    earth_facing_area_m2: float = 0.01
    emissive_area_m2: float = 0.1
    work_to_heat: float = 0.5

    def __post_init__(self) -> None:
        for name in ("sun_absorptance", "infrared_absorptance", "work_to_heat"):
            require(self, name, 0.0, 1.0)
        for name in ("mass_kg", "heat_capacity_j_kg_k", "initial_temperature_k"):
            require_positive(self, name)
        for name in ("sun_facing_area_m2", "earth_facing_area_m2", "emissive_area_m2"):
            require_positive(self, name)

    def longest_step_s(self, temperature_k: float) -> float:
        """The time in which radiation at `temperature_k` settles; a longer forward Euler step overshoots."""
        emission_w_k4 = self.infrared_absorptance * self.emissive_area_m2 * STEFAN_BOLTZMANN_W_M2_K4
        return self.mass_kg * self.heat_capacity_j_kg_k / max(4 * emission_w_k4 * temperature_k**3, 1e-300)
