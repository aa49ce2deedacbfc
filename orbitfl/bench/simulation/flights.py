"""A mission without its learning, from elements to timeline and tables, part by part. Loads no torch."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from orbitfl.bench.timing import fastest, timed
from orbitfl.contacts import found
from orbitfl.environment import Activity, Environment
from orbitfl.environment.base import Spell
from orbitfl.experiment import tables
from orbitfl.experiment.mission import timeline
from orbitfl.federation.weights import line
from orbitfl.process import peak_byte
from orbitfl.scenario import Scenario


def flown(scenario: Scenario, numbers: int, repeats: int) -> dict[str, Any]:
    """CPU seconds of the contact plan, of the timeline for updates of so many numbers, and of its parts.

    sky: orbits and eclipses; advance: the environment, spell by spell; engine: what is left of the timeline, the event
    queue. An event is a session or an exchange.
    """
    plan_s, plan = fastest(lambda: found(scenario.planning()), repeats)
    timeline_s, flight = fastest(lambda: timeline(scenario, plan, line(numbers)), repeats)
    peak = peak_byte()
    sky_s, environment = timed(lambda: _launched(scenario))
    advance_s, _ = timed(lambda: _relived(environment, _watts(scenario), flight.energy))
    tables_s, _ = timed(
        lambda: (tables.energy(flight, plan.satellite_names), tables.transfers(flight, plan.satellite_names))
    )
    kinds = Counter(type(each).__name__.lower() for each in flight.happenings)
    return {
        "satellites": len(plan.satellite_names),
        "duration_s": scenario.duration_s,
        "windows": len(plan),
        "events": kinds["session"] + kinds["exchange"],
        "happenings": dict(kinds),
        "spells": len(flight.energy),
        "plan_s": plan_s,
        "timeline_s": timeline_s,
        "sky_s": sky_s,
        "advance_s": advance_s,
        "engine_s": timeline_s - sky_s - advance_s,
        "tables_s": tables_s,
        "peak_byte": peak,
    }


def _launched(scenario: Scenario) -> Environment:
    satellites = scenario.planning().satellites()
    environment = scenario.environment.start(
        satellites.propagator, satellites.names, scenario.epoch_utc, duration_s=scenario.duration_s
    )
    # The first look ahead finds all eclipses.
    environment.vitals(0)
    return environment


def _watts(scenario: Scenario) -> dict[Activity, float]:
    draws = scenario.watts()
    return {
        Activity.TRAINING: draws.train_w,
        Activity.EXCHANGE: draws.exchange_w or 0.0,
        Activity.STANDBY: draws.standby_w,
    }


def _relived(environment: Environment, watts: Mapping[Activity, float], spells: Sequence[Spell]) -> None:
    """The same spells again, with nobody to decide on them."""
    for spell in spells:
        environment.advance(spell.node, spell.end_s, spell.activity, watts[spell.activity])
