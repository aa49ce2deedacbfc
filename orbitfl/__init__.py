"""orbitfl: decentralised learning onboard satellites, from orbit elements to an mIoU curve.

import orbitfl
scenario = orbitfl.load("constellations/first_light.yaml")
result = orbitfl.run(scenario)
result.plot()
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orbitfl.experiment.mission import contact_plan
    from orbitfl.experiment.run import run
    from orbitfl.scenario import load, load_mission

__all__ = ["contact_plan", "load", "load_mission", "run"]

_HOMES = {"load": "scenario", "load_mission": "scenario", "run": "experiment.run", "contact_plan": "experiment.mission"}


def __getattr__(name: str) -> Any:
    # Lazy, so that a contact plan loads no torch and `import orbitfl` costs nothing.
    if name in _HOMES:
        return getattr(import_module(f"orbitfl.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'orbitfl' has no attribute {name!r}")
