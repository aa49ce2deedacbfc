"""Power and heat onboard: what a satellite can afford, and what each activity costs it."""

from orbitfl.environment.base import PRIORITIES, Activity, Environment, NodeState, Reason, Spell, Vitals
from orbitfl.environment.options import Limits, ThermalNode
from orbitfl.environment.paseos import Paseos

__all__ = [
    "PRIORITIES",
    "Activity",
    "Environment",
    "Limits",
    "NodeState",
    "Paseos",
    "Reason",
    "Spell",
    "ThermalNode",
    "Vitals",
]
