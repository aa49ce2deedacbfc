"""A run's folder (a contract, docs/run_folder.md): claimed, filled, finished, read again."""

import platform
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import safetensors.numpy
import torch

from orbitfl import results
from orbitfl.contacts import ContactPlan, write
from orbitfl.errors import OrbitflError, ScenarioError, StorageError
from orbitfl.experiment.classroom import Classroom
from orbitfl.experiment.replay import Replay
from orbitfl.experiment.result import CONTROLS, RunResult
from orbitfl.files import LOCK, half_written, locked, replacing, stem_of, write_bytes, write_text
from orbitfl.process import installed
from orbitfl.results import AVERAGE
from orbitfl.scenario import Scenario, resolved_yaml

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


@dataclass(frozen=True)
class RunFolder:
    """`run.json` is written last: a folder that has it is a finished run."""

    path: Path

    @property
    def state(self) -> Path:
        return self.path / "state" / "state.safetensors"

    def control(self, name: str) -> "RunFolder":
        return RunFolder(self.path / CONTROLS / name)

    def finished(self) -> RunResult | None:
        """The run that lies here, with those of its controls that are through; None if it is not through itself."""
        return RunResult.from_folder(self.path) if (self.path / "run.json").exists() else None

    def require_inputs(self, classroom: Classroom, flown: ContactPlan, plan: ContactPlan) -> None:
        """Raises StorageError for a finished run of other tiles or launch weights than these, by another version of
        orbitfl, or one that has `flown` other orbits than those of `plan`."""
        told = results.read_provenance(self.path)
        is_same_start = (told.get("input_sha256"), told.get("base_sha256")) == (classroom.hashes, classroom.base)
        by = told.get("versions")
        is_same_version = isinstance(by, dict) and by.get("orbitfl") == installed("orbitfl")
        if not is_same_start or not is_same_version or dict(flown.provenance) != dict(plan.provenance):
            raise StorageError(
                f"{self.path} holds a run of other tiles or launch weights, on other orbits, or by another version of "
                "orbitfl, than are there now; give those that it was begun with, or choose another folder."
            )

    def write(self, result: RunResult, replay: Replay, update_byte: int, wall_s: float) -> None:
        """Everything but the picture."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_text(self.path / "scenario.yaml", resolved_yaml(result.scenario))
        write(result.plan, self.path / "contacts.parquet")
        for name in ("records", "transfers", "energy", *(() if result.response is None else ("response",))):
            results.write_table(self.path, name, getattr(result, name))
        checkpoints, learner = self.path / "checkpoints", replay.classroom.learner
        for name, node in zip(replay.names, replay.satellites, strict=True):
            named = learner.named(replay.weights(node.member.model))
            write_bytes(checkpoints / f"{stem_of(name)}.safetensors", safetensors.numpy.save(dict(named)))
        replay.save_average(checkpoints / f"{AVERAGE}.safetensors")
        results.write_provenance(self.path, _provenance(result, replay, update_byte, wall_s))
        self.forget_state()

    def forget_state(self) -> None:
        """A finished run needs none."""
        shutil.rmtree(self.state.parent, ignore_errors=True)

    def draw(self, result: RunResult) -> None:
        """The picture of a run and its controls, if it is not there yet."""
        path = self.path / "figure.png"
        if not path.exists():
            with replacing(path) as beside:
                result.figure().savefig(beside, dpi=110, format="png")


@contextmanager
def claimed(path: Path, scenario: Scenario, resume: bool) -> Iterator[RunFolder]:
    """The folder for a run of `scenario`, new or, to `resume`, with what a stopped run of it has left.

    A run that fails before its first state leaves nothing; one that was killed before it may be begun anew. Raises
    StorageError for a folder that holds something else, that another process works in, or an unfinished run if
    `resume` was not asked for; ScenarioError for a run of another scenario.
    """
    if path.exists() and not path.is_dir():
        raise StorageError(f"{path} is a file; choose another folder or move it away first.")
    with locked(path):
        left = half_written(path)
        is_new = _is_untouched(path, left, scenario)
        is_empty = is_new and not (path / "scenario.yaml").exists()
        if not is_new:
            _require_same(path, scenario, resume)
        _tidy(path, left)
        if is_empty:
            write_text(path / "scenario.yaml", resolved_yaml(scenario))
        try:
            yield RunFolder(path)
        except OrbitflError:
            if is_empty and not any(path.rglob("state.safetensors")) and not (path / "run.json").exists():
                shutil.rmtree(path, ignore_errors=True)
            raise


def _is_untouched(path: Path, left: Sequence[Path], scenario: Scenario) -> bool:
    """Whether nothing lies there but what a run of this scenario writes before it begins."""
    own_lock = path / LOCK
    files = [each for each in path.rglob("*") if not each.is_dir() and each not in left and each != own_lock]
    own = path / "scenario.yaml"
    return not files or (files == [own] and own.read_bytes() == resolved_yaml(scenario).encode())


def _tidy(path: Path, left: Sequence[Path]) -> None:
    """Take away what a killed run had no time to: half-written files, and the states of what is finished."""
    for each in left:
        each.unlink(missing_ok=True)
    for finished in path.rglob("run.json"):
        RunFolder(finished.parent).forget_state()


def _require_same(path: Path, scenario: Scenario, resume: bool) -> None:
    kept = path / "scenario.yaml"
    if not kept.is_file():
        raise StorageError(f"{path} exists and is not empty; choose another folder or move this one away first.")
    if not resume:
        is_finished = (path / "run.json").exists()
        state = "a run;" if is_finished else "a run that was not finished; go on with it by --resume, or"
        raise StorageError(f"{path} exists and is not empty: it holds {state} choose another folder.")
    # What is no text is no scenario, so not this one either.
    if kept.read_text(encoding="utf-8", errors="replace") != resolved_yaml(scenario):
        raise ScenarioError(
            f"{path} holds a run of another scenario or seed than the one given ({kept} says which); resume it with "
            "the scenario, --seed and --set that it was begun with, or choose another folder."
        )


def versions() -> dict[str, str]:
    """Of Python, and of the packages that are installed: PASEOS is optional."""
    found = {name: version for name in VERSIONED if (version := installed(name)) is not None}
    return {"python": platform.python_version(), **found}


def _provenance(result: RunResult, replay: Replay, update_byte: int, wall_s: float) -> dict[str, object]:
    return {
        "name": result.scenario.name,
        "strategy": result.strategy,
        "seed": result.scenario.seed,
        "input_sha256": replay.classroom.hashes,
        "base_sha256": replay.classroom.base,
        "update_byte": update_byte,
        "versions": versions(),
        "threads": torch.get_num_threads(),
        "wall_s": round(wall_s, 1),
    }
