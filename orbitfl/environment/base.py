"""What the mission asks of a satellite's environment, whoever simulates it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

KELVIN_AT_0_C = 273.15


class Activity(StrEnum):
    """What a satellite draws power for."""

    TRAINING = "training"
    EXCHANGE = "exchange"
    DOWNLINK = "downlink"
    INFERENCE = "inference"
    STANDBY = "standby"


PRIORITIES = (Activity.INFERENCE, Activity.DOWNLINK, Activity.EXCHANGE, Activity.TRAINING)
"""What comes before what, unless a scenario says otherwise: the disaster, the talk, the work. The rest is standby."""


class Reason(StrEnum):
    """Why an activity may not begin or had to stop."""

    LOW_CHARGE = "low charge"
    TOO_HOT = "too hot"
    EMPTY = "battery empty"
    RESTARTED = "restarted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Vitals:
    """A satellite at its own clock: state of charge (0 to 1), temperature, and whether it is in shadow."""

    charge: float
    temperature_k: float
    in_eclipse: bool


class Spell(NamedTuple):
    """What one activity of a satellite cost: a row of energy.parquet.

    Its battery keeps the balance, in joules: before + charged_j − clipped_j − consumed_j = after.
    charged_j: what the panels gave. clipped_j: the part of it that a full battery could not take.
    reason: what ended the activity early; None if it lasted as long as asked. Standby lasts even on a satellite that
    radiation destroys meanwhile, and its reason then is FAILED.
    eclipse_s: how long the Earth hid the Sun. off_s: how long standby went unfed, its battery being empty.
    """

    node: int
    activity: Activity
    start_s: float
    end_s: float
    consumed_j: float
    charged_j: float
    clipped_j: float
    charge_end: float
    temperature_end_k: float
    reason: Reason | None = None
    eclipse_s: float = 0.0
    off_s: float = 0.0


@dataclass(frozen=True, slots=True)
class NodeState:
    """All that the past can change of one satellite: with it a stopped mission goes on bit for bit.

    draws: how many random numbers radiation has taken. failed_s: when radiation destroyed it; None while it works.
    """

    now_s: float
    stored_j: float
    temperature_k: float
    draws: int = 0
    failed_s: float | None = None


class Environment(Protocol):
    """Satellites numbered from 0. Each has its own clock, which starts at second 0 and only moves on."""

    def advance(self, node: int, until_s: float, activity: Activity, power_w: float) -> Spell:
        """Let `node` draw `power_w` for `activity` from its own clock until mission second `until_s`.

        An activity that its battery or temperature forbids, or that radiation interrupts, ends early, and the
        spell says why; the clock stands at the spell's end. Standby always lasts until `until_s`: when the battery
        cannot feed it, the satellite is off and draws nothing. A failed satellite is off for good: its battery and
        temperature stay as they were. Raises ValueError if `until_s` has passed.
        """
        ...

    def allows(self, node: int, activity: Activity) -> Reason | None:
        """Why `node` may not begin `activity` at its own clock, or None if it may."""
        ...

    def vitals(self, node: int) -> Vitals:
        """How `node` is at its own clock."""
        ...
