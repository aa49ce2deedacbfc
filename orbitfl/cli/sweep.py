"""`orbitfl sweep`."""

import json
import sys
import time
from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orbitfl.cli.mission import Overrides, ScenarioFile

if TYPE_CHECKING:
    from orbitfl.sweep import Outcome, Trial
    from orbitfl.sweep.folder import SweepFolder
    from orbitfl.sweep.table import Row

Grid = Annotated[
    list[str] | None,
    typer.Option("--grid", metavar="KEY.PATH=V1,V2,…", help="A key and the values to try; may be repeated."),
]


def sweep(
    scenario: ScenarioFile,
    out: Annotated[Path, typer.Option(help="The sweep's folder, new or empty.", show_default=False)],
    grid: Grid = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds each combination runs with.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="How many runs at once on this machine.")] = 2,
    dask: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Run on this Dask cluster instead.")] = None,
    overrides: Overrides = None,
    target: Annotated[
        float | None, typer.Option(help="mIoU in % whose cost is told. [default: 95 % of the best]")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a sweep that was stopped.")] = False,
    estimate: Annotated[bool, typer.Option("--estimate", help="Only say what the sweep would take.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Run a scenario over a grid of its keys and tell what was best and what was enough. Controls are left out."""
    from orbitfl.scenario import load, resolved_yaml
    from orbitfl.sweep import Axis, trials_of
    from orbitfl.sweep.folder import SweepFolder
    from orbitfl.sweep.table import answer_of, by_setting

    axes = [Axis.from_text(text) for text in grid or []]
    trials = trials_of(scenario, overrides or [], axes, seeds)
    if estimate:
        _estimate(trials, workers, as_json)
        return
    folder = SweepFolder(out)
    folder.claim(resolved_yaml(load(scenario, overrides or [])), axes, seeds, resume)
    outcomes = _carried_out(folder, trials, workers, dask)
    rows = folder.conclude(trials, outcomes, target)
    failed = {outcome.name: outcome.problem for outcome in outcomes if outcome.problem is not None}
    found = answer_of(by_setting(rows, trials)) if axes else None
    answer, caution = (found.sentence(), found.caution()) if found else (None, None)
    if as_json:
        runs = [_plain(row) for row in rows]
        print(json.dumps({"answer": answer, "caution": caution, "failed": failed, "runs": runs}, allow_nan=False))
    else:
        _tell(folder, rows, failed, [said for said in (answer, caution) if said is not None])
    if failed:
        sys.exit(1)


def _carried_out(folder: "SweepFolder", trials: "Sequence[Trial]", workers: int, dask: str | None) -> "list[Outcome]":
    from orbitfl.sweep.cluster import on_cluster
    from orbitfl.sweep.packing import swept

    missing = folder.unfinished(trials)
    runs = swept(missing, folder.runs, workers) if dask is None else on_cluster(missing, folder.runs, dask)
    started_s, outcomes = time.monotonic(), []
    for done, outcome in enumerate(runs, start=1):
        outcomes.append(outcome)
        left_s = (time.monotonic() - started_s) / done * (len(missing) - done)
        said = "done" if outcome.problem is None else f"failed: {outcome.problem}"
        print(f"{done}/{len(missing)} {outcome.name}: {said}; {_duration(left_s)} left", file=sys.stderr, flush=True)
    return outcomes


def _tell(folder: "SweepFolder", rows: "Sequence[Row]", failed: dict[str, str], answer: list[str]) -> None:
    import pandas as pd

    shown = pd.DataFrame(rows).drop(columns=["run", "target"]).replace(float("inf"), float("nan"))
    print(shown.to_string(index=False, float_format="{:.4g}".format, na_rep="not reached"))
    for name, problem in failed.items():
        print(f"failed: {name}: {problem}")
    print(f"Everything is in {folder.path}: sweep.parquet, the figures, and a folder per run in {folder.runs.name}/.")
    for said in answer:
        print(said)


def _plain(row: "Row") -> dict[str, Any]:
    """JSON has no infinity: null says that a target was not reached."""
    return {key: None if value == inf else value for key, value in row.items()}


def _estimate(trials: "Sequence[Trial]", workers: int, as_json: bool) -> None:
    from dataclasses import asdict

    from orbitfl.sweep.packing import forecast, free_byte

    told = forecast(trials, workers)
    if as_json:
        print(json.dumps(asdict(told)))
        return
    print(
        f"{told.runs} runs, {told.steps} training steps: about {_duration(told.wall_s)} with {told.workers} "
        f"workers of {told.peak_byte / 1e9:.1f} GB each ({free_byte() / 1e9:.0f} GB free here); "
        f"{told.sent_byte / 1e6:.0f} MB over simulated links."
    )


def _duration(seconds: float) -> str:
    minutes, hours = seconds / 60, seconds / 3600
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min" if hours < 2 else f"{hours:.1f} h"
