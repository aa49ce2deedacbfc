"""Where a constellation is at any time of a span, from states at even steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np

from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.frames import EarthRotation
from orbitfl.orbit.jets import Jet
from orbitfl.orbit.propagator import Propagator

FEWEST_STEPS = 2
LARGEST_TURN = 0.2
"""Radians: at 180 s, a circular orbit 540 km high. The error of a quintic grows with the sixth power."""
BYTES_AT_ONCE = 256 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Ephemeris:
    """States (n_t, n_sat, 3, 3) of satellites at nodes `t_s` (n_t,), `step_s` apart.

    A state is position, velocity and acceleration, in km and seconds, in whatever axes they were sampled. Between
    two nodes a satellite follows the polynomial of degree 5 that meets all three at both: at a step of 180 s
    within a decimetre of a low orbit.
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
        """States (n, 3) of one satellite at one time each, (n,)."""
        u, coefficients = self._quintic(satellite, t_s)
        c0, c1, c2, c3, c4, c5 = coefficients
        return Jet(
            c0 + u * (c1 + u * (c2 + u * (c3 + u * (c4 + u * c5)))),
            (c1 + u * (2 * c2 + u * (3 * c3 + u * (4 * c4 + u * 5 * c5)))) / self.step_s,
            (2 * c2 + u * (6 * c3 + u * (12 * c4 + u * 20 * c5))) / self.step_s**2,
        )

    def position_at(self, satellite: Ints, t_s: Floats) -> Floats:
        """Positions (n, 3) of one satellite at one time each, (n,)."""
        node = self.node_before(t_s)
        ends = self.states[node, satellite], self.states[node + 1, satellite]
        weights = hermite_weights((t_s - self.t_s[node]) / self.step_s, self.step_s)
        parts = (end[:, order] for end in ends for order in range(3))
        return sum((weight[:, None] * part for weight, part in zip(weights, parts, strict=True)), np.zeros(3))

    def in_itrs(self, rotation: EarthRotation) -> Ephemeris:
        """The same satellites in the axes of the turning Earth, if these are GCRS."""
        r, v = rotation.states_to_itrs(
            self.position_km.transpose(1, 0, 2), self.velocity_km_s.transpose(1, 0, 2), self.t_s
        )
        return ephemeris(self.t_s, r, v)

    def with_fixed(self, position_km: Floats) -> Ephemeris:
        """With points (n, 3) that rest in these axes, numbered after the satellites."""
        still = np.zeros((len(self.t_s), len(position_km), 3, 3))
        still[:, :, 0] = position_km
        return Ephemeris(self.t_s, self.step_s, np.concatenate([self.states, still], axis=1))

    def largest(self, vectors: Floats) -> Floats:
        """The greatest length (n_sat,) of vectors (n_t, n_sat, 3) of each satellite, at any node."""
        return np.sqrt(np.einsum("tsi,tsi->ts", vectors, vectors).max(axis=0))

    def _quintic(self, satellite: Ints, t_s: Floats) -> tuple[Floats, tuple[Floats, ...]]:
        """Share (n, 1) of the step since the node before, and coefficients (n, 3) of its powers."""
        node = self.node_before(t_s)
        start, end, h = self.at_node(node, satellite), self.at_node(node + 1, satellite), self.step_s
        c0, c1, c2 = start.value, h * start.slope, h * h / 2 * start.bend
        miss = end.value - (c0 + c1 + c2)
        miss_slope = h * end.slope - (c1 + 2 * c2)
        miss_bend = h * h * end.bend - 2 * c2
        c3 = 10 * miss - 4 * miss_slope + miss_bend / 2
        c4 = -15 * miss + 7 * miss_slope - miss_bend
        c5 = 6 * miss - 3 * miss_slope + miss_bend / 2
        return ((t_s - self.t_s[node]) / h)[:, None], (c0, c1, c2, c3, c4, c5)


