"""What a fleet receives from the Sun and the Earth, as pieces of time in which it stays the same."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from orbitfl.environment.ahead import Ahead, Block, Edges, Orbits, edges_by_satellite
from orbitfl.environment.options import Bus
from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.ephemeris import Ephemeris
from orbitfl.orbit.shadow import shadows

EVEN = 0.01
"""A satellite whose (R/r)² varies by less keeps one mean; others get a piece for every step of the sampling, 150 s or
less, with its own. So heat is exact over each piece, and within one the temperature is off by less than
infrared_w Δ(R/r)² L / (8 C): 2e-4 K for a craft of 36 kJ/K."""


class Inputs(NamedTuple):
    """Until when (mission seconds), what the panels give and what heats the satellite; numbers or arrays (n,)."""

    end_s: float
    panels_w: float
    heat_w: float


class Track(NamedTuple):
    """The pieces of one satellite in order: when each begins, and its `Inputs` as plain tuples. Both grow."""

    starts_s: list[float]
    inputs: list[tuple[float, float, float]]


class Sky:
    """Pieces of constant inputs for every satellite, as far as `reach` was asked."""

    def __init__(self, bus: Bus, orbits: Orbits, first_s: float | None) -> None:
        self._bus, self._count = bus, len(orbits.names)
        self._tracks = [Track([], []) for _ in orbits.names]
        self._ahead = Ahead(orbits, bus.sphere_km, first_s, self._append)
        self._columns: _Columns | None = None

    @property
    def horizon_s(self) -> float:
        return self._ahead.horizon_s

    def reach(self, t_s: float) -> None:
        self._ahead.reach(t_s)

    def at(self, node: int, t_s: float) -> Inputs:
        """The piece that holds an instant within the horizon; at its end, the next one."""
        starts_s, inputs = self._tracks[node]
        return Inputs(*inputs[bisect_right(starts_s, t_s) - 1])

    def track(self, node: int) -> Track:
        """All pieces of a satellite; to be asked once, since it grows with the horizon."""
        return self._tracks[node]

    def at_all(self, t_s: Floats) -> Inputs:
        """The same for each satellite at its own instant, (n_sat,)."""
        if self._columns is None:
            self._columns = _columns(self._tracks, self.horizon_s)
        return self._columns.at(t_s)

    def _append(self, block: Block) -> None:
        thermal, bus = self._bus.thermal, self._bus
        edges = edges_by_satellite(shadows(block.satellites, block.light), self._count, block.start_s)
        nodes_s, views = _views(block, bus.sphere_km)
        for node in range(self._count):
            starts_s, dark, view = _pieces(nodes_s, edges[node], views[:, node])
            ends_s = np.append(starts_s[1:], block.end_s)
            panels_w = np.where(dark, 0.0, bus.charging_w)
            heat_w = np.where(dark, 0.0, thermal.sunlit_w) + thermal.infrared_w * view
            rows = zip(ends_s.tolist(), panels_w.tolist(), heat_w.tolist(), strict=True)
            self._tracks[node].starts_s.extend(starts_s.tolist())
            self._tracks[node].inputs.extend(rows)
        self._columns = None


def _views(block: Block, radius_km: float) -> tuple[Floats, Floats]:
    """Nodes (n_t,) of the sampling, and the mean of (R/r)² (n_t − 1, n_sat) between them.

    By the trapezium with its first correction, from the rates at both ends.
    """
    parts = [(part.t_s, *_view(part, radius_km)) for part in block.satellites]
    means = [(view[1:] + view[:-1]) / 2 + (t_s[1] - t_s[0]) * (rate[:-1] - rate[1:]) / 12 for t_s, view, rate in parts]
    nodes_s = np.concatenate([parts[0][0], *(t_s[1:] for t_s, _, _ in parts[1:])])
    return block.start_s + nodes_s, np.concatenate(means)


def _view(part: Ephemeris, radius_km: float) -> tuple[Floats, Floats]:
    """(R/r)² and its rate, each (n_t, n_sat)."""
    square = np.einsum("tsi,tsi->ts", part.position_km, part.position_km)
    approach = np.einsum("tsi,tsi->ts", part.position_km, part.velocity_km_s)
    view = radius_km**2 / square
    return view, -2 * view * approach / square


def _pieces(nodes_s: Floats, edges: Edges, views: Floats) -> tuple[Floats, Floats, Floats]:
    """Starts of pieces, whether each is dark, and its mean of (R/r)²."""
    if views.max() < (1 + EVEN) * views.min():
        nodes_s, views = nodes_s[[0, -1]], views.mean(keepdims=True)
    starts_s = np.union1d(nodes_s[:-1], edges.toggles_s)
    dark = (edges.opened + np.searchsorted(edges.toggles_s, starts_s, side="right")) % 2 == 1
    return starts_s, dark, views[np.searchsorted(nodes_s, starts_s, side="right").clip(1, len(views)) - 1]


class _Columns(NamedTuple):
    """All pieces in one row: satellite after satellite, each a `span_s` beyond the one before."""

    keys_s: Floats
    span_s: float
    end_s: Floats
    panels_w: Floats
    heat_w: Floats

    def at(self, t_s: Floats) -> Inputs:
        shifted = t_s + self.span_s * np.arange(len(t_s))
        place: Ints = np.searchsorted(self.keys_s, shifted, side="right") - 1
        return Inputs(self.end_s[place], self.panels_w[place], self.heat_w[place])  # type: ignore[arg-type]


def _columns(tracks: Sequence[Track], horizon_s: float) -> _Columns:
    span_s = 2 * horizon_s
    keys = [np.asarray(track.starts_s) + span_s * node for node, track in enumerate(tracks)]
    columns = np.concatenate([np.asarray(track.inputs) for track in tracks]).T
    return _Columns(np.concatenate(keys), span_s, *columns)
