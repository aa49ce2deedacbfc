"""`orbitfl bench simulation`: a mission without learning, and what a run takes besides its learning."""

from orbitfl.bench.simulation.runner import QUICK, STANDARD, Bench, measured
from orbitfl.bench.simulation.tables import described

__all__ = ["QUICK", "STANDARD", "Bench", "described", "measured"]
