"""What the runs of a sweep have recorded, and costs to a target that may be missed."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path

from orbitfl.data.partition import Iid
from orbitfl.errors import StorageError, in_a_line
from orbitfl.results import AVERAGE, CONSTELLATION, GROUND, Curve, cost_to, curve_of, read_provenance, read_table
from orbitfl.sweep.grid import Trial

NOT_SATELLITES = {AVERAGE, CONSTELLATION, GROUND}


def recorded(folder: Path) -> Curve:
    """The curve of the run in `folder`, as in `orbitfl.results.curve_of`. Raises StorageError where there is no run."""
    try:
        records = read_table(folder, "records")
        return curve_of(records, sorted(set(records["node"]) - NOT_SATELLITES))
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{folder} holds no records that can be used ({in_a_line(error)}). Delete that folder, and go on with "
            "the sweep by --resume."
        ) from error


def all_recorded(folders: Iterable[Path]) -> tuple[dict[str, Curve], dict[str, str]]:
    """By the name of their folder, curves of the runs that have finished, and of those that cannot be read, why."""
    curves, problems = dict[str, Curve](), dict[str, str]()
    for folder in folders:
        if (folder / "run.json").exists():
            try:
                curves[folder.name] = recorded(folder)
            except StorageError as error:
                problems[folder.name] = str(error)
    return curves, problems


def of_other_inputs(trials: Sequence[Trial], runs: Path) -> dict[str, str]:
    """By name, finished runs that cannot be compared with the one that ended last, and why: scenarios say where tiles
    and launch weights lie, and what lay there has changed since.
    """
    known, problems = dict[tuple[str, str], tuple[str, object]](), dict[str, str]()
    for trial in sorted(trials, key=lambda trial: -(runs / trial.name / "run.json").stat().st_mtime_ns):
        try:
            inputs = _inputs(trial, read_provenance(runs / trial.name))
        except StorageError as error:
            problems[trial.name] = str(error)
            continue
        for place, sha256 in inputs.items():
            newest, there = known.setdefault(place, (trial.name, sha256))
            if there != sha256:
                problems[trial.name] = (
                    f"{runs / trial.name} holds a run of other tiles or launch weights than {newest}, which ended "
                    "later; what lay there has changed. Delete that folder, and go on with the sweep by --resume."
                )
    return problems


def _inputs(trial: Trial, told: dict[str, object]) -> dict[tuple[str, str], object]:
    """What a run began with, by what it is and how the scenario names it; who holds which tiles changes none."""
    scenario, hashes = trial.scenario, told.get("input_sha256")
    named = {
        "data": replace(scenario.data, partition=Iid()),
        "evaluation": scenario.evaluation.data,
        "event": scenario.event,
        "base": scenario.model,
    }
    sha256 = {**(hashes if isinstance(hashes, dict) else {}), "base": told.get("base_sha256")}
    return {(part, repr(asked)): sha256.get(part) for part, asked in named.items()}


def cost_or_inf(curve: Curve, target_miou: float) -> dict[str, float]:
    """Seconds, bytes and joules to a target as in `orbitfl.results.cost_to`, but inf, censored, where it was missed."""
    cost = cost_to(curve, target_miou)
    spent = {"s": cost.t_s, "byte": cost.sent_byte, "joule": cost.consumed_j}
    return spent if cost.reached else dict.fromkeys(spent, inf)
