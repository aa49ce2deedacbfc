"""Where a constellation is at any time of a span, from states at even steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import ceil, comb
from typing import Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.frames import EarthRotation, turned
from orbitfl.orbit.jets import Jet
from orbitfl.orbit.propagator import Propagator

STENCIL = 9
FEWEST_STEPS = STENCIL - 1
LARGEST_TURN = 0.17
"""Radians: at 150 s, a circular orbit 400 km high. The error of a quintic grows with the sixth power."""
BYTES_AT_ONCE = 256 << 20
BETWEEN_NODES = 1.2
"""How much greater than at the nodes a speed or acceleration may be between them."""


class Positions(Protocol):
    """What is sampled: the part of a `Propagator` that needs no frame."""

    @property
    def count(self) -> int: ...

    def positions(self, t_s: ArrayLike) -> Floats: ...


@dataclass(frozen=True, slots=True, eq=False)
class Ephemeris:
    """States (n_t, n_sat, 3, 3) of satellites at nodes `t_s` (n_t,), `step_s` apart.

    A state is position, velocity and acceleration, in km and seconds, in whatever axes they were sampled. Between
    two nodes a satellite follows the polynomial of degree 5 that meets all three at both: at a step of 150 s
    within centimetres of a low orbit.
    """

    t_s: Floats
    step_s: float
    states: Floats

    @property
    def count(self) -> int:
        return self.states.shape[1]

    @property
    def position_km(self) -> Floats:
        return self.states[:, :, 0]

    @property
    def velocity_km_s(self) -> Floats:
        return self.states[:, :, 1]

    @property
    def acceleration_km_s2(self) -> Floats:
        return self.states[:, :, 2]

    def at_node(self, node: Ints, satellite: Ints) -> Jet:
        """States (..., 3) of one satellite at one node each."""
        states = self.states[node, satellite]
        return Jet(states[..., 0, :], states[..., 1, :], states[..., 2, :])

    def node_before(self, t_s: Floats) -> Ints:
        """The node that begins the interval in which a time lies; the last interval holds its end too."""
        return np.clip(((t_s - self.t_s[0]) / self.step_s).astype(np.intp), 0, len(self.t_s) - 2)

    def at(self, satellite: Ints, t_s: Floats) -> Jet:
        """States (n, 3) of one satellite at one time each, (n,); at the nodes exactly theirs."""
        node, share = self._place(t_s)
        ends = self.ends(node, satellite)
        return Jet(*(weighted(weights(share, self.step_s), ends) for weights in WEIGHTS))

    def position_at(self, satellite: Ints, t_s: Floats) -> Floats:
        """Positions (n, 3) of one satellite at one time each, (n,)."""
        node, share = self._place(t_s)
        return weighted(value_weights(share, self.step_s), self.ends(node, satellite))

    def _place(self, t_s: Floats) -> tuple[Ints, Floats]:
        """The node before each time, and the share of the step since."""
        node = self.node_before(t_s)
        return node, (t_s - self.t_s[node]) / self.step_s

    def ends(self, node: Ints, satellite: Ints) -> Floats:
        """Position, velocity and acceleration at a node, then at the next: (n, 6, 3)."""
        return np.concatenate([self.states[node, satellite], self.states[node + 1, satellite]], axis=1)

    def in_itrs(self, rotation: EarthRotation) -> Ephemeris:
        """The same satellites in the axes of the turning Earth, if these are GCRS."""
        return ephemeris(self.t_s, turned(rotation.matrices(self.t_s), self.position_km.transpose(1, 0, 2)))

    def with_fixed(self, position_km: Floats) -> Ephemeris:
        """With points (n, 3) that rest in these axes, numbered after the satellites."""
        still = np.zeros((len(self.t_s), len(position_km), 3, 3))
        still[:, :, 0] = position_km
        return Ephemeris(self.t_s, self.step_s, np.concatenate([self.states, still], axis=1))

    def largest(self, vectors: Floats) -> Floats:
        """The greatest length (n_sat,) of vectors (n_t, n_sat, 3) of each satellite, at any node."""
        return np.sqrt(np.einsum("tsi,tsi->ts", vectors, vectors).max(axis=0))


def ephemeris(t_s: Floats, position_km: Floats) -> Ephemeris:
    """From positions (n_sat, n_t, 3) at nine or more even nodes `t_s` (n_t,).

    Velocities and accelerations are the derivatives of the polynomial of degree 8 through nine positions in a row.
    A propagator's own velocities would not do: those of SGP4 differ by centimetres a second from the rates of its
    positions, which is metres between nodes, and those of SDP4 by more. So no force model is needed either.
    """
    step_s = float(t_s[-1] - t_s[0]) / (len(t_s) - 1)
    n_sat, n_t, _ = position_km.shape
    values = position_km.transpose(1, 0, 2).reshape(n_t, -1)
    rates = _differences() / step_s
    orders = (values, _derivative(values, rates), _derivative(values, rates @ rates))
    return Ephemeris(t_s, step_s, np.stack([each.reshape(n_t, n_sat, 3) for each in orders], axis=2))


def _derivative(values: Floats, weights: Floats) -> Floats:
    """Of columns (n_t, m): in the middle of nine rows, but near the ends."""
    side = STENCIL // 2
    inner = np.einsum("tmk,k->tm", sliding_window_view(values, STENCIL, axis=0), weights[side])
    return np.concatenate([weights[:side] @ values[:STENCIL], inner, weights[-side:] @ values[-STENCIL:]])


@cache
def _differences() -> Floats:
    """Weights (9, 9) of values at 0 … 8 in the slopes of their polynomial there.

    Berrut & Trefethen, Barycentric Lagrange interpolation, SIAM Review 46, 2004, eq. 9.4 and 9.5.
    """
    place = np.arange(STENCIL)
    weight = (-1.0) ** place * [comb(STENCIL - 1, k) for k in place.tolist()]
    apart = place[:, None] - place + np.eye(STENCIL)
    slopes = weight / weight[:, None] / apart
    np.fill_diagonal(slopes, 0.0)
    np.fill_diagonal(slopes, -slopes.sum(axis=1))
    return slopes


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """The ephemeris of a propagator from 0 to `duration_s`, in parts that share their end nodes.

    Each part takes some 256 MB at most, so that a year of a constellation needs no more memory than a day. Parts
    are made while one iterates; if there is but one, it is kept in `only`. `sampled` makes it.
    """

    propagator: Positions
    bounds: tuple[int, ...]
    nodes_s: Floats
    only: Ephemeris | None

    @property
    def step_s(self) -> float:
        return float(self.nodes_s[1])

    def __iter__(self) -> Iterator[Ephemeris]:
        if self.only is not None:
            yield self.only
            return
        for first, last in pairwise(self.bounds):
            yield _sample(self.propagator, self.nodes_s[first : last + 1])


@dataclass(frozen=True, slots=True, eq=False)
class InItrs:
    """A propagator's satellites in the axes of the turning Earth; all that `sampled` asks of one."""

    propagator: Propagator
    rotation: EarthRotation

    @property
    def count(self) -> int:
        return self.propagator.count

    def positions(self, t_s: ArrayLike) -> Floats:
        times_s = np.asarray(t_s, dtype=np.float64)
        return turned(self.rotation.matrices(times_s), self.propagator.positions(times_s))


