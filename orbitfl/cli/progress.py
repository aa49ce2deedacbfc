"""How far long work has come: a bar on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from orbitfl.progress import Notify

PATIENCE_S = 2.0


@contextmanager
def reporting() -> Iterator[Notify]:
    """Yield `notify(what, done, total)`, which tells the person on stderr."""
    if sys.stderr.isatty():
        with _bars() as notify:
            yield notify
    else:
        yield _lines()


def patient(notify: Notify) -> Notify:
    """Tells nothing for the first moments, so that short work stays silent."""
    begun_s = monotonic()

    def told(what: str, done: int, total: int) -> None:
        if monotonic() - begun_s > PATIENCE_S:
            notify(what, done, total)

    return told


@contextmanager
def _bars() -> Iterator[Notify]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("gone, left"),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as bars:

        def notify(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done)

        yield notify


def _lines() -> Notify:
    """One line per quarter of each piece of work."""
    told: dict[str, int] = {}

    def notify(what: str, done: int, total: int) -> None:
        quarter = 4 * done // max(total, 1)
        if quarter > told.get(what, -1):
            told[what] = quarter
            print(f"{what}: {25 * quarter} %", file=sys.stderr, flush=True)

    return notify
