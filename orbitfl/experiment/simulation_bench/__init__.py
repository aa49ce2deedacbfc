"""`orbitfl bench simulation`: a mission without learning, and what a run takes besides its learning."""

from orbitfl.experiment.simulation_bench.runner import QUICK, STANDARD, Bench, measured
from orbitfl.experiment.simulation_bench.tables import described

__all__ = ["QUICK", "STANDARD", "Bench", "described", "measured"]
