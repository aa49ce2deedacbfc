"""The one place that wires everything: a scenario in, a run folder and its result out."""

import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import pandas as pd
import safetensors.numpy
import torch

from orbitfl import results
from orbitfl.contacts import ContactPlan, write
from orbitfl.experiment import tables
from orbitfl.experiment.classroom import Classroom, Notify, load_learner, open_classroom
from orbitfl.experiment.mission import contact_plan, timeline
from orbitfl.experiment.replay import AVERAGE, Record, Replay
from orbitfl.experiment.response import bent_pipe_response, onboard_response
from orbitfl.experiment.result import RunResult
from orbitfl.experiment.survey import Survey, agenda, bent_pipe_agenda, is_needed, raw_byte_of, survey
from orbitfl.federation.strategies import STRATEGIES, Frozen
from orbitfl.files import new_folder, write_bytes, write_text
from orbitfl.scenario import Scenario, resolved_yaml
from orbitfl.simulation.timeline import Timeline

CONTROLS = "controls"
VERSIONED = (
    "orbitfl",
    "torch",
    "numpy",
    "scipy",
    "skyfield",
    "paseos",
    "rasterio",
    "safetensors",
    "pandas",
    "pyarrow",
)


def run(
    scenario: Scenario, out: Path | str | None = None, notify: Notify = lambda what, done, total: None
) -> RunResult:
    """Run a scenario and its controls.

    With `out`, everything is written to that folder, which must be new or empty. `notify(what, done, total)` hears of
    progress. Raises OrbitflError when the scenario's data, weights or folder cannot be used.
    """
    if out is None:
        return _run_all(scenario, None, notify)
    with new_folder(Path(out)) as folder:
        result = _run_all(scenario, folder, notify)
        result.figure().savefig(folder / "figure.png", dpi=110)
    return result.moved(Path(out))


def dry_run(scenario: Scenario) -> Timeline:
    """The mission without any learning: what would happen when, for the update size of the scenario's model."""
    learner = load_learner(scenario)
    size_byte = len(scenario.exchange.compressor.encode(learner.named(learner.launch)))
    plan = contact_plan(scenario)
    known = survey(scenario, len(plan.satellite_names)) if is_needed(scenario) else None
    return timeline(scenario, plan, size_byte, None if known is None else agenda(scenario, known))


def _run_all(scenario: Scenario, folder: Path | None, notify: Notify) -> RunResult:
    plan = contact_plan(scenario)
    known = survey(scenario, len(plan.satellite_names))
    classroom, bent_pipe = open_classroom(scenario, known, notify), _bent_pipe(scenario, plan, known)
    school = _School(plan, known, classroom, bent_pipe)
    result = _run_one(scenario, school, folder, notify)
    controls = {}
    for name in scenario.exchange.controls:
        exchange = replace(scenario.exchange, strategy=STRATEGIES[name](), controls=())
        place = None if folder is None else folder / CONTROLS / name
        controls[name] = _run_one(replace(scenario, exchange=exchange), school, place, notify)
    return replace(result, controls=controls)


@dataclass(frozen=True)
class _School:
    """What all strategies of a run share."""

    plan: ContactPlan
    known: Survey
    classroom: Classroom
    bent_pipe: pd.DataFrame | None


def _run_one(scenario: Scenario, school: _School, folder: Path | None, notify: Notify) -> RunResult:
    started_s = time.perf_counter()
    names, exchange = school.plan.satellite_names, scenario.exchange
    replay = Replay(school.classroom, exchange.strategy, exchange.compressor, names, scenario.seed)
    mission = timeline(scenario, school.plan, replay.update_byte(), agenda(scenario, school.known))
    records = [*_learned(replay, mission, scenario, notify), *_hindered(mission, names)]
    result = RunResult(
        scenario,
        school.plan,
        records=tables.records(sorted(records, key=lambda record: record[0])),
        transfers=tables.transfers(mission, names),
        energy=tables.energy(mission, names),
        response=_onboard(scenario, school, mission, replay),
    )
    if folder is not None:
        _write(folder, result, replay, time.perf_counter() - started_s)
    return result


def _learned(replay: Replay, mission: Timeline, scenario: Scenario, notify: Notify) -> Iterator[Record]:
    what = f"learning: {scenario.exchange.strategy.kind}"
    for record in replay.records(mission.happenings):
        notify(what, int(record[0]), int(scenario.duration_s))
        yield record


def _hindered(mission: Timeline, names: tuple[str, ...]) -> Iterator[Record]:
    for word, happened in (("refused", mission.refusals), ("stopped", mission.stops)):
        for each in happened:
            yield each.at_s, names[each.node], f"{word} {each.activity}: {each.reason}", 1.0


def _onboard(scenario: Scenario, school: _School, mission: Timeline, replay: Replay) -> pd.DataFrame | None:
    """What became of each image of the event, onboard and, for comparison, through the bent pipe."""
    if scenario.event is None or school.bent_pipe is None:
        return None
    onboard = onboard_response(scenario.event, school.known.event_images, mission, replay.maps, replay.names)
    return pd.concat([onboard, school.bent_pipe], ignore_index=True)


def _bent_pipe(scenario: Scenario, plan: ContactPlan, known: Survey) -> pd.DataFrame | None:
    """The same satellites, when they neither learn nor talk nor think: every strategy is held against them."""
    if scenario.event is None:
        return None
    idle = replace(scenario, exchange=replace(scenario.exchange, strategy=Frozen()))
    mission = timeline(idle, plan, 0, bent_pipe_agenda(scenario.event, known))
    raw_byte = raw_byte_of(scenario.event, known)
    return bent_pipe_response(scenario.event, known.event_images, mission, raw_byte, plan.satellite_names)


def _write(folder: Path, result: RunResult, replay: Replay, wall_s: float) -> None:
    """The files of a run's folder (a contract, docs/design.md)."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "scenario.yaml", resolved_yaml(result.scenario))
    write(result.plan, folder / "contacts.parquet")
    for name in ("records", "transfers", "energy", *(() if result.response is None else ("response",))):
        results.write_table(folder, name, getattr(result, name))
    for name, weights in zip(replay.names, (replay.named(progress) for progress in replay.progress), strict=True):
        write_bytes(folder / "checkpoints" / f"{name}.safetensors", safetensors.numpy.save(dict(weights)))
    replay.save_average(folder / "checkpoints" / f"{AVERAGE}.safetensors")
    results.write_provenance(folder, _provenance(result, replay, wall_s))


def _provenance(result: RunResult, replay: Replay, wall_s: float) -> dict[str, object]:
    return {
        "name": result.scenario.name,
        "strategy": result.strategy,
        "seed": result.scenario.seed,
        "input_sha256": replay.classroom.hashes,
        "update_byte": replay.update_byte(),
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in VERSIONED},
        },
        "threads": torch.get_num_threads(),
        "wall_s": round(wall_s, 1),
    }
