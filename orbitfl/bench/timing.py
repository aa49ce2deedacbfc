"""CPU time of this process, and what machine it is."""

import platform
import time
from collections.abc import Callable
from typing import Any, TypeVar

from orbitfl.experiment.machine import processor

Result = TypeVar("Result")
PATIENCE_S = 5.0


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """CPU seconds of all threads of this process, and what the work gave."""
    started_s = time.process_time()
    result = work()
    return time.process_time() - started_s, result


def fastest(work: Callable[[], Result], repeats: int) -> tuple[float, Result]:
    """The least CPU seconds of some runs, fewer if they take longer than `PATIENCE_S`, and the last one's result."""
    spent_s, result = timed(work)
    runs_s = [spent_s]
    while len(runs_s) < repeats and sum(runs_s) < PATIENCE_S:
        # Two results at once would double the memory that is being measured.
        del result
        spent_s, result = timed(work)
        runs_s.append(spent_s)
    return min(runs_s), result


def machine() -> dict[str, Any]:
    """The processor, Python, and the one thread that benchmarks take."""
    return {"processor": processor(), "python": platform.python_version(), "threads": 1}
