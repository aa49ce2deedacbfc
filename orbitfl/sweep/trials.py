"""Runs that do not depend on each other, in as many processes as wanted; what is finished already is not run again.

The processes share the caches of contact plans and embeddings, which are safe under parallel readers and writers. A run
takes one thread, so results do not depend on how many processes there are.
"""

import os
import shutil
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from orbitfl.errors import OrbitflError, in_a_line
from orbitfl.process import own_peak_byte
from orbitfl.sweep.bonds import end_with, is_held
from orbitfl.sweep.grid import Trial

MOST_TRIES = 2
"""Of a run whose processes are killed."""
TOLD_TWICE = "its process was killed twice"


@dataclass(frozen=True)
class Outcome:
    """problem: why the run came to no end, in a sentence; None if it did. peak_byte: of its process, until then.

    is_busy: it came to none because another process is at work on it, which may yet finish it.
    """

    name: str
    problem: str | None
    wall_s: float = 0.0
    peak_byte: int = 0
    is_busy: bool = False


def carried_out(trials: Sequence[Trial], out: Path, workers: int) -> Iterator[Outcome]:
    """Run every trial in `out`/name, or go on with it there; outcomes come as runs end.

    A trial that fails does not stop the others. A killed process takes down all that run beside it, so those are gone
    on with once each, alone: then the one that dies again is the one to blame, and has had all the memory there is.
    """
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    left, running = {trial.name: trial for trial in trials}, out / ".running"
    while left:
        shutil.rmtree(running, ignore_errors=True)
        try:
            for outcome in _in_processes(list(left.values()), out, workers):
                del left[outcome.name]
                yield outcome
        except TerminatedWorkerError:
            # Where none had begun, the first stands for them, so that processes that always die come to an end.
            begun = [name for name in left if (running / name).exists()] or list(left)[:1]
            shutil.rmtree(running, ignore_errors=True)
            for name in begun:
                yield _once_more(left.pop(name), out)
    shutil.rmtree(running, ignore_errors=True)


def _in_processes(trials: Sequence[Trial], out: Path, workers: int) -> Iterator[Outcome]:
    """Not even the only worker is this process: a signal that meets it while torch loads is swallowed, or aborts it."""
    return one_after_another(trials, out) if workers == 1 else _side_by_side(trials, out, workers)


def _once_more(trial: Trial, out: Path) -> Outcome:
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    try:
        return next(one_after_another([trial], out))
    except TerminatedWorkerError:
        return Outcome(trial.name, f"{TOLD_TWICE}, the second time with no other beside it")


def one_after_another(trials: Sequence[Trial], out: Path) -> Iterator[Outcome]:
    """All in one process that is not this one."""
    from joblib.externals.loky import ProcessPoolExecutor

    process = ProcessPoolExecutor(1, initializer=end_with, initargs=(os.getpid(),))
    try:
        for trial in trials:
            yield process.submit(carry_out, trial, out).result()
    finally:
        # Whoever stops the sweep does not want to wait for the run that is under way.
        process.shutdown(kill_workers=True)


def _side_by_side(trials: Sequence[Trial], out: Path, workers: int) -> Iterator[Outcome]:
    from joblib import Parallel, delayed

    # A process that has grown by 300 MB since its first run is replaced between two runs; no run is lost by it.
    warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
    crew = Parallel(
        n_jobs=workers,
        return_as="generator_unordered",
        pre_dispatch="all",
        batch_size=cast(str, 1),
        initializer=end_with,
        initargs=(os.getpid(),),
    )
    yield from cast(Iterator[Outcome], crew(delayed(carry_out)(trial, out) for trial in trials))


def carry_out(trial: Trial, out: Path) -> Outcome:
    """One run, on one thread. Whatever goes wrong in it is its outcome: nobody watches that could see it raised.

    A run that has died twice is not run again, whoever asks for it.
    """
    started_s, problem, is_busy = time.monotonic(), None, False
    try:
        with _marked(out / ".running" / trial.name) as tries:
            if tries > MOST_TRIES:
                problem = f"{TOLD_TWICE}; see whether a worker has the memory for it, and go on by --resume"
            else:
                _run(trial, out)
    except OrbitflError as error:
        problem, is_busy = in_a_line(error), is_held(out / trial.name)
    except Exception as error:
        problem = in_a_line(f"{type(error).__name__}: {error}")
    return Outcome(trial.name, problem, time.monotonic() - started_s, own_peak_byte(), is_busy)


def _run(trial: Trial, out: Path) -> None:
    import torch

    from orbitfl.experiment.run import run

    torch.set_num_threads(1)
    run(trial.scenario, out / trial.name, resume=True)


@contextmanager
def _marked(path: Path) -> Iterator[int]:
    """A file that stands there while the block runs, and still after the process was killed in it.

    Yields how often it was begun since it last ended: a byte in the file for each, since the processes share no memory.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as mark:
        mark.write(b".")
    try:
        yield path.stat().st_size
    finally:
        path.unlink(missing_ok=True)
