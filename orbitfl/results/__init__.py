"""What a run leaves on disk, and what it says."""

from orbitfl.results.curves import Cost, Curve, Estimate, cost_to, curve_of, require_target
from orbitfl.results.files import (
    AVERAGE,
    CONSTELLATION,
    GROUND,
    RECORDS,
    RESPONSE,
    TRANSFERS,
    Record,
    read_provenance,
    read_table,
    write_provenance,
    write_table,
)

__all__ = [
    "AVERAGE",
    "CONSTELLATION",
    "GROUND",
    "RECORDS",
    "RESPONSE",
    "TRANSFERS",
    "Cost",
    "Curve",
    "Estimate",
    "Record",
    "cost_to",
    "curve_of",
    "read_provenance",
    "read_table",
    "require_target",
    "write_provenance",
    "write_table",
]
