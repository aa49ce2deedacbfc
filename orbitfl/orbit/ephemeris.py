"""Where a constellation is at any time of a span, from states at even steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, inf

import numpy as np

from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.frames import EarthRotation, turned
from orbitfl.orbit.jets import Jet
from orbitfl.orbit.propagator import Positions
from orbitfl.orbit.stencils import FEWEST_STEPS, Stencil, sparsest, stencil

LARGEST_TURN = 0.17
"""Radians: at 150 s, a circular orbit 400 km high. The error of a quintic grows with the sixth power."""
BYTES_AT_ONCE = 256 << 20
NOWHERE = np.empty((0, 3))
BETWEEN_NODES = 1.2
"""How much greater than at the nodes a speed or acceleration may be between them."""


@dataclass(frozen=True, slots=True, eq=False)
class Ephemeris:
    """States (n_t, n_sat + resting, 3, 3) of satellites, then of points at rest, at nodes `t_s` (n_t,), `step_s` apart.

    A state is position, velocity and acceleration, in km and seconds, in whatever axes they were sampled. Between
    two nodes a satellite follows the polynomial of degree 5 that meets all three at both: at a step of 150 s
    within centimetres of a low orbit.
    """

    t_s: Floats
    step_s: float
    states: Floats
    resting: int = 0

    @property
    def count(self) -> int:
        """The number of satellites."""
        return self.states.shape[1] - self.resting

    @property
    def position_km(self) -> Floats:
        """Of the satellites (n_t, n_sat, 3), as are velocities and accelerations."""
        return self.states[:, : self.count, 0]

    @property
    def velocity_km_s(self) -> Floats:
        return self.states[:, : self.count, 1]

    @property
    def acceleration_km_s2(self) -> Floats:
        return self.states[:, : self.count, 2]

    def at_node(self, node: Ints, body: Ints) -> Jet:
        """States (..., 3) of one satellite or point at one node each."""
        states = self.states[node, body]
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

    def in_itrs(self, rotation: EarthRotation, resting_km: Floats = NOWHERE) -> Ephemeris:
        """The satellites in the axes of the turning Earth, if these are GCRS, and points (n, 3) that rest there."""
        position_km = turned(rotation.matrices(self.t_s), self.position_km.transpose(1, 0, 2))
        return _from_samples(self.t_s, position_km, stencil(1), resting_km)

    def largest(self, vectors: Floats) -> Floats:
        """The greatest length (n_sat,) of vectors (n_t, n_sat, 3) of each satellite, at any node."""
        return np.sqrt(np.einsum("tsi,tsi->ts", vectors, vectors).max(axis=0))

    def least(self, vectors: Floats) -> Floats:
        """The smallest length (n_sat,) likewise."""
        return np.sqrt(np.einsum("tsi,tsi->ts", vectors, vectors).min(axis=0))


def ephemeris(t_s: Floats, position_km: Floats) -> Ephemeris:
    """From positions (n_sat, n_t, 3) at nine or more even nodes `t_s` (n_t,).

    Velocities and accelerations are derivatives of the polynomials through positions. A propagator's own velocities
    would not do: those of SGP4 differ by centimetres a second from the rates of its positions, which is metres
    between nodes, and those of SDP4 by more. So no force model is needed either.
    """
    return _from_samples(t_s, position_km, stencil(1), NOWHERE)


def _from_samples(t_s: Floats, position_km: Floats, stencil: Stencil, resting_km: Floats) -> Ephemeris:
    steps, count = len(t_s) - 1, len(position_km)
    step_s = float(t_s[-1] - t_s[0]) / steps
    states = np.empty((steps + 1, count + len(resting_km), 3, 3))
    stencil.fill(states[:, :count], position_km, step_s)
    states[:, count:, 0], states[:, count:, 1:] = resting_km, 0.0
    return Ephemeris(t_s, step_s, states, len(resting_km))


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """The ephemeris of a propagator from 0 to `duration_s`, in parts that share their end nodes.

    Each part takes some 256 MB at most, so that a year of a constellation needs no more memory than a day. Parts
    are made while one iterates; if there is but one, it is kept in `only`. `sampled` makes it.
    """

    propagator: Positions
    stencil: Stencil
    bounds: tuple[int, ...]
    nodes_s: Floats
    resting_km: Floats
    only: Ephemeris | None

    @property
    def step_s(self) -> float:
        return float(self.nodes_s[1])

    def __iter__(self) -> Iterator[Ephemeris]:
        if self.only is not None:
            yield self.only
            return
        for first, last in pairwise(self.bounds):
            yield self._part(first, last)

    def _part(self, first: int, last: int) -> Ephemeris:
        nodes_s = self.nodes_s[first : last + 1]
        position_km = self.propagator.positions(nodes_s[self.stencil.samples(last - first)])
        return _from_samples(nodes_s, position_km, self.stencil, self.resting_km)


def sampled(
    propagator: Positions,
    duration_s: float,
    step_s: float,
    resting_km: Floats = NOWHERE,
    allowed_km2: float = inf,
) -> Sampled:
    """Sample at even steps of at most `step_s`, and so that no satellite turns by more than `LARGEST_TURN` in one.

    resting_km: points (n, 3) at rest in the same axes. allowed_km2: how far a quintic per step may stray from
    products of two positions, see `product_error_km2`.
    """
    while True:
        steps = max(FEWEST_STEPS, ceil(duration_s / step_s))
        found = _sampled(propagator, duration_s, steps, resting_km)
        turn = found.step_s * max(fastest_rad_s(part) for part in found)
        error_km2 = 0.0 if allowed_km2 == inf else max(product_error_km2(part) for part in found)
        if turn > 1.001 * LARGEST_TURN:
            step_s = found.step_s * LARGEST_TURN / turn
        elif error_km2 > allowed_km2:
            step_s = found.step_s * 0.99 * (allowed_km2 / error_km2) ** (1 / 6)
        else:
            return found


def _sampled(propagator: Positions, duration_s: float, steps: int, resting_km: Floats) -> Sampled:
    """In so many steps, or a few more: a multiple of the stride."""
    most = max(64, BYTES_AT_ONCE // (9 * 8 * (propagator.count + len(resting_km))))
    chosen = sparsest(int(propagator.smooth_s * steps / duration_s), min(steps, most))
    parts, strides = ceil(steps / most), ceil(steps / chosen.stride)
    nodes_s = np.linspace(0.0, duration_s, strides * chosen.stride + 1)
    bounds = tuple(round(part * strides / parts) * chosen.stride for part in range(parts + 1))
    found = Sampled(propagator, chosen, bounds, nodes_s, resting_km, None)
    return replace(found, only=next(iter(found))) if parts == 1 else found


def fastest_rad_s(ephemeris: Ephemeris) -> float:
    """The greatest speed over distance from the Earth's centre, of any satellite at any node."""
    r2, v2 = (np.einsum("tsi,tsi->ts", x, x) for x in (ephemeris.position_km, ephemeris.velocity_km_s))
    return float(np.sqrt((v2 / r2).max()))


def product_error_km2(ephemeris: Ephemeris) -> float:
    """How far the quintic between nodes is from r₁·r₂, for the fastest turning satellite and one that meets it head-on.

    The error of Hermite's quintic is at most h⁶/46080 times the sixth derivative. Of two circles run through in
    opposite senses r₁·r₂ swings twice a turn, so that is r² (2ω)⁶, and the error r² (ωh)⁶/720: the most of all pairs.
    """
    r2, v2 = (np.einsum("tsi,tsi->ts", x, x) for x in (ephemeris.position_km, ephemeris.velocity_km_s))
    return float((v2**3 / r2**2).max()) * ephemeris.step_s**6 / 720


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
