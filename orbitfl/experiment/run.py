"""The one place that wires everything: a scenario in, a run folder and its result out."""

import platform
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import safetensors.numpy
import torch

from orbitfl import results
from orbitfl.contacts import ContactPlan, write
from orbitfl.experiment import tables
from orbitfl.experiment.classroom import Classroom, Notify, load_learner, open_classroom
from orbitfl.experiment.mission import contact_plan, timeline
from orbitfl.experiment.replay import AVERAGE, Record, Replay
from orbitfl.experiment.result import RunResult
from orbitfl.federation.strategies import STRATEGIES
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
    size_byte = len(scenario.exchange.compressor.encode(learner.start().weights))
    return timeline(scenario, contact_plan(scenario), size_byte)


def _run_all(scenario: Scenario, folder: Path | None, notify: Notify) -> RunResult:
    plan = contact_plan(scenario)
    classroom = open_classroom(scenario, len(plan.satellite_names), notify)
    result = _run_one(scenario, plan, classroom, folder, notify)
    controls = {}
    for name in scenario.exchange.controls:
        exchange = replace(scenario.exchange, strategy=STRATEGIES[name](), controls=())
        place = None if folder is None else folder / CONTROLS / name
        controls[name] = _run_one(replace(scenario, exchange=exchange), plan, classroom, place, notify)
    return replace(result, controls=controls)


def _run_one(
    scenario: Scenario, plan: ContactPlan, classroom: Classroom, folder: Path | None, notify: Notify
) -> RunResult:
    started_s = time.perf_counter()
    names = plan.satellite_names
    replay = Replay(classroom, scenario.exchange.strategy, scenario.exchange.compressor, names, scenario.seed)
    mission = timeline(scenario, plan, replay.update_byte())
    records = [*_learned(replay, mission, scenario, notify), *_refused(mission, names)]
    result = RunResult(
        scenario,
        plan,
        records=tables.records(sorted(records, key=lambda record: record[0])),
        transfers=tables.transfers(mission, names),
        energy=tables.energy(mission, names),
    )
    if folder is not None:
        _write(folder, result, replay, time.perf_counter() - started_s)
    return result


def _learned(replay: Replay, mission: Timeline, scenario: Scenario, notify: Notify) -> Iterator[Record]:
    what = f"learning: {scenario.exchange.strategy.kind}"
    for record in replay.records(mission.happenings):
        notify(what, int(record[0]), int(scenario.duration_s))
        yield record


def _refused(mission: Timeline, names: tuple[str, ...]) -> Iterator[Record]:
    for refusal in mission.refusals:
        yield refusal.at_s, names[refusal.node], f"refused {refusal.activity}: {refusal.reason}", 1.0


def _write(folder: Path, result: RunResult, replay: Replay, wall_s: float) -> None:
    """The files of a run's folder (a contract, docs/design.md)."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "scenario.yaml", resolved_yaml(result.scenario))
    write(result.plan, folder / "contacts.parquet")
    for name in ("records", "transfers", "energy"):
        results.write_table(folder, name, getattr(result, name))
    for name, weights in zip(replay.names, (progress.weights for progress in replay.progress), strict=True):
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
