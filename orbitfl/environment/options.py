"""What a scenario may say about a satellite's power, heat and limits, whoever simulates them.

The defaults are those of *Rapid Distributed Fine-tuning of a Segmentation Model Onboard Satellites*
(arXiv 2411.17831), as its code (aidotse/Decentralized-EO) sets them up.
"""

from dataclasses import dataclass, field, fields
from math import inf, isfinite
from typing import Literal

from orbitfl.environment.base import KELVIN_AT_0_C, Activity, NodeState, Reason
from orbitfl.errors import ScenarioError
from orbitfl.orbit.convention import CONVENTIONS

STEFAN_BOLTZMANN_W_M2_K4 = 5.670374419e-8
# The Sun and the Earth as PASEOS's thermal model has them.
SUNLIGHT_W_M2 = 1360.0
EARTH_K, EARTH_EMISSIVITY, EARTH_REFLECTANCE = 288.0, 0.6, 0.3


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
    """Between which charge (0 to 1) and temperature (°C) a satellite works. Downlinks are exchanges.

    training_min_charge: the least charge with which training begins. training_max_c: the highest temperature at which
    training begins. exchange_min_charge: the least charge with which an exchange or a downlink begins.
    exchange_max_c: the highest temperature at which an exchange or a downlink begins.
    inference_min_charge: the least charge with which inference begins. inference_max_c: the highest temperature at
    which inference begins. stop_min_charge: the charge below which nothing but standby begins or goes on.
    stop_max_c: the temperature above which nothing but standby begins or goes on.
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
        for each in fields(self):
            bounds = (0.0, 1.0) if each.name.endswith("_charge") else (-KELVIN_AT_0_C, 500.0)
            require(self, each.name, *bounds)

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

    mass_kg: what it weighs. heat_capacity_j_kg_k: the heat that warms a kilogram of it by a kelvin.
    initial_temperature_k: how warm it is at the start. sun_absorptance: the part of the sunlight that it takes up.
    infrared_absorptance: the part of the Earth's infrared that it takes up, and its own emissivity. sun_facing_area_m2:
    the area that sunlight falls on. earth_facing_area_m2: the area that the Earth's infrared and the sunlight it
    reflects fall on. emissive_area_m2: the area that radiates heat away. work_to_heat: the part of the power drawn that
    ends up as heat.

    The model is PASEOS's; the paper's authors mark their values as unchecked.
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

    @property
    def capacity_j_k(self) -> float:
        return self.mass_kg * self.heat_capacity_j_kg_k

    @property
    def sunlit_w(self) -> float:
        """What sunlight brings, and the half of the Earth's reflection that PASEOS counts."""
        albedo = self.sun_absorptance * self.earth_facing_area_m2 * EARTH_REFLECTANCE * SUNLIGHT_W_M2
        return self.sun_absorptance * self.sun_facing_area_m2 * SUNLIGHT_W_M2 + albedo * 0.5

    @property
    def infrared_w(self) -> float:
        """What the Earth's own radiation would bring at its surface; with distance it falls by (R/r)²."""
        received = self.infrared_absorptance * EARTH_EMISSIVITY * self.earth_facing_area_m2
        return received * STEFAN_BOLTZMANN_W_M2_K4 * EARTH_K**4

    @property
    def emission_w_k4(self) -> float:
        """What it radiates away, over the fourth power of its temperature."""
        return self.infrared_absorptance * self.emissive_area_m2 * STEFAN_BOLTZMANN_W_M2_K4

    def longest_step_s(self, temperature_k: float) -> float:
        """The time in which radiation at `temperature_k` settles; a longer forward Euler step overshoots."""
        return self.capacity_j_k / max(4 * self.emission_w_k4 * temperature_k**3, 1e-300)


@dataclass(frozen=True, slots=True)
class Radiation:
    """What energetic particles do: Poisson events per second and satellite, none by default.

    restarts_per_s: how often a restart ends the activity in hand; standby goes on.
    failures_per_s: how often a satellite fails, for good.
    """

    restarts_per_s: float = 0.0
    failures_per_s: float = 0.0

    def __post_init__(self) -> None:
        for each in fields(self):
            require(self, each.name, 0.0, 1.0)

    @property
    def strikes(self) -> bool:
        """Whether anything ever happens."""
        return self.restarts_per_s > 0 or self.failures_per_s > 0


@dataclass(frozen=True, slots=True)
class Bus:
    """Battery, panels, heat and limits, the same for every satellite: what every kind of environment is told.

    convention: "physical", or "paseos" for what PASEOS 0.2.1 makes of the sky and of a step.
    battery_j: what a full battery holds. initial_charge: how full it is at the start, from 0 to 1.
    charging_w: what the panels give in sunlight, whatever their angle to it.
    step_s: the steps that PASEOS takes. earth_radius_km: the sphere that casts the shadow; the convention's if left
    out (PASEOS's `set_TLE` would take 6371).
    limits: the charge and the temperature that work needs. thermal: how the satellite warms and cools.
    radiation: what energetic particles do to it.
    Raises ScenarioError for impossible values.
    """

    kind: str = ""
    convention: Literal["physical", "paseos"] = "physical"
    battery_j: float = 277_200.0
    initial_charge: float = 0.5
    charging_w: float = 20.0
    step_s: float = 10.0
    earth_radius_km: float | None = None
    limits: Limits = field(default_factory=Limits)
    thermal: ThermalNode = field(default_factory=ThermalNode)
    radiation: Radiation = field(default_factory=Radiation)

    def __post_init__(self) -> None:
        for name in ("battery_j", "charging_w"):
            require_positive(self, name)
        require(self, "initial_charge", 0.0, 1.0)
        require(self, "step_s", 0.1, 600.0)
        if self.earth_radius_km is not None:
            require(self, "earth_radius_km", 6300.0, 6500.0)

    @property
    def sphere_km(self) -> float:
        """Radius of the sphere that casts the shadow."""
        return self.earth_radius_km or CONVENTIONS[self.convention].orbit_shadow_km

    def launch_state(self) -> NodeState:
        """A satellite at mission second 0."""
        return NodeState(0.0, self.initial_charge * self.battery_j, self.thermal.initial_temperature_k)


def require_steady_steps(bus: Bus) -> None:
    """Raise ScenarioError if forward Euler with the step of `bus` would overshoot."""
    longest_s = bus.thermal.longest_step_s(bus.limits.stop_max_c + KELVIN_AT_0_C)
    if bus.step_s > longest_s:
        raise ScenarioError(
            f"step_s is {bus.step_s}; a satellite this light cools within {longest_s:.3g} s. "
            "Choose a shorter step or a greater thermal.mass_kg."
        )


def require_feeds(bus: Bus, step_j: float) -> None:
    """Raise ScenarioError unless a full battery feeds one step of work that takes `step_j`, down to the hard stop."""
    usable_j = (1 - bus.limits.stop_min_charge) * bus.battery_j
    if usable_j < step_j:
        raise ScenarioError(
            f"battery_j is {bus.battery_j:g}, which gives {usable_j:g} J down to the stop at a charge of "
            f"{bus.limits.stop_min_charge:g}; one training step takes {step_j:g} J. Choose a greater battery, or a "
            "board that takes less."
        )
