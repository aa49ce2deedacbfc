"""A scenario: YAML on disk, frozen dataclasses in memory, one clear sentence when the two do not fit."""

from orbitfl.scenario.reader import load, load_mission, mission, resolved_yaml
from orbitfl.scenario.schema import Mission, Scenario

__all__ = ["Mission", "Scenario", "load", "load_mission", "mission", "resolved_yaml"]
