"""`orbitfl bench environment`: PASEOS as its user has it, PASEOS as orbitfl drives it, and its twin."""

from orbitfl.experiment.environment_bench.runner import QUICK, STANDARD, Bench, measured
from orbitfl.experiment.environment_bench.tables import described

__all__ = ["QUICK", "STANDARD", "Bench", "described", "measured"]