def ephemeris(t_s: Floats, position_km: Floats, velocity_km_s: Floats) -> Ephemeris:
    """From states (n_sat, n_t, 3) at three or more even steps `t_s` (n_t,)."""
    step_s = float(t_s[-1] - t_s[0]) / (len(t_s) - 1)
    n_sat, n_t, _ = position_km.shape
    states = np.empty((n_t, n_sat, 3, 3))
    states[:, :, 0], states[:, :, 1] = position_km.transpose(1, 0, 2), velocity_km_s.transpose(1, 0, 2)
    _accelerate(states, step_s)
    return Ephemeris(t_s, step_s, states)


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """The ephemeris of a propagator from 0 to `duration_s`, in parts that share their end nodes.

    Each part takes some 256 MB at most, so that a year of a constellation needs no more memory than a day. Parts
    are made while one iterates; if there is but one, it is kept in `only`. `sampled` makes it.
    """

    propagator: Propagator
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


def sampled(propagator: Propagator, duration_s: float, step_s: float) -> Sampled:
    """Sample at even steps of at most `step_s`, and so that no satellite turns by more than `LARGEST_TURN` in one."""
    while True:
        steps = max(FEWEST_STEPS, ceil(duration_s / step_s))
        nodes_s = np.linspace(0.0, duration_s, steps + 1)
        parts = ceil(steps / max(64, BYTES_AT_ONCE // (9 * 8 * propagator.count)))
        bounds = tuple(round(part * steps / parts) for part in range(parts + 1))
        first = _sample(propagator, nodes_s[: bounds[1] + 1])
        turn = first.step_s * fastest_rad_s(first)
        if turn <= 1.001 * LARGEST_TURN:
            return Sampled(propagator, bounds, nodes_s, first if parts == 1 else None)
        step_s = first.step_s * LARGEST_TURN / turn


def fastest_rad_s(ephemeris: Ephemeris) -> float:
    """The greatest speed over distance from the Earth's centre, of any satellite at any node."""
    r2, v2 = (np.einsum("tsi,tsi->ts", x, x) for x in (ephemeris.position_km, ephemeris.velocity_km_s))
    return float(np.sqrt((v2 / r2).max()))


def _sample(propagator: Propagator, nodes_s: Floats) -> Ephemeris:
    return ephemeris(nodes_s, *propagator.states(nodes_s))


def _accelerate(states: Floats, step_s: float) -> None:
    """Fill in the accelerations: the second derivatives of the quintic through three states in a row.

    No force model is needed, so this serves every propagator. By Taylor's theorem the error is, at inner nodes,
    step⁴/360 of the sixth derivative of the position.
    """
    r, v = states[:, :, 0], states[:, :, 1]
    states[1:-1, :, 2] = 2 * (r[2:] - 2 * r[1:-1] + r[:-2]) / step_s**2 - (v[2:] - v[:-2]) / (2 * step_s)
    states[0, :, 2] = _at_end(r[:3], v[:3], step_s)
    states[-1, :, 2] = _at_end(r[:-4:-1], v[:-4:-1], -step_s)


def hermite_weights(u, h):
    """Weights of value, rate and acceleration at both ends of a step `h` in the quintic at a share `u` of it."""
    cube = u * u * u
    w3 = cube * (10 - u * (15 - 6 * u))
    w1, w4 = h * (u - cube * (6 - u * (8 - 3 * u))), h * cube * (u * (7 - 3 * u) - 4)
    w2, w5 = h * h / 2 * (u * u - cube * (3 - u * (3 - u))), h * h / 2 * cube * (1 - u * (2 - u))
    return 1 - w3, w1, w2, w3, w4, w5


def _at_end(r: Floats, v: Floats, step_s: float) -> Floats:
    """The same at the first of three nodes; a negative step looks back."""
    return (-11.5 * r[0] + 8 * r[1] + 3.5 * r[2]) / step_s**2 - (6 * v[0] + 8 * v[1] + v[2]) / step_s
