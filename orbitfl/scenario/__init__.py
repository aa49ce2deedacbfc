"""A scenario: YAML on disk, frozen dataclasses in memory, one clear sentence when the two do not fit."""

from orbitfl.scenario.reader import load, resolved_yaml
from orbitfl.scenario.schema import Scenario

__all__ = ["Scenario", "load", "resolved_yaml"]
