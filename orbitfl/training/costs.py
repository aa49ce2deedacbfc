"""What a training step, an inference and a merge cost on this machine."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch

from orbitfl.process import own_peak_byte
from orbitfl.progress import Notify
from orbitfl.training.bench import Bench, seconds_of
from orbitfl.training.rapl import EnergyCounter

IDLE_S = 3.0
"""How long the machine is left alone to count what it takes in standby."""


@dataclass(frozen=True)
class Cost:
    """Of one piece of work; `watts` is the mean while it lasts, None where the machine does not count energy."""

    seconds: float
    watts: float | None


@dataclass(frozen=True)
class Costs:
    """peak_byte: the most memory this process has taken so far, its libraries included."""

    train_step: Cost
    inference: Cost
    merge: Cost
    standby_w: float | None
    peak_byte: int
    threads: int


def measure(
    variant: str, image_px: int, batch_size: int, repeats: int, counter: EnergyCounter | None, notify: Notify
) -> Costs:
    """Each work once to warm up, then `repeats` times: the median of its seconds, the mean of its watts."""
    bench = Bench.set_up(variant, image_px, batch_size)
    works = {
        "training steps": lambda: bench.train(bench.embeddings),
        "inferences": bench.infer,
        "merges": bench.merge,
    }
    train_step, inference, merge = (_cost(work, repeats, counter, what, notify) for what, work in works.items())
    idle = None if counter is None else timed(lambda: time.sleep(IDLE_S), 1, counter, "standby", notify)
    return Costs(
        train_step=train_step,
        inference=inference,
        merge=merge,
        standby_w=idle and idle.watts,
        peak_byte=own_peak_byte(),
        threads=torch.get_num_threads(),
    )


def _cost(work: Callable[[], object], repeats: int, counter: EnergyCounter | None, what: str, notify: Notify) -> Cost:
    work()
    return timed(work, repeats, counter, what, notify)


def timed(work: Callable[[], object], repeats: int, counter: EnergyCounter | None, what: str, notify: Notify) -> Cost:
    """The median of the seconds of `repeats` times `work`, and the mean of the watts over all of them."""
    before = counter.read() if counter else ()
    taken_s = []
    for done in range(repeats):
        taken_s.append(seconds_of(work))
        notify(what, done + 1, repeats)
    joules = counter.joules_between(before, counter.read()) if counter else None
    return Cost(median(taken_s), None if joules is None else joules / sum(taken_s))
