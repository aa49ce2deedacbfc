"""Whether the Earth hides the Sun from a satellite, as PASEOS tells it, mostly without computing anything.

PASEOS asks about one instant at a time. Eclipses of a sphere some metres smaller and of one some metres greater are
found ahead of time; an instant that both agree on needs no more, and one between their edges gets PASEOS's own test.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from orbitfl.environment.ahead import Ahead, Block, Orbits, edges_by_satellite
from orbitfl.environment.trajectory import Trajectories
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.clock import DAY_S
from orbitfl.orbit.earth_orbit import Vector
from orbitfl.orbit.propagator import Propagator
from orbitfl.orbit.shadow import shadows
from orbitfl.orbit.sun import sun_opposite

MARGIN_KM = 0.02
"""The two ways of computing differ by far less: 0.1 m for a cubic over 30 s and decimetres for the quintics, at any
perigee; 1 cm for edges rounded to a microsecond; 2e-7 degrees for the Sun, which is 1.4 m at the Moon's distance."""


class Eclipses:
    """When a sphere hides the Sun from each satellite: edges, in and out in turn, as far as anything was asked."""

    def __init__(self, orbits: Orbits, radius_km: float, first_s: float | None) -> None:
        self.edges_s: list[list[float]] = [[] for _ in orbits.names]
        self._ahead = Ahead(orbits, radius_km, first_s, self._append)

    def dark(self, node: int, t_s: float) -> bool:
        self._ahead.reach(t_s)
        return bisect_right(self.edges_s[node], t_s) % 2 == 1

    def steady(self, node: int, start_s: float, end_s: float) -> bool:
        """Whether a span holds no edge."""
        self._ahead.reach(end_s)
        edges_s = self.edges_s[node]
        return bisect_right(edges_s, start_s) == bisect_right(edges_s, end_s)

    def dark_at(self, node: int, t_s: Floats) -> NDArray[np.bool_]:
        """The same at ordered instants (n,)."""
        self._ahead.reach(float(t_s[-1]))
        return np.searchsorted(self.edges_s[node], t_s, side="right") % 2 == 1

    def dark_s(self, node: int, start_s: float, end_s: float) -> float:
        """How much of a span is dark."""
        self._ahead.reach(end_s)
        edges_s = self.edges_s[node]
        first, last = bisect_right(edges_s, start_s), bisect_right(edges_s, end_s)
        spans_s = [after - before for before, after in pairwise([start_s, *edges_s[first:last], end_s])]
        return sum(spans_s[1 - first % 2 :: 2])

    def _append(self, block: Block) -> None:
        windows = shadows(block.satellites, block.light)
        found = edges_by_satellite(windows, len(self.edges_s), block.start_s)
        for edges_s, (opened, toggles_s) in zip(self.edges_s, found, strict=True):
            # Rounding may have the two sides of a seam differ.
            seam_s = [block.start_s] if opened != (len(edges_s) % 2 == 1) else []
            edges_s += seam_s + toggles_s


Earth = Callable[[float], tuple[Vector, Vector]]
"""Where the Earth is from the Sun, m and m/s, at days since 2000 on whatever scale."""


class Shade:
    """PASEOS's `CentralBody.blocks_sun` for a fleet: does the sphere of `radius_km` cut the Sun off?

    trajectory: where each satellite is. epoch_s: mission second 0, counted from 2000-01-01 00:00.
    """

    def __init__(
        self,
        names: Sequence[str],
        propagator: Propagator,
        earth: Earth,
        epoch_s: float,
        radius_km: float,
        duration_s: float | None,
    ) -> None:
        self.trajectory = Trajectories(propagator)
        self._earth, self._epoch_s, self._square_m2 = earth, epoch_s, (1000.0 * radius_km) ** 2
        orbits = Orbits(names, propagator, sun_opposite(earth, epoch_s))
        self._inner, self._outer = (
            Eclipses(orbits, radius_km + aside, duration_s) for aside in (-MARGIN_KM, MARGIN_KM)
        )

    def dark(self, node: int, t_s: float) -> bool:
        if self._inner.dark(node, t_s):
            return True
        return self._outer.dark(node, t_s) and self.blocked(node, t_s)

    def dark_at(self, node: int, t_s: Floats) -> NDArray[np.bool_]:
        """The same at ordered instants (n,)."""
        first_s, last_s = float(t_s[0]), float(t_s[-1])
        if self._outer.steady(node, first_s, last_s) and self._inner.steady(node, first_s, last_s):
            return np.full(len(t_s), self.dark(node, first_s))
        dark, doubtful = self._inner.dark_at(node, t_s), self._outer.dark_at(node, t_s)
        for place in np.flatnonzero(doubtful & ~dark).tolist():
            dark[place] = self.blocked(node, float(t_s[place]))
        return dark

    def dark_s(self, node: int, start_s: float, end_s: float) -> float:
        """How much of a span is dark, within milliseconds."""
        return self._inner.dark_s(node, start_s, end_s)

    def blocked(self, node: int, t_s: float) -> bool:
        """PASEOS's test in plain floats.

        With s = √(|r|² − R²), the segment between two points outside a sphere of radius R misses it if and only if
        r₁·r₂ + s₁s₂ > R².
        """
        p, square = self.trajectory[node](t_s)[0], self._square_m2
        e = self._earth((self._epoch_s + t_s) / DAY_S)[0]
        along = -(p[0] * e[0] + p[1] * e[1] + p[2] * e[2])
        above = max(p[0] ** 2 + p[1] ** 2 + p[2] ** 2 - square, 0.0)
        sun_above = e[0] ** 2 + e[1] ** 2 + e[2] ** 2 - square
        return along + sqrt(above * sun_above) <= square
