"""How time and memory grow with the number of satellites."""

from dataclasses import dataclass, replace
from typing import Any

from orbitfl.bench.contacts.given import STATIONS, Shell, planning
from orbitfl.bench.timing import fastest, timed
from orbitfl.contacts import ContactRules, Planning, found
from orbitfl.contacts.engine import WORTH_COMPILING, EngineName, engine_for
from orbitfl.contacts.ground import above_mask, places_of
from orbitfl.contacts.pairs import Pairs, chosen_pairs
from orbitfl.contacts.shell import past_blocking, shell_of, shell_windows, swings
from orbitfl.contacts.visibility import past_sphere
from orbitfl.orbit.clock import DAY_S
from orbitfl.orbit.crossings import Windows
from orbitfl.orbit.ephemeris import Sampled, sampled
from orbitfl.orbit.frames import EarthRotation, earth_rotation
from orbitfl.process import peak_byte

SMALL = Shell(total=24, planes=3, phasing=1, altitude_km=900.0, inclination_deg=60.0)
SMALL_SPAN_S = 7200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """One step of growth: all pairs of a shell, or only so many nearest `neighbours`, over `stations`.

    SGP4 moves the satellites, but for the engine "closed_form", which takes Walker's circles.
    """

    shell: Shell
    engine: EngineName
    neighbours: int | None = None
    stations: int = 10
    duration_s: float = DAY_S
    repeats: int = 3

    def planning(self) -> Planning:
        rules = ContactRules(neighbours=self.neighbours)
        constellation = self.shell.walker if self.engine == "closed_form" else self.shell
        return planning(constellation, STATIONS[: self.stations], self.duration_s, rules)


def grown(scale: Scale) -> dict[str, Any]:
    """CPU seconds of the plan and of its parts, which run again by themselves, and the plan's peak of memory.

    `load_s`: a first plan of `SMALL` by the same engine, for what is loaded or compiled on first use; it is no part
    of the others. `rest_s`: ranges, rates, the table and provenance, as what the other parts leave of the total.
    Memory is this process's; give it one of its own.
    """
    load_s = first_plan_s(scale)
    asked = scale.planning()
    asked.satellites()  # makes the elements, which a user has
    total_s, plan = fastest(lambda: found(asked, scale.engine), scale.repeats)
    peak = peak_byte()
    counts = {"isl_windows": len(plan.of_kind("isl")), "ground_windows": len(plan.of_kind("ground"))}
    del plan
    parts_s, pairs = _parts(asked, scale)
    return {
        "case": scale.shell.title,
        "satellites": scale.shell.total,
        "neighbours": scale.neighbours,
        "stations": scale.stations,
        "engine": scale.engine,
        "pairs": pairs,
        **counts,
        **parts_s,
        "rest_s": total_s - sum(parts_s.values()),
        "total_s": total_s,
        "peak_byte": peak,
        "load_s": load_s,
    }


def first_plan_s(scale: Scale) -> float:
    """CPU seconds of a small plan with the same engine and rules."""
    small = replace(scale, shell=SMALL, duration_s=SMALL_SPAN_S)
    return timed(lambda: found(small.planning(), scale.engine))[0]


def _parts(asked: Planning, scale: Scale) -> tuple[dict[str, float], int]:
    """CPU seconds by part, and the number of pairs of satellites."""
    sample = states_over_ground if scale.engine == "closed_form" else states
    sampling_s, parts = fastest(lambda: sample(asked), scale.repeats)
    choosing_s, pairs = fastest(lambda: pairs_of(asked), scale.repeats)
    isl_s, _ = fastest(lambda: isl_windows(asked, parts, pairs, scale.engine), scale.repeats)
    ground_s, _ = fastest(lambda: ground_windows(asked, parts, scale.engine), scale.repeats)
    parts_s = {
        "propagation_s": sampling_s,
        "pairs_s": choosing_s,
        "isl_search_s": isl_s,
        "ground_search_s": ground_s,
    }
    return parts_s, len(pairs.a)


def states(asked: Planning) -> Sampled:
    return sampled(asked.satellites().propagator, asked.duration_s, asked.rules.step_s)


def states_over_ground(asked: Planning) -> Sampled:
    """In the Earth's axes at once, which is all that a closed form leaves to search in."""
    propagator = asked.satellites().propagator.over_ground(rotation_of(asked))
    return sampled(propagator, asked.duration_s, asked.rules.step_s)


def rotation_of(asked: Planning) -> EarthRotation:
    return earth_rotation(asked.epoch_utc, asked.duration_s, asked.convention)


def pairs_of(asked: Planning) -> Pairs:
    satellites = asked.satellites()
    return chosen_pairs(satellites.names, satellites.propagator, asked.duration_s, asked.rules)


def isl_windows(asked: Planning, parts: Sampled, pairs: Pairs, engine: EngineName) -> Windows:
    """The search over pairs of satellites alone."""
    radius_km = asked.blocking_radius_km
    if engine == "closed_form" and (shell := shell_of(asked.satellites().propagator)) is not None:
        return shell_windows(swings(shell, *pairs), past_blocking(shell, radius_km), asked.duration_s)
    return engine_for(engine, 0).pair_windows(past_sphere(part, *pairs, radius_km) for part in parts)


def ground_windows(asked: Planning, parts: Sampled, engine: EngineName) -> Windows:
    """The search for passes; closed forms come with `parts` in the Earth's axes."""
    in_itrs = parts if engine == "closed_form" else (part.in_itrs(rotation_of(asked)) for part in parts)
    masks_deg = [station.mask_deg for station in asked.stations]
    sites = places_of(asked.stations)
    elevations = (above_mask(part, sites, masks_deg) for part in in_itrs)
    return engine_for(engine, WORTH_COMPILING).pass_windows(elevations)
