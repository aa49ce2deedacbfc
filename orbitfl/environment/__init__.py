"""Power and heat onboard: what a satellite can afford, and what each activity costs it."""

from orbitfl.environment.base import PRIORITIES, Activity, Environment, NodeState, Reason, Spell, Vitals
from orbitfl.environment.battery import Battery
from orbitfl.environment.options import Limits, Radiation, ThermalNode, require_feeds
from orbitfl.environment.paseos import Paseos

__all__ = [
    "PRIORITIES",
    "Activity",
    "Battery",
    "Environment",
    "Limits",
    "NodeState",
    "Paseos",
    "Radiation",
    "Reason",
    "Spell",
    "ThermalNode",
    "Vitals",
    "require_feeds",
]
