"""`orbitfl bench contacts`: plans against PASEOS, skyfield and brahe, their growth, and the machine's bounds."""

from orbitfl.experiment.contact_bench.runner import CASES, QUICK, STANDARD, Bench, measured
from orbitfl.experiment.contact_bench.tables import described

__all__ = ["CASES", "QUICK", "STANDARD", "Bench", "described", "measured"]
