"""A board profile of this machine, each number with how it was measured."""

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from math import isfinite

from orbitfl.errors import OrbitflError
from orbitfl.experiment.machine import processor
from orbitfl.progress import Notify
from orbitfl.scenario.profiles import Board, Figure
from orbitfl.training.costs import Cost, Costs, measure
from orbitfl.training.rapl import POWERCAP, EnergyCounter, find_counter

DIGITS = 4
"""More do not repeat from one measurement to the next."""


@dataclass(frozen=True, kw_only=True)
class Profiling:
    """What to measure, and what the user knows of the machine's power.

    watts: at work; standby_w: idle. Given, they go before what the machine counts. standby_w left out beside watts is
    taken as watts: the machine then draws as much idle as at work, which its user can only overestimate.
    Raises OrbitflError for impossible values.
    """

    model: str
    image_px: int
    batch_size: int
    repeats: int
    watts: float | None = None
    standby_w: float | None = None

    def __post_init__(self) -> None:
        for option, value in (("--watts", self.watts), ("--standby-watts", self.standby_w)):
            if value is not None and not (isfinite(value) and value > 0):
                raise OrbitflError(f"{option} is {value}; it must be a number of watts greater than 0.")
        if self.watts is None and self.standby_w is not None:
            raise OrbitflError("--standby-watts was given without --watts; give both.")


def measured_board(options: Profiling, name: str, notify: Notify) -> Board:
    """Measure this machine. Raises OrbitflError where neither the user nor the machine tells its watts."""
    counter = None if options.watts is not None else _counter()
    costs = measure(options.model, options.image_px, options.batch_size, options.repeats, counter, notify)
    return _board(name, costs, options)


def _counter() -> EnergyCounter:
    counter = find_counter()
    if counter is None:
        raise OrbitflError(
            f"this machine does not tell what it draws ({POWERCAP}/intel-rapl:*/energy_uj cannot be read, or is not "
            "there). Read a power meter or the maker's datasheet and give the watts at work and idle, such as "
            "--watts 12 --standby-watts 4."
        )
    return counter


def _board(name: str, costs: Costs, options: Profiling) -> Board:
    how = _how(costs, options)

    def seconds(cost: Cost) -> Figure:
        return Figure(_rounded(cost.seconds), how)

    def watts(cost: Cost) -> Figure:
        return _watts(cost, options, how)

    return Board(
        name=name,
        train_step_s=seconds(costs.train_step),
        train_w=watts(costs.train_step),
        inference_s=seconds(costs.inference),
        inference_w=watts(costs.inference),
        merge_s=seconds(costs.merge),
        merge_w=watts(costs.merge),
        standby_w=_standby(costs, options, how),
        memory_byte=Figure(float(_memory_byte()), "told by the operating system"),
        peak_memory_byte=Figure(float(costs.peak_byte), f"peak of the process; {how}"),
    )


def _how(costs: Costs, options: Profiling) -> str:
    command = f"orbitfl profile --model {options.model} --image-px {options.image_px} --batch {options.batch_size}"
    versions = ", ".join(f"{package} {metadata.version(package)}" for package in ("orbitfl", "torch"))
    return (
        f"measured with {command}: median of {options.repeats}, warm-up left out, training from kept embeddings; "
        f"{processor()}, {os.cpu_count()} cores, {platform.machine()}, {costs.threads} threads; "
        f"{versions}, Python {platform.python_version()}; {datetime.now(UTC):%Y-%m-%d}"
    )


def _watts(cost: Cost, options: Profiling, how: str) -> Figure:
    if options.watts is not None:
        return Figure(options.watts, "given by the user with --watts")
    return _counted(cost.watts, how)


def _standby(costs: Costs, options: Profiling, how: str) -> Figure:
    if options.standby_w is not None:
        return Figure(options.standby_w, "given by the user with --standby-watts")
    if options.watts is not None:
        return Figure(options.watts, "given by the user with --watts, for work and standby alike")
    return _counted(costs.standby_w, how)


def _counted(watts: float | None, how: str) -> Figure:
    if not watts:
        raise OrbitflError("this machine's energy counter stood still; give --watts and --standby-watts instead.")
    return Figure(_rounded(watts), f"RAPL, processor and memory alone; {how}")


def _memory_byte() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
