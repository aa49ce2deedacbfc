"""What is measured, all in one process: CPU seconds of all its threads, eclipses included, imports left out."""

from dataclasses import dataclass
from typing import Any

from orbitfl.bench.environment.flights import (
    Flight,
    apart,
    flown,
    flown_at_once,
    flown_plainly,
    started,
    tasks,
)
from orbitfl.bench.timing import fastest, machine, timed
from orbitfl.environment import Battery, Paseos
from orbitfl.orbit.clock import DAY_S
from orbitfl.orbit.walker import Walker
from orbitfl.progress import Notify


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What to measure; `STANDARD` and `QUICK` are ready.

    plain_s: how much of `duration_s` plain PASEOS flies; the rest is extrapolated, as its steps all cost the same.
    many, many_s: the twin's own mission.
    """

    satellites: Walker
    duration_s: float
    plain_s: float
    many: Walker
    many_s: float
    repeats: int


EIGHT = Walker(total=8, planes=1, phasing=0, altitude_km=786.0, inclination_deg=98.62)
HUNDRED = Walker(total=100, planes=10, phasing=1, altitude_km=550.0, inclination_deg=53.0)
STANDARD = Bench(satellites=EIGHT, duration_s=DAY_S, plain_s=5400.0, many=HUNDRED, many_s=7 * DAY_S, repeats=3)
QUICK = Bench(satellites=EIGHT, duration_s=5400.0, plain_s=600.0, many=HUNDRED, many_s=DAY_S, repeats=2)

PLAIN, DRIVEN, REPAIRED, STEPS, EXACT = (
    "plain PASEOS",
    "PASEOS as we drive it, its own convention",
    "PASEOS as we drive it, repaired",
    "twin in PASEOS's steps",
    "twin, exact",
)
OURS = {
    DRIVEN: Paseos(convention="paseos"),
    REPAIRED: Paseos(),
    STEPS: Battery(convention="paseos"),
    EXACT: Battery(),
}
COMPARED = ((PLAIN, DRIVEN), (DRIVEN, STEPS), (REPAIRED, EXACT), (STEPS, EXACT))


def measured(bench: Bench, notify: Notify) -> dict[str, Any]:
    """Seconds, ratios and differences, as values of JSON.

    Raises OrbitflError if PASEOS is not installed.
    """
    walker = bench.satellites
    # What PASEOS loads on its first steps is nobody's time.
    flown_plainly(OURS[DRIVEN], walker, tasks(20.0))
    notify("environments", 0, len(OURS) + 2)
    plain_s, plain = timed(lambda: flown_plainly(OURS[DRIVEN], walker, tasks(bench.plain_s)))
    seconds, flights = {PLAIN: plain_s * bench.duration_s / bench.plain_s}, {PLAIN: plain}
    for number, (name, bus) in enumerate(OURS.items()):
        notify("environments", number + 1, len(OURS) + 2)
        seconds[name], flights[name] = fastest(lambda bus=bus: _flight(bus, walker, bench.duration_s), bench.repeats)
    notify("environments", len(OURS) + 1, len(OURS) + 2)
    many = _many(bench)
    notify("environments", len(OURS) + 2, len(OURS) + 2)
    return {
        "machine": machine(),
        "satellites": walker.total,
        "duration_s": bench.duration_s,
        "plain_sample_s": bench.plain_s,
        "seconds": seconds,
        "ratio": {name: seconds[PLAIN] / spent_s for name, spent_s in seconds.items()},
        "apart": [{"between": pair, **apart(*(flights[name] for name in pair))} for pair in COMPARED],
        "many": many,
    }


def _flight(bus: Paseos | Battery, walker: Walker, duration_s: float) -> Flight:
    return flown(started(bus, walker, duration_s), walker.total, tasks(duration_s))


def _many(bench: Bench) -> dict[str, Any]:
    """The exact twin alone, asked satellite by satellite and all at once."""
    walker, duration_s, planned = bench.many, bench.many_s, tasks(bench.many_s)
    eclipses_s, _ = timed(lambda: started(OURS[EXACT], walker, duration_s).vitals(0))
    singly_s, _ = fastest(lambda: _flight(OURS[EXACT], walker, duration_s), bench.repeats)
    at_once_s, _ = fastest(lambda: flown_at_once(started(OURS[EXACT], walker, duration_s), planned), bench.repeats)
    advances = walker.total * len(planned)
    return {
        "satellites": walker.total,
        "duration_s": duration_s,
        "advances": advances,
        "eclipses_s": eclipses_s,
        "singly_s": singly_s,
        "at_once_s": at_once_s,
        "advance_us": 1e6 * (singly_s - eclipses_s) / advances,
    }
