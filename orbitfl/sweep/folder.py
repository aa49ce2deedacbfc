"""A sweep's folder: its manifest, a folder per run, and what they say together."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from orbitfl.errors import ScenarioError, StorageError
from orbitfl.files import LOCK, is_half_written, locked, read_object, replacing, write_text
from orbitfl.sweep.evidence import all_recorded, of_other_inputs
from orbitfl.sweep.grid import Axis, Trial
from orbitfl.sweep.table import Row, by_setting, comparable, rows_of
from orbitfl.sweep.trials import Outcome

FORMAT = 1


@dataclass(frozen=True)
class SweepFolder:
    """`path`/runs/NAME is a run's folder; sweep.json the manifest; sweep.parquet the table; *.png the figures."""

    path: Path

    @property
    def runs(self) -> Path:
        return self.path / "runs"

    @property
    def manifest(self) -> Path:
        return self.path / "sweep.json"

    @property
    def table(self) -> Path:
        return self.path / "sweep.parquet"

    def claim(self, scenario_yaml: str, axes: Sequence[Axis], seeds: int, resume: bool) -> None:
        """Write the manifest, or see that it is this scenario's; a grid may grow, shrink, and grow again.

        Raises StorageError for a folder that holds something else, or a sweep if `resume` was not asked for;
        ScenarioError for a sweep of another scenario.
        """
        if self.manifest.exists():
            if not resume:
                raise StorageError(f"{self.path} holds a sweep; go on with it by --resume, or choose another --out.")
            if self._read()["scenario"] != scenario_yaml:
                raise ScenarioError(
                    f"{self.path} holds a sweep of another scenario (see {self.manifest.name} there); "
                    "choose another --out, or give the scenario that it was begun with."
                )
        elif self._holds_anything():
            raise StorageError(f"{self.path} exists and holds no sweep; choose another --out or move it away first.")
        grid = {axis.key: list(axis.values) for axis in axes}
        content = {"format": FORMAT, "scenario": scenario_yaml, "grid": grid, "seeds": seeds}
        write_text(self.manifest, json.dumps(content, indent=1) + "\n")

    def _holds_anything(self) -> bool:
        """But for what a sweep that was killed at its very beginning has left."""
        return self.path.exists() and any(
            each.name != LOCK and not is_half_written(each) for each in self.path.iterdir()
        )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other sweeps out. Raises StorageError where one is at work, or for a path that is a file."""
        if self.path.exists() and not self.path.is_dir():
            raise StorageError(f"{self.path} exists and holds no sweep; choose another --out or move it away first.")
        with locked(self.path):
            yield

    def _read(self) -> dict[str, Any]:
        try:
            content = read_object(self.manifest)
            if content.get("format") != FORMAT or "scenario" not in content:
                raise ValueError("it is not a manifest of this version")
        except (OSError, ValueError) as error:
            raise StorageError(f"{self.manifest} cannot be used ({error}); choose another --out.") from error
        return content

    def unfinished(self, trials: Sequence[Trial]) -> list[Trial]:
        return [trial for trial in trials if not (self.runs / trial.name / "run.json").exists()]

    def conclude(
        self, trials: Sequence[Trial], outcomes: Sequence[Outcome], target: float | None
    ) -> tuple[list[Row], dict[str, str]]:
        """Write failed.json, the table and the figures; return the table's rows and, by run, what failed and why.

        A run that another process has finished meanwhile has not failed. One of other tiles or launch weights than the
        last has: the difference would pass for the grid's. Where no run can be compared there is neither table nor
        figure: those of an earlier grid go.
        """
        from orbitfl.sweep.figures import draw_all

        found, unreadable = all_recorded(self.runs / trial.name for trial in trials)
        others = of_other_inputs([trial for trial in trials if trial.name in found], self.runs)
        curves = {name: curve for name, curve in found.items() if name not in others}
        ended = {each.name: each.problem for each in outcomes if each.problem is not None and not each.is_busy}
        failed = {name: why for name, why in sorted((ended | unreadable | others).items()) if name not in curves}
        write_text(self.path / "failed.json", json.dumps(failed, indent=1) + "\n")
        rows = rows_of(trials, curves, target)
        if rows:
            with replacing(self.table) as beside:
                pd.DataFrame(rows).to_parquet(beside, index=False)
        else:
            self.table.unlink(missing_ok=True)
        draw_all(comparable(by_setting(rows, trials)), self.path)
        return rows, failed
