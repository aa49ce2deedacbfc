"""What is freed stays with the process, for what is wanted next.

The GNU C library hands large arrays back to the system as soon as they are freed. Gradient steps and exchanges free and
want arrays of the same sizes again and again, and fresh pages cost more than most of the sums on them; on virtual
machines whose host has to find them, several times as much.
"""

import ctypes
import sys

TRIM_THRESHOLD, MMAP_MAX = -1, -4
"""Parameters of mallopt(3), by their numbers in malloc.h."""
NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """For the whole process, from now on, so for whom the process belongs to: `orbitfl run`, and what measures it.

    Other C libraries have no such setting and are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(TRIM_THRESHOLD, NEVER)
        mallopt(MMAP_MAX, 0)
