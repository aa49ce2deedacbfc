"""The three kinds of profile. A key without a default is needed; one left out is not known, and nothing is assumed."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from orbitfl.contacts.links import FixedRate, LinkBudget
from orbitfl.environment.options import ThermalNode
from orbitfl.errors import ScenarioError
from orbitfl.scenario.profiles.figure import Figure, Steps, require_positive


@dataclass(frozen=True, kw_only=True)
class Board:
    """A computer. Its watts are what it draws in all while it does the work, not what the work adds.

    name: what it is called. train_step_s: how long one batch of training takes. train_w: what it draws while it trains.
    inference_s: how long one tile takes, from image to mask. inference_w: what it draws while it makes masks.
    standby_w: what it draws while it is idle, or a terminal works.
    merge_s: how long it takes to merge a peer's update into one's own weights. merge_w: what it draws while it merges.
    exchange_w: what it draws while an update travels over a link that is not a terminal, computer and radio together.
    memory_byte: the memory that the board has. peak_memory_byte: the most memory that this work takes.
    """

    kind: Literal["board"] = "board"
    name: str
    train_step_s: Figure
    train_w: Figure
    inference_s: Figure
    inference_w: Figure
    standby_w: Figure
    merge_s: Figure | None = None
    merge_w: Figure | None = None
    exchange_w: Figure | None = None
    memory_byte: Figure | None = None
    peak_memory_byte: Figure | None = None

    def __post_init__(self) -> None:
        _require_positive(self)
        if (self.merge_s is None) != (self.merge_w is None):
            given, missing = ("merge_s", "merge_w") if self.merge_w is None else ("merge_w", "merge_s")
            raise ScenarioError(f"{given} is given without {missing}; give both, or neither.")


@dataclass(frozen=True, kw_only=True)
class Bus:
    """A satellite without its computer: battery, panels, and one thermal node.

    name: what it is called. battery_j: what a full battery holds. initial_charge: how full it is at the start, from 0
    to 1. charging_w: what the panels give in sunlight. standby_w: what the bus itself draws, always, beside the board.
    mass_kg, heat_capacity_j_kg_k, initial_temperature_k, sun_absorptance, infrared_absorptance, sun_facing_area_m2,
    earth_facing_area_m2, emissive_area_m2, work_to_heat: as in `environment.thermal`.
    """

    kind: Literal["bus"] = "bus"
    name: str
    battery_j: Figure
    initial_charge: Figure
    charging_w: Figure
    standby_w: Figure
    mass_kg: Figure
    heat_capacity_j_kg_k: Figure
    initial_temperature_k: Figure
    sun_absorptance: Figure
    infrared_absorptance: Figure
    sun_facing_area_m2: Figure
    earth_facing_area_m2: Figure
    emissive_area_m2: Figure
    work_to_heat: Figure

    POWER: ClassVar = ("battery_j", "initial_charge", "charging_w")
    THERMAL: ClassVar = tuple(field.name for field in fields(ThermalNode))

    def __post_init__(self) -> None:
        for key in ("battery_j", "charging_w"):
            require_positive(key, getattr(self, key))
        if self.standby_w.value < 0:
            raise ScenarioError(f"standby_w.value is {self.standby_w.value:g}; it must be 0 watts or more.")
        if not 0 <= self.initial_charge.value <= 1:
            raise ScenarioError(
                f"initial_charge.value is {self.initial_charge.value:g}; it must lie from 0 to 1, a full battery."
            )
        ThermalNode(**self.thermal())

    def power(self) -> dict[str, float]:
        """What it says of the keys of `environment` itself."""
        return {key: getattr(self, key).value for key in self.POWER}

    def thermal(self) -> dict[str, float]:
        """What it says of the keys of `environment.thermal`."""
        return {key: getattr(self, key).value for key in self.THERMAL}


@dataclass(frozen=True, kw_only=True)
class Terminal:
    """A radio or optical terminal: either `rate_bps`, or a budget with the keys of `{kind: budget}` in `links`.

    name: what it is called. transmit_w: what it draws from the battery while it sends, not what it radiates. receive_w:
    what it draws from the battery while it receives. max_range_km: farther apart, two satellites with it have no
    contact. rate_bps: what it carries at any range, if it has no budget. eirp_dbw, g_over_t_db_k, frequency_ghz,
    required_eb_n0_db, losses_db, margin_db, max_rate_bps, min_rate_bps, steps_bps: as in `{kind: budget}`, if it has no
    rate_bps.
    """

    kind: Literal["terminal"] = "terminal"
    name: str
    transmit_w: Figure
    receive_w: Figure | None = None
    max_range_km: Figure | None = None
    rate_bps: Figure | None = None
    eirp_dbw: Figure | None = None
    g_over_t_db_k: Figure | None = None
    frequency_ghz: Figure | None = None
    required_eb_n0_db: Figure | None = None
    losses_db: Figure | None = None
    margin_db: Figure | None = None
    max_rate_bps: Figure | None = None
    min_rate_bps: Figure | None = None
    steps_bps: Steps | None = None

    BUDGET: ClassVar = tuple(field.name for field in fields(LinkBudget) if field.name != "kind")
    NEEDED: ClassVar = (
        "eirp_dbw",
        "g_over_t_db_k",
        "frequency_ghz",
        "required_eb_n0_db",
        "losses_db",
        "margin_db",
    )

    def __post_init__(self) -> None:
        for key in ("transmit_w", "receive_w", "max_range_km"):
            require_positive(key, getattr(self, key))
        budget = self._budget()
        if self.rate_bps is not None and budget:
            raise ScenarioError(
                f"rate_bps and {next(iter(budget))} are both given; a terminal has a fixed rate or a link budget."
            )
        if self.rate_bps is None and (missing := [key for key in self.NEEDED if key not in budget]):
            raise ScenarioError(f"{missing[0]} is missing; a terminal needs rate_bps, or a link budget with this key.")
        self.link()

    def link(self) -> FixedRate | LinkBudget:
        """What two of these terminals, or one and its station, carry. Raises ScenarioError for an impossible budget."""
        return FixedRate(rate_bps=self.rate_bps.value) if self.rate_bps is not None else LinkBudget(**self._budget())

    def _budget(self) -> dict[str, Any]:
        given = {key: getattr(self, key) for key in self.BUDGET}
        return {key: figure.value for key, figure in given.items() if figure is not None}


def _require_positive(profile: Board) -> None:
    for field in fields(profile):
        if isinstance(figure := getattr(profile, field.name), Figure):
            require_positive(field.name, figure)
