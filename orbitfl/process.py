"""What this process has: memory from the system, packages from its environment."""

import ctypes
import resource
import sys
from importlib import metadata
from pathlib import Path

OWN_STATUS = Path("/proc/self/status")

TRIM_THRESHOLD, MMAP_MAX = -1, -4
"""Parameters of mallopt(3), by their numbers in malloc.h."""
NEVER = 2**31 - 1


def peak_byte(status: Path = OWN_STATUS) -> int | None:
    """The most memory this process, or the one of another /proc/PID/status, has held; None where /proc does not tell.

    Not `getrusage`: on Linux its maximum is inherited from the process that started this one.
    """
    try:
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), None)


def own_peak_byte() -> int:
    """The most memory this process has held; where /proc does not tell, what `getrusage` says."""
    unit_byte = 1 if sys.platform == "darwin" else 1024
    return peak_byte() or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit_byte


def installed(package: str) -> str | None:
    """Its version; None for what is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def keep_freed_memory() -> None:
    """For the whole process, from now on, so for whom the process belongs to: `orbitfl run`, and what measures it.

    The GNU C library hands large arrays back to the system as soon as they are freed. Gradient steps and exchanges free
    and want arrays of the same sizes again and again, and fresh pages cost more than most of the sums on them; on
    virtual machines whose host has to find them, several times as much. Other C libraries have no such setting and are
    left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(TRIM_THRESHOLD, NEVER)
        mallopt(MMAP_MAX, 0)
