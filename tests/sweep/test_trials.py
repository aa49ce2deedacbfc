"""Runs whose processes die or that break in ways nobody foresaw: what becomes of them, and of those beside them."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from orbitfl.sweep import Axis, Trial, carried_out, trials_of
from orbitfl.sweep.packing import firsts_of, fitting, free_byte
from orbitfl.sweep.trials import one_after_another


@pytest.fixture(scope="module")
def trials(repository: Path) -> list[Trial]:
    small = ["duration_s=900", "model.image_px=64", "data.scenes=8", "data.size_px=64", "data.tile_px=64"]
    fast = ["training.session_steps=1", "environment.kind=battery", "evaluation.every_s=900"]
    scored = "evaluation.data={kind: synthetic, scenes: 1, size_px: 64, tile_px: 64, seed: 2}"
    return trials_of(repository / "constellations/first_light.yaml", [*small, *fast, scored], [], 3)


@contextmanager
def killed_whenever(mark: Path, most: int) -> Iterator[list[int]]:
    """While the block runs, and `most` times at most, SIGKILL all workers when `mark` is there; how many they were."""
    killed, over = list[int](), threading.Event()

    def watch() -> None:
        while not over.wait(0.01) and len(killed) < most:
            workers = [each for each in psutil.Process().children() if is_worker(each)]
            if workers and mark.exists():
                for worker in workers:
                    worker.kill()
                killed.append(len(workers))
                psutil.wait_procs(workers, 10)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield killed
    finally:
        over.set()
        watcher.join()


def is_worker(process: psutil.Process) -> bool:
    """Not one that has ended since it was listed: nothing can be asked of it."""
    try:
        return "LokyProcess" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


def problems_of(trials: list[Trial], out: Path, workers: int) -> dict[str, str | None]:
    return {outcome.name: outcome.problem for outcome in carried_out(trials, out, workers)}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_whose_process_is_killed_once_is_retried(trials: list[Trial], tmp_path: Path, workers: int):
    with killed_whenever(tmp_path / ".running" / trials[1].name, 1) as killed:
        problems = problems_of(trials, tmp_path, workers)
    assert len(killed) == 1
    assert problems == dict.fromkeys([trial.name for trial in trials])


def test_only_the_run_whose_process_dies_again_fails(trials: list[Trial], tmp_path: Path):
    """Its neighbours die with it at first, and must not be blamed."""
    with killed_whenever(tmp_path / ".running" / trials[1].name, 2) as killed:
        problems = problems_of(trials, tmp_path, 2)
    assert len(killed) == 2 and killed[-1] == 1
    assert [name for name, problem in problems.items() if problem is not None] == [trials[1].name]
    assert "killed twice" in str(problems[trials[1].name])
    assert all((tmp_path / trial.name / "run.json").exists() for trial in (trials[0], trials[2]))


def test_a_run_in_a_process_of_its_own_is_not_waited_for_when_the_sweep_is_stopped(trials: list[Trial], tmp_path: Path):
    with ctrl_c_once_there_is(tmp_path / ".running" / trials[0].name), pytest.raises(KeyboardInterrupt):
        next(one_after_another(trials, tmp_path))
    assert not (tmp_path / trials[0].name / "run.json").exists()


@contextmanager
def ctrl_c_once_there_is(mark: Path) -> Iterator[None]:
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            if mark.exists():
                os.kill(os.getpid(), signal.SIGINT)
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def test_an_error_that_nobody_foresaw_is_listed_and_stops_no_other(trials: list[Trial], tmp_path: Path):
    broken = Trial("broken", replace(trials[0].scenario, model=cast(Any, None)))
    problems = problems_of([broken, trials[0]], tmp_path, 1)
    assert problems.keys() == {"broken", trials[0].name} and problems[trials[0].name] is None
    assert str(problems["broken"]).startswith("AttributeError: ")
    assert not (tmp_path / ".running").exists()


def test_the_memory_of_who_started_it_is_not_a_runs(trials: list[Trial], tmp_path: Path):
    """Else a notebook that holds much would let few runs beside each other."""
    broken = Trial("broken", replace(trials[0].scenario, model=cast(Any, None)))
    held = b"x" * 1_000_000_000
    (outcome,) = one_after_another([broken], tmp_path)
    assert 0 < outcome.peak_byte < len(held)


def test_no_more_workers_than_fit_and_one_at_least():
    assert fitting(4, 1) == 4 and fitting(4, 0) == 4 and fitting(4, 2 * free_byte()) == 1
    assert fitting(9, free_byte() // 3) in (2, 3)


@pytest.mark.parametrize(
    ("key", "values", "kinds"),
    [
        ("data.tile_px", ("128", "256"), 2),
        ("data.scenes", ("8", "32"), 2),
        ("evaluation.data.tile_px", ("128", "256"), 2),
        ("model.image_px", ("64", "128", "256"), 3),
        ("training.batch_size", ("2", "4"), 2),
        ("data.partition", ("{kind: iid}", "{kind: by_scene}"), 1),
        ("data.seed", ("1", "2", "3"), 1),
        ("exchange.min_interval_s", ("300", "900"), 1),
        ("training.learning_rate", ("1.0e-4", "1.0e-3"), 1),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_changes_the_memory_of_a_run_makes_another_kind_and_nothing_else(
    repository: Path, key: str, values: tuple[str, ...], kinds: int
):
    trials = trials_of(repository / "constellations/first_light.yaml", [], [Axis(key, values)], 2)
    assert len(firsts_of(trials)) == kinds
