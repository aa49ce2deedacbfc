"""A whole sweep: claimed, run, compared."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from orbitfl.errors import ScenarioError
from orbitfl.results import require_target
from orbitfl.scenario import load, resolved_yaml
from orbitfl.sweep.cluster import connected, on_cluster
from orbitfl.sweep.folder import SweepFolder
from orbitfl.sweep.grid import Axis, Trial, trials_of
from orbitfl.sweep.packing import swept
from orbitfl.sweep.table import Answer, Row, Setting, answer_of, by_setting, comparable
from orbitfl.sweep.trials import Outcome

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Notify = Callable[[Outcome, int, int], None]
Carrier = Callable[[Sequence[Trial], Path], Iterator[Outcome]]


def silent(outcome: Outcome, done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Sweep:
    """What the runs in `folder` say together. rows: see `table.rows_of`. failed: by run, the reason.

    busy: by run that another process is at work on, what to do.
    """

    folder: SweepFolder
    rows: list[Row]
    grouped: dict[Setting, list[Row]]
    failed: dict[str, str]
    busy: dict[str, str] = field(default_factory=dict[str, str])

    def table(self) -> pd.DataFrame:
        """A row per run: the grid's keys, seed, scores and costs."""
        return pd.DataFrame(self.rows)

    def answer(self) -> Answer | None:
        """The cheapest setting that is good enough; None for a sweep of seeds alone, or where every run failed."""
        return answer_of(self.grouped) if next(iter(self.grouped), None) else None

    def plot(self) -> "Figure":
        """The score against the grid's first key, a line for each setting of the others."""
        from orbitfl.sweep.figures import scores

        return scores(self._drawable())

    def frontier(self) -> "Figure":
        """The score against bytes and joules."""
        from orbitfl.sweep.figures import frontier

        return frontier(self._drawable())

    def _drawable(self) -> dict[Setting, list[Row]]:
        if not next(iter(self.grouped), None):
            raise ScenarioError(
                f"The sweep in {self.folder.path} has no key, or no run that can be compared, so there is nothing to "
                "draw; give it a grid, and see `failed`."
            )
        return comparable(self.grouped)


def run_sweep(
    scenario: str | Path,
    axes: Sequence[Axis],
    out: str | Path,
    *,
    overrides: Sequence[str] = (),
    seeds: int = 1,
    workers: int = 2,
    dask: str | None = None,
    target: float | None = None,
    resume: bool = False,
    notify: Notify = silent,
) -> Sweep:
    """Run the scenario file over the grid of `axes` with `seeds` seeds each, and write and return what came of it.

    workers: runs at once on this machine; dask: the address of a cluster to use instead. target: mIoU in percent whose
    cost is told. resume: go on with the sweep in `out`. notify(outcome, done, total) hears of each run that ends.
    Raises OrbitflError, before anything is run, for a grid that makes no scenarios or a folder that is taken.
    """
    if target is not None:
        require_target(target)
    trials, folder = trials_of(Path(scenario), overrides, axes, seeds), SweepFolder(Path(out))
    with _carrier(workers, dask) as carry_out_all, folder.alone():
        folder.claim(resolved_yaml(load(scenario, overrides)), axes, seeds, resume)
        missing, outcomes = folder.unfinished(trials), list[Outcome]()
        for done, outcome in enumerate(carry_out_all(missing, folder.runs), start=1):
            outcomes.append(outcome)
            notify(outcome, done, len(missing))
        rows, failed = folder.conclude(trials, outcomes, target)
    return Sweep(folder, rows, by_setting(rows, trials), failed, _busy(outcomes, rows))


@contextmanager
def _carrier(workers: int, dask: str | None) -> Iterator[Carrier]:
    """Who runs the runs; a cluster that is not there is told before a folder is claimed for it."""
    if dask is None:
        yield partial(swept, workers=workers)
        return
    with connected(dask) as client:
        yield partial(on_cluster, client=client)


def _busy(outcomes: Sequence[Outcome], rows: Sequence[Row]) -> dict[str, str]:
    """By run that another process is at work on, and has not finished meanwhile."""
    finished = {row["run"] for row in rows}
    return {each.name: str(each.problem) for each in outcomes if each.is_busy and each.name not in finished}
