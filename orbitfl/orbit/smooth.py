"""A curve from any function of time whose second derivative is bounded."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.crossings import Changes, crossings, halved, may_cross, steps_at_once
from orbitfl.orbit.jets import Jet

QUINTIC_S = 5.0
"""Within so many seconds a quintic describes the range of a satellite that passes 200 km overhead to a centimetre.

Of √(200² + (7.8 t)²) km it misses 1 cm at most over 5 s, 24 m over 19 s and 290 m over 30 s, which is more than the
whole margin of a pass that barely clears a high mask.
"""


class Sight(Protocol):
    """Functions of time, numbered from 0."""

    @property
    def count(self) -> int: ...

    @property
    def t_s(self) -> Floats:
        """Even nodes (n_t,) between which the functions are known."""
        ...

    @property
    def bend_limit(self) -> Floats:
        """The greatest |second derivative| of each, (count,)."""
        ...

    def at_nodes(self, first: int, last: int) -> Floats:
        """Values (n_nodes, count) from node `first` to `last`, both included."""
        ...

    def jet(self, series: Ints, t_s: Floats) -> Jet:
        """One function at one time each, (n,)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class SmoothCurve:
    """The `Curve` of a sight: intervals between nodes are halved until they are `QUINTIC_S` wide."""

    sight: Sight

    @property
    def count(self) -> int:
        return self.sight.count

    @property
    def t_s(self) -> Floats:
        return self.sight.t_s

    @property
    def steps_at_once(self) -> int:
        return steps_at_once(self.count)

    @property
    def ticks(self) -> int:
        """How many intervals a step is cut into, at most."""
        return 1 << max(0, ceil(log2(self._step_s() / QUINTIC_S)))

    @property
    def tick_s(self) -> float:
        return self._step_s() / self.ticks

    def time_s(self, tick: Ints) -> Floats:
        return self.t_s[0] + tick * self.tick_s

    def positive(self, node: int) -> NDArray[np.bool_]:
        series = np.arange(self.count)
        return self._jet(series, np.full(self.count, node * self.ticks)).value > 0

    def changes(self, first: int, last: int) -> Changes:
        values, ticks = self.sight.at_nodes(first, last), self.ticks
        reach = self.sight.bend_limit * self._step_s() ** 2 / 8
        step, series = np.nonzero(may_cross(values[:-1], values[1:], reach))
        return self.crossings(
            *halved(lambda series, tick: self._jet(series, tick).value, series, (first + step) * ticks, ticks, reach)
        )

    def crossings(self, series: Ints, tick: Ints) -> Changes:
        """The changes of sign from a tick to the next."""
        return crossings(series, self.time_s(tick), self.tick_s, self._jet(series, tick), self._jet(series, tick + 1))

    def _jet(self, series: Ints, tick: Ints) -> Jet:
        return self.sight.jet(series, self.time_s(tick))

    def _step_s(self) -> float:
        return float(self.t_s[-1] - self.t_s[0]) / (len(self.t_s) - 1)
