"""Runs that do not depend on each other, in as many processes as wanted; what is finished already is not run again.

The processes share the caches of contact plans and embeddings, which are safe under parallel readers and writers. A run
takes one thread, so results do not depend on how many processes there are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from orbitfl.errors import OrbitflError

if TYPE_CHECKING:
    from orbitfl.scenario import Scenario


@dataclass(frozen=True)
class Trial:
    """A run, and the name of its folder."""

    name: str
    scenario: "Scenario"


@dataclass(frozen=True)
class Outcome:
    """problem: why the run came to no end, in a sentence; None if it did."""

    name: str
    problem: str | None


def carried_out(trials: Sequence[Trial], out: Path, workers: int) -> Iterator[Outcome]:
    """Run every trial in `out`/name, or go on with it there; outcomes come as runs end.

    A trial that fails does not stop the others.
    """
    from joblib import Parallel, delayed

    crew = Parallel(n_jobs=workers, return_as="generator_unordered", pre_dispatch="all")
    yield from cast(Iterator[Outcome], crew(delayed(_carried_out)(trial, out / trial.name) for trial in trials))


def _carried_out(trial: Trial, folder: Path) -> Outcome:
    import torch

    from orbitfl.experiment.run import run

    torch.set_num_threads(1)
    try:
        run(trial.scenario, folder, resume=True)
    except OrbitflError as error:
        return Outcome(trial.name, str(error))
    return Outcome(trial.name, None)
