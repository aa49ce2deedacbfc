"""How many joules the processor has taken, where the machine counts them: Intel's and AMD's RAPL, as Linux shows it.

Linux kernel documentation, power/powercap: a zone's `energy_uj` counts microjoules and starts again from 0 beyond
`max_energy_range_uj`.
"""

from dataclasses import dataclass
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")

MEASURED = ("package", "dram")
"""Zones to add up: whole processors and memory. The others (core, uncore, psys) lie within them or around them."""


@dataclass(frozen=True)
class EnergyCounter:
    """The zones that count, each a folder."""

    zones: tuple[Path, ...]

    def read(self) -> tuple[int, ...]:
        """What stands in the zones, in microjoules."""
        return tuple(_number(zone / "energy_uj") for zone in self.zones)

    def joules_between(self, before: tuple[int, ...], after: tuple[int, ...]) -> float:
        """The energy between two readings, if no zone went round more than once."""
        return sum(map(_gone, self.zones, before, after)) / 1e6


def find_counter(powercap: Path = POWERCAP) -> EnergyCounter | None:
    """The machine's counter, or None where it has none that may be read: most kernels let only root."""
    zones = tuple(zone for zone in sorted(powercap.glob("intel-rapl:*")) if _counts(zone))
    return EnergyCounter(zones) if zones else None


def _counts(zone: Path) -> bool:
    try:
        _number(zone / "energy_uj")
        _number(zone / "max_energy_range_uj")
        return (zone / "name").read_text().startswith(MEASURED)
    except (OSError, ValueError):
        return False


def _gone(zone: Path, before: int, after: int) -> int:
    return after - before if after >= before else after - before + _number(zone / "max_energy_range_uj") + 1


def _number(file: Path) -> int:
    return int(file.read_text())