def sampled(propagator: Positions, duration_s: float, step_s: float) -> Sampled:
    """Sample at even steps of at most `step_s`, and so that no satellite turns by more than `LARGEST_TURN` in one."""
    while True:
        steps = max(FEWEST_STEPS, ceil(duration_s / step_s))
        nodes_s = np.linspace(0.0, duration_s, steps + 1)
        parts = ceil(steps / max(64, BYTES_AT_ONCE // (9 * 8 * propagator.count)))
        bounds = tuple(round(part * steps / parts) for part in range(parts + 1))
        found = Sampled(propagator, bounds, nodes_s, _sample(propagator, nodes_s) if parts == 1 else None)
        turn = found.step_s * max(fastest_rad_s(part) for part in found)
        if turn <= 1.001 * LARGEST_TURN:
            return found
        step_s = found.step_s * LARGEST_TURN / turn


def fastest_rad_s(ephemeris: Ephemeris) -> float:
    """The greatest speed over distance from the Earth's centre, of any satellite at any node."""
    r2, v2 = (np.einsum("tsi,tsi->ts", x, x) for x in (ephemeris.position_km, ephemeris.velocity_km_s))
    return float(np.sqrt((v2 / r2).max()))


def _sample(propagator: Positions, nodes_s: Floats) -> Ephemeris:
    return ephemeris(nodes_s, propagator.positions(nodes_s))


def value_weights(u, h):
    """Weights of position, velocity and acceleration at both ends of a step `h` in the quintic at a share `u` of it.

    Plain arithmetic, for arrays here and for numbers in compiled loops.
    """
    cube = u * u * u
    w3 = cube * (10 - u * (15 - 6 * u))
    w1, w4 = h * (u - cube * (6 - u * (8 - 3 * u))), h * cube * (u * (7 - 3 * u) - 4)
    w2, w5 = h * h / 2 * (u * u - cube * (3 - u * (3 - u))), h * h / 2 * cube * (1 - u * (2 - u))
    return 1 - w3, w1, w2, w3, w4, w5


def slope_weights(u, h):
    """The same for the quintic's rate."""
    square = u * u
    w3 = 30 * square * (1 - u * (2 - u)) / h
    w1, w4 = 1 - square * (18 - u * (32 - 15 * u)), square * (u * (28 - 15 * u) - 12)
    w2, w5 = h / 2 * u * (2 - u * (9 - u * (12 - 5 * u))), h / 2 * square * (3 - u * (8 - 5 * u))
    return -w3, w1, w2, w3, w4, w5


def bend_weights(u, h):
    """The same for the rate of its rate."""
    w3 = 60 * u * (1 - u * (3 - 2 * u)) / (h * h)
    w1, w4 = u * (u * (96 - 60 * u) - 36) / h, u * (u * (84 - 60 * u) - 24) / h
    w2, w5 = 1 - u * (9 - u * (18 - 10 * u)), u * (3 - u * (12 - 10 * u))
    return -w3, w1, w2, w3, w4, w5


WEIGHTS = (value_weights, slope_weights, bend_weights)


def weighted(weights: tuple[Floats, ...], ends: Floats) -> Floats:
    w0, w1, w2, w3, w4, w5 = (weight[:, None] for weight in weights)
    first = w0 * ends[:, 0] + w1 * ends[:, 1] + w2 * ends[:, 2]
    return first + (w3 * ends[:, 3] + w4 * ends[:, 4] + w5 * ends[:, 5])
