"""The same runs on a Dask cluster whose workers see the same files."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orbitfl.errors import ScenarioError, in_a_line
from orbitfl.sweep.grid import Trial
from orbitfl.sweep.trials import Outcome, carry_out

if TYPE_CHECKING:
    from distributed import Client, Future

PATIENCE_S = 10


@contextmanager
def connected(address: str) -> Iterator["Client"]:
    """A cluster, while the block runs.

    Raises ScenarioError when dask is not installed, or no scheduler answers at `address`.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ScenarioError("--dask needs dask.distributed; run pip install 'orbitfl[cluster]'.") from error
    try:
        client = Client(address, timeout=PATIENCE_S)
    except (OSError, ValueError) as error:
        raise ScenarioError(
            f"No Dask scheduler answers at {address} within {PATIENCE_S} s; start one with `dask scheduler`, "
            "or give its address as tcp://HOST:PORT."
        ) from error
    with client:
        yield client


def on_cluster(trials: Sequence[Trial], out: Path, client: "Client") -> Iterator[Outcome]:
    """As `trials.carried_out`. Dask itself begins a lost worker's run again, by its own count up to three times
    (`distributed.scheduler.allowed-failures`); `carry_out` counts the run's deaths, and has it run twice at most.
    """
    from distributed import as_completed

    folder = out.resolve()
    shutil.rmtree(folder / ".running", ignore_errors=True)
    futures = {client.submit(carry_out, trial, folder, pure=False, retries=1): trial for trial in trials}
    for future in as_completed(list(futures)):
        yield _outcome(future, folder, futures[future].name)
    shutil.rmtree(folder / ".running", ignore_errors=True)


def _outcome(future: "Future", out: Path, name: str) -> Outcome:
    """Runs answer for their own errors: what is raised here has befallen a worker or the scheduler.

    A run may have finished and only the word of it be lost.
    """
    try:
        return future.result()
    except Exception as error:
        finished = (out / name / "run.json").exists()
        return Outcome(name, None if finished else f"its worker or the scheduler was lost ({in_a_line(error)})")
