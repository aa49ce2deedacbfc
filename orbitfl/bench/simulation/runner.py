"""What is measured, all in one process: CPU seconds of all its threads, imports left out."""

from dataclasses import dataclass
from typing import Any

from orbitfl.bench.simulation.flights import flown
from orbitfl.bench.simulation.missions import mission
from orbitfl.bench.timing import machine
from orbitfl.orbit.clock import DAY_S
from orbitfl.orbit.walker import Walker
from orbitfl.progress import Notify

NANO_NUMBERS = 617_000
"""About what an update of mobile_sam_nano has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What to measure; `STANDARD` and `QUICK` are ready.

    many, many_s: the mission without learning. few, few_s, image_px: the run with it. workers: of its crews.
    """

    many: Walker
    many_s: float
    few: Walker
    few_s: float
    image_px: int
    workers: tuple[int, ...]
    repeats: int


HUNDRED = Walker(total=100, planes=10, phasing=1, altitude_km=550.0, inclination_deg=53.0)
EIGHT = Walker(total=8, planes=1, phasing=0, altitude_km=786.0, inclination_deg=98.62)
STANDARD = Bench(many=HUNDRED, many_s=7 * DAY_S, few=EIGHT, few_s=3600.0, image_px=256, workers=(1, 2), repeats=3)
QUICK = Bench(many=HUNDRED, many_s=DAY_S, few=EIGHT, few_s=1800.0, image_px=64, workers=(1, 2), repeats=1)


def measured(bench: Bench, notify: Notify) -> dict[str, Any]:
    """Seconds, counts and shares, as values of JSON. The mission without learning comes first and loads no torch."""
    notify("missions", 0, 2)
    many = flown(mission(bench.many, bench.many_s), NANO_NUMBERS, bench.repeats)
    notify("missions", 1, 2)
    from orbitfl.bench.simulation.lessons import learnt

    few = learnt(mission(bench.few, bench.few_s, bench.image_px), bench.workers)
    notify("missions", 2, 2)
    return {"machine": machine(), "dry": many, "learning": few}
