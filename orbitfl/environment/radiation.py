"""When energetic particles restart or destroy a satellite: Poisson events from a stream of its own."""

from math import exp, inf, log1p

import numpy as np

from orbitfl.environment.base import Activity, Reason
from orbitfl.environment.options import Radiation
from orbitfl.purposes import Purpose


class Stream:
    """Random numbers from 0 to 1 of one satellite, which counts what it gave, so that it can go on from there."""

    def __init__(self, seed: int, node: int, draws: int) -> None:
        bits = np.random.PCG64([seed, Purpose.RADIATION, node])
        bits.advance(draws)
        self._random, self.draws = np.random.Generator(bits).random, draws

    def __call__(self) -> float:
        self.draws += 1
        return self._random()


def strike(radiation: Radiation, stream: Stream, duration_s: float) -> Reason | None:
    """What happens in a step of so many seconds, drawn in PASEOS's order: first restarts, then failures."""
    if stream() < probability(radiation.restarts_per_s, duration_s):
        return Reason.RESTARTED
    return Reason.FAILED if stream() < probability(radiation.failures_per_s, duration_s) else None


def probability(events_per_s: float, duration_s: float) -> float:
    """Of at least one event."""
    return 1 - exp(-duration_s * events_per_s)


class Fate:
    """The instants at which one satellite fails and next restarts: exponential waiting times, one after another."""

    def __init__(self, radiation: Radiation, seed: int, node: int, draws: int) -> None:
        self._radiation, self._stream = radiation, Stream(seed, node, 0)
        self.failure_s = self._waiting_s(radiation.failures_per_s)
        self.restart_s = self._waiting_s(radiation.restarts_per_s)
        while self.draws < draws:
            self._next_restart()

    @property
    def draws(self) -> int:
        return self._stream.draws

    def before(self, now_s: float, until_s: float, activity: Activity) -> tuple[float, Reason | None]:
        """When an activity from `now_s`, which only moves on, is struck, and by what; else `until_s` and None."""
        while self.restart_s <= now_s:
            self._next_restart()
        if self.failure_s < until_s and (activity is Activity.STANDBY or self.failure_s <= self.restart_s):
            return self.failure_s, Reason.FAILED
        if self.restart_s < until_s and activity is not Activity.STANDBY:
            return self.restart_s, Reason.RESTARTED
        return until_s, None

    def _next_restart(self) -> None:
        self.restart_s += self._waiting_s(self._radiation.restarts_per_s)

    def _waiting_s(self, events_per_s: float) -> float:
        waiting = -log1p(-self._stream())
        return waiting / events_per_s if events_per_s else inf
