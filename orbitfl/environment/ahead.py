"""A fleet's orbits looked at ahead of time, block by block as far as asked.

The whole mission comes at once if its length is known, and an hour at a time after that. So a propagator is asked for
up to an hour beyond the last instant used.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from orbitfl.environment.trajectory import BLOCK_S
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.crossings import Windows
from orbitfl.orbit.ephemeris import Positions, sampled
from orbitfl.orbit.sampling import LONGEST_STEP_S, Sampling


@dataclass(frozen=True, slots=True, eq=False)
class Later:
    """Bodies whose second 0 is another's `start_s`."""

    bodies: Positions
    start_s: float

    @property
    def count(self) -> int:
        return self.bodies.count

    @property
    def smooth_s(self) -> float:
        return self.bodies.smooth_s

    def positions(self, t_s: ArrayLike) -> Floats:
        return self.bodies.positions(self.start_s + np.asarray(t_s))


@dataclass(frozen=True, slots=True, eq=False)
class Orbits:
    """Satellites by name, and the Sun as one body in the same axes."""

    names: Sequence[str]
    satellites: Positions
    light: Positions


class Block(NamedTuple):
    """Satellites from `start_s` to `end_s` of the mission; times in the parts count from `start_s`."""

    start_s: float
    end_s: float
    satellites: Sampling
    light: Positions


Look = Callable[[Block], None]


class Ahead:
    """Looks at block after block of a mission, the first one `first_s` long."""

    def __init__(self, orbits: Orbits, radius_km: float, first_s: float | None, look: Look) -> None:
        self._orbits, self._radius_km, self._look = orbits, radius_km, look
        self._next_s, self.horizon_s = first_s or BLOCK_S, 0.0

    def reach(self, t_s: float) -> None:
        """Look as far as `t_s`, at least; the launch needs a look, too."""
        while self.horizon_s < t_s or not self.horizon_s:
            start_s, orbits = self.horizon_s, self._orbits
            parts = sampled(Later(orbits.satellites, start_s), self._next_s, LONGEST_STEP_S)
            satellites = Sampling(tuple(orbits.names), parts, self._radius_km)
            end_s = start_s + self._next_s
            self._look(Block(start_s, end_s, satellites, Later(orbits.light, start_s)))
            self.horizon_s, self._next_s = end_s, BLOCK_S


class Edges(NamedTuple):
    """When a window of one satellite opens or closes, in mission seconds; opened: whether one is open at the start."""

    opened: bool
    toggles_s: list[float]


def edges_by_satellite(windows: Windows, count: int, start_s: float) -> list[Edges]:
    """What the span itself cuts off opens and closes nothing."""
    order = np.argsort(windows.series, kind="stable")
    instants_s = start_s + np.stack([windows.start_s[order], windows.end_s[order]], axis=1)
    real = ~np.stack([windows.cut_start[order], windows.cut_end[order]], axis=1)
    cuts = np.searchsorted(windows.series[order], np.arange(count + 1)).tolist()
    opened = np.isin(np.arange(count), windows.series[windows.cut_start]).tolist()
    return [
        Edges(opened[node], instants_s[first:last][real[first:last]].tolist())
        for node, (first, last) in enumerate(pairwise(cuts))
    ]
