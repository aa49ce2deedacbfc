"""What binds the processes of a sweep: to their parent, and to the folders that they work in."""

import fcntl
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from orbitfl.files import LOCK

LOOK_EVERY_S = 0.5
ORPHANED = 1
"""The code of a process that ends because its parent has."""


def end_with(parent: int) -> None:
    """Have this process end as soon as `parent`, who started it, is gone, however that ended.

    Nobody else would end it after a SIGKILL, and it would go on in its run's folder. Linux's PR_SET_PDEATHSIG watches
    the thread that started a process, which of a pool's is not the one that lasts.
    """
    threading.Thread(target=_outlive_not, args=(parent,), daemon=True).start()


def _outlive_not(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY_S)
    # Not sys.exit: it would end this thread alone. What a run writes stands to be killed at any moment.
    os._exit(ORPHANED)


def is_held(folder: Path) -> bool:
    """Whether a process works in `folder` now, as by `orbitfl.files.locked`; no if its file system knows no locks."""
    with suppress(OSError), (folder / LOCK).open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
