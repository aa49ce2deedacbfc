"""CPU time and memory of this process, and what machine it is."""

import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from orbitfl.experiment.machine import processor

Result = TypeVar("Result")
PATIENCE_S = 5.0
OWN_STATUS = Path("/proc/self/status")


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


def peak_byte(status: Path = OWN_STATUS) -> int | None:
    """The most memory this process, or the one of another /proc/PID/status, has held; None where /proc does not tell.

    Not `getrusage`: on Linux its maximum is inherited from the process that started this one.
    """
    try:
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), None)


def machine() -> dict[str, Any]:
    """The processor, Python, and the one thread that benchmarks take."""
    return {"processor": processor(), "python": platform.python_version(), "threads": 1}
