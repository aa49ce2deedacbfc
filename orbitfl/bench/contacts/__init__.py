"""`orbitfl bench contacts`: plans against PASEOS, skyfield and brahe, their growth, and the machine's bounds."""

from orbitfl.bench.contacts.runner import CASES, QUICK, STANDARD, Bench, measured
from orbitfl.bench.contacts.tables import described

__all__ = ["CASES", "QUICK", "STANDARD", "Bench", "described", "measured"]
