"""What a mission takes without its learning, from elements to timeline: python benchmarks/dry_run.py --repeats 3

100 satellites, 7 days, sessions and exchanges every 900 s. CPU seconds of whole processes, by part; of each part the
least counts. The contact plan is computed in one process, and the others find it kept. No torch is loaded: the size of
an update is given.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from orbitfl.environment import Activity, Environment
from orbitfl.environment.base import Spell
from orbitfl.experiment.mission import contact_plan, timeline
from orbitfl.scenario import Scenario, load

SCENARIO = Path(__file__).parents[1] / "constellations" / "first_light.yaml"
NANO_UPDATE_BYTE = 1_244_840
"""The mask decoder of mobile_sam_nano in 16 bits."""
PARTS = {
    "start": "Python and imports",
    "scenario": "scenario read and checked",
    "plan": "contact plan, kept",
    "timeline": "timeline",
    "whole": "whole process",
    "sky": "of the timeline: orbits and eclipses",
    "advance": "of the timeline: environment, spell by spell",
    "engine": "of the timeline: the rest, the event queue",
    "plan_fresh": "contact plan, computed and written",
    "energy": "afterwards: table of spells",
    "transfers": "afterwards: table of transfers",
}
Result = TypeVar("Result")


def main() -> None:
    asked = arguments()
    found = flown(asked) if asked.alone else least_of(asked)
    print(json.dumps(found) if asked.json else described(found))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--satellites", type=int, default=100)
    parser.add_argument("--planes", type=int, default=10)
    parser.add_argument("--days", type=float, default=7.0)
    parser.add_argument("--neighbours", type=int, default=4, help="links that a satellite keeps at once")
    parser.add_argument("--update-byte", type=int, default=NANO_UPDATE_BYTE)
    parser.add_argument("--environment", default="{kind: battery}", help="the scenario's key, in YAML")
    parser.add_argument("--repeats", type=int, default=3, help="processes, the first of which is not timed")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def least_of(asked: argparse.Namespace) -> dict[str, Any]:
    """The mission in some processes, after one that leaves the contact plan for them."""
    with tempfile.TemporaryDirectory() as cache:
        runs = [in_a_process(cache) for _ in range(asked.repeats + 1)]
    fresh_s = runs[0]["cpu_s"]["plan"]
    seconds = {part: min(run["cpu_s"][part] for run in runs[1:]) for part in runs[0]["cpu_s"]}
    return runs[0] | {"cpu_s": seconds | {"plan_fresh": fresh_s}}


def in_a_process(cache: str) -> dict[str, Any]:
    command = [sys.executable, *sys.argv, "--alone", "--json"]
    done = subprocess.run(command, env=os.environ | {"ORBITFL_CACHE": cache}, check=True, capture_output=True)
    return json.loads(done.stdout)


def flown(asked: argparse.Namespace) -> dict[str, Any]:
    """One mission in this process: first as a whole, then parts of it alone."""
    seconds = {"start": time.process_time()}
    scenario = timed(seconds, "scenario", lambda: mission(asked))
    plan = timed(seconds, "plan", lambda: contact_plan(scenario))
    result = timed(seconds, "timeline", lambda: timeline(scenario, plan, asked.update_byte))
    seconds["whole"] = time.process_time()
    environment = timed(seconds, "sky", lambda: launched(scenario))
    timed(seconds, "advance", lambda: relived(environment, watts(scenario), result.energy))
    seconds["engine"] = seconds["timeline"] - seconds["sky"] - seconds["advance"]
    # pandas is no part of a dry run.
    from orbitfl.experiment import tables

    timed(seconds, "energy", lambda: tables.energy(result, plan.satellite_names))
    timed(seconds, "transfers", lambda: tables.transfers(result, plan.satellite_names))
    kinds = Counter(type(each).__name__.lower() for each in result.happenings)
    return {
        "events": kinds["session"] + kinds["exchange"],
        "happenings": dict(kinds),
        "spells": len(result.energy),
        "torch": "torch" in sys.modules,
        "cpu_s": seconds,
    }


def timed(seconds: dict[str, float], part: str, work: Callable[[], Result]) -> Result:
    started_s = time.process_time()
    result = work()
    seconds[part] = time.process_time() - started_s
    return result


def mission(asked: argparse.Namespace) -> Scenario:
    keys = {
        "constellation.total": asked.satellites,
        "constellation.planes": asked.planes,
        "constellation.phasing": min(1, asked.planes - 1),
        "duration_s": 86_400 * asked.days,
        "environment": asked.environment,
        "contacts": f"{{neighbours: {asked.neighbours}}}",
    }
    return load(SCENARIO, [f"{key}={value}" for key, value in keys.items()])


def launched(scenario: Scenario) -> Environment:
    satellites = scenario.planning().satellites()
    names, epoch_utc, duration_s = satellites.names, scenario.epoch_utc, scenario.duration_s
    environment = scenario.environment.start(satellites.propagator, names, epoch_utc, duration_s=duration_s)
    # The first look ahead finds all eclipses.
    environment.vitals(0)
    return environment


def watts(scenario: Scenario) -> dict[Activity, float]:
    draws = scenario.watts()
    return {
        Activity.TRAINING: draws.train_w,
        Activity.EXCHANGE: draws.exchange_w or 0.0,
        Activity.STANDBY: draws.standby_w,
    }


def relived(environment: Environment, watts: dict[Activity, float], spells: Sequence[Spell]) -> None:
    for spell in spells:
        environment.advance(spell.node, spell.end_s, spell.activity, watts[spell.activity])


def described(found: dict[str, Any]) -> str:
    counts = ", ".join(f"{count} {kind}s" for kind, count in found["happenings"].items())
    lines = [f"{seconds:7.2f} s  {PARTS[part]}" for part, seconds in found["cpu_s"].items()]
    return "\n".join([f"{found['events']} events ({counts}), {found['spells']} spells; CPU seconds:", *lines])


if __name__ == "__main__":
    main()
