"""`orbitfl bench environment`: PASEOS as its user has it, PASEOS as orbitfl drives it, and its twin."""

from orbitfl.bench.environment.runner import QUICK, STANDARD, Bench, measured
from orbitfl.bench.environment.tables import described

__all__ = ["QUICK", "STANDARD", "Bench", "described", "measured"]
