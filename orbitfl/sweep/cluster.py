"""The same runs on a Dask cluster whose workers see the same files."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from orbitfl.errors import ScenarioError
from orbitfl.sweep.grid import Trial
from orbitfl.sweep.trials import Outcome, carry_out

PATIENCE_S = 10


def on_cluster(trials: Sequence[Trial], out: Path, address: str) -> Iterator[Outcome]:
    """As `trials.carried_out`; Dask itself begins a lost worker's run again, as often as the scheduler's
    `distributed.scheduler.allowed-failures` says (3 unless it was set).

    Raises ScenarioError when dask is not installed, or no scheduler answers at `address`.
    """
    try:
        from distributed import Client, as_completed
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
        folder = out.resolve()
        futures = {client.submit(carry_out, trial, folder, pure=False, retries=1): trial for trial in trials}
        for future in as_completed(list(futures)):
            problem = future.exception()
            yield (
                future.result()
                if problem is None
                else Outcome(futures[future].name, f"its worker was lost ({problem})")
            )
