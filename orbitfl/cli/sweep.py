"""`orbitfl sweep`."""

import json
import sys
import time
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orbitfl.cli.mission import Overrides, ScenarioFile, resumable

if TYPE_CHECKING:
    from orbitfl.sweep import Outcome, Trial
    from orbitfl.sweep.table import Row
    from orbitfl.sweep.together import Notify, Sweep

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
    from orbitfl.sweep import Axis, trials_of
    from orbitfl.sweep.together import run_sweep

    axes, given = [Axis.from_text(text) for text in grid or []], overrides or []
    if estimate:
        _estimate(trials_of(scenario, given, axes, seeds), workers, as_json)
        return
    with resumable():
        made = run_sweep(
            scenario,
            axes,
            out,
            overrides=given,
            seeds=seeds,
            workers=workers,
            dask=dask,
            target=target,
            resume=resume,
            notify=_progress(),
        )
    found = made.answer()
    answer, caution = (found.sentence(), found.caution()) if found else (None, None)
    if as_json:
        runs = [_plain(row) for row in made.rows]
        told = {"answer": answer, "caution": caution, "failed": made.failed, "busy": made.busy, "runs": runs}
        print(json.dumps(told, allow_nan=False))
    else:
        _tell(made, [said for said in (answer, caution) if said is not None])
    if made.failed or made.busy:
        sys.exit(1)


def _progress() -> "Notify":
    started_s = time.monotonic()

    def tell(outcome: "Outcome", done: int, total: int) -> None:
        left_s = (time.monotonic() - started_s) / done * (total - done)
        label = "busy" if outcome.is_busy else "failed"
        said = "done" if outcome.problem is None else f"{label}: {outcome.problem}"
        print(f"{done}/{total} {outcome.name}: {said}; {_duration(left_s)} left", file=sys.stderr, flush=True)

    return tell


def _tell(made: "Sweep", answer: list[str]) -> None:
    folder = made.folder
    if made.rows:
        shown = made.table().drop(columns=["run", "target"]).replace(float("inf"), float("nan"))
        print(shown.to_string(index=False, float_format="{:.4g}".format, na_rep="not reached"))
    for name, problem in made.failed.items():
        print(f"failed: {name}: {problem}")
    for name, problem in made.busy.items():
        print(f"busy: {name}: {problem.rstrip('.')}; then go on by --resume.")
    written = "sweep.parquet, the figures," if made.rows else "no run can be compared, failed.json says why,"
    print(f"Everything is in {folder.path}: {written} and a folder per run in {folder.runs.name}/.")
    for said in answer:
        print(said)


def _plain(row: "Row") -> dict[str, Any]:
    """JSON has no infinity, nor NaN: null says that a target was not reached, or that there was no water to score."""
    return {key: None if isinstance(value, float) and not isfinite(value) else value for key, value in row.items()}


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
