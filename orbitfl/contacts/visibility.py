"""Which satellites see each other: bilinear forms of their states, positive when they do.

With q = (r, √(|r|² − R²)), two satellites see each other past a sphere of radius R if and only if
q₁·q₂ > R²: their distance is then less than the sum of the tangents from both to the sphere. They are nearer
than D if and only if r₁·r₂ > (|r₁|² + |r₂|² − D²)/2. Both are products of a vector of each, so one search over
sums of four products serves them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.crossings import Changes, crossings, may_cross, steps_at_once
from orbitfl.orbit.ephemeris import BETWEEN_NODES, Ephemeris
from orbitfl.orbit.jets import Jet

SINGLE_PRECISION = 0.5e-6
"""Relative error allowed for in sums in single precision, of four products and a constant; half on either side."""


@dataclass(frozen=True, eq=False)
class PairProducts:
    """g = left₁·right₂ + constant₁ for pairs of satellites `a` and `b`, each (n_pairs,), at nodes `t_s` (n_t,).

    left, right: (n_t, n_sat, 3, 4), a 4-vector with its first and second derivative. constant: (n_t, n_sat, 3).
    size, speed, turn: bounds (n_sat,) of what varies in the vectors and of its derivatives, and `drift` of the
    second derivative of what depends on one satellite alone; so |g″| ≤ turn₁ size₂ + 2 speed₁ speed₂ +
    size₁ turn₂ + drift₁ + drift₂, by Cauchy and Schwarz. offset: a bound (n_sat,) of what depends on one satellite
    alone, where it may be more than the products.
    """

    t_s: Floats
    a: Ints
    b: Ints
    left: Floats
    right: Floats
    constant: Floats
    size: Floats
    speed: Floats
    turn: Floats
    drift: Floats
    offset: Floats

    @property
    def count(self) -> int:
        return len(self.a)

    @property
    def step_s(self) -> float:
        return float(self.t_s[-1] - self.t_s[0]) / (len(self.t_s) - 1)

    @property
    def steps_at_once(self) -> int:
        return steps_at_once(self.count)

    def positive(self, node: int) -> NDArray[np.bool_]:
        left, right = self.left[node, :, 0].T, self.right[node, :, 0].T
        return _sum(left[:, self.a], right[:, self.b]) + self.constant[node, self.a, 0] > 0

    def changes(self, first: int, last: int) -> Changes:
        values = self._coarse(first, last)
        step, pair = np.nonzero(may_cross(values[:-1], values[1:], self.reach))
        return self.crossings(first + step, pair)

    def crossings(self, node: Ints, pair: Ints) -> Changes:
        """The changes of sign within single intervals, each from a node to the next."""
        return crossings(pair, self.t_s[node], self.step_s, self.jet(node, pair), self.jet(node + 1, pair))

    def jet(self, node: Ints, pair: Ints) -> Jet:
        a, b = self.a[pair], self.b[pair]
        left, right, constant = self.left[node, a], self.right[node, b], self.constant[node, a]
        x, dx, ddx = left[:, 0].T, left[:, 1].T, left[:, 2].T
        y, dy, ddy = right[:, 0].T, right[:, 1].T, right[:, 2].T
        return Jet(
            _sum(x, y) + constant[:, 0],
            _sum(dx, y) + _sum(x, dy) + constant[:, 1],
            _sum(ddx, y) + 2 * _sum(dx, dy) + _sum(x, ddy) + constant[:, 2],
        )

    @cached_property
    def reach(self) -> NDArray[np.float32]:
        """How far each pair (n_pairs,) may leave its chord between two nodes, rounding included: see `may_cross`."""
        chord = BETWEEN_NODES * self.step_s**2 / 8
        turn = chord * self.turn + SINGLE_PRECISION * self.size
        columns = [
            turn,
            np.sqrt(2 * chord) * self.speed,
            self.size,
            chord * self.drift + SINGLE_PRECISION * self.offset,
        ]
        u, v, w, z = np.array(columns, dtype=np.float32)
        return u[self.a] * w[self.b] + v[self.a] * v[self.b] + w[self.a] * u[self.b] + z[self.a] + z[self.b]

    @cached_property
    def coarse(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Left (n_t, 4, n_sat), right (n_t, 4, n_sat) and constant (n_t, n_sat), values alone."""
        left, right = (
            np.ascontiguousarray(side[:, :, 0].transpose(0, 2, 1), dtype=np.float32) for side in (self.left, self.right)
        )
        return left, right, self.constant[:, :, 0].astype(np.float32)

    def _coarse(self, first: int, last: int) -> NDArray[np.float32]:
        """g (n_nodes, n_pairs) in single precision."""
        left, right, constant = (side[first : last + 1] for side in self.coarse)
        total = constant[:, self.a]
        for axis in range(4):
            total += left[:, axis, self.a] * right[:, axis, self.b]
        return total


def past_sphere(ephemeris: Ephemeris, a: Ints, b: Ints, radius_km: float) -> PairProducts:
    """Pairs that see each other past a sphere about the Earth's centre; all satellites stay above it."""
    r = Jet(ephemeris.position_km, ephemeris.velocity_km_s, ephemeris.acceleration_km_s2)
    tangent = r.dot(r).plus(-(radius_km**2)).root()
    q = np.empty((*r.value.shape[:2], 3, 4))
    for order, (vector, last) in enumerate(_orders(r, tangent)):
        q[:, :, order, :3], q[:, :, order, 3] = vector, last
    constant = np.zeros((*q.shape[:2], 3))
    constant[..., 0] = -(radius_km**2)
    size, speed, turn = (np.sqrt(np.einsum("tsi,tsi->ts", part, part).max(axis=0)) for part in np.moveaxis(q, 2, 0))
    # R² ≤ |q₁| |q₂|, so what the products are allowed does for the constant too.
    none = np.zeros_like(size)
    return PairProducts(ephemeris.t_s, a, b, q, q, constant, size, speed, turn, none, none)


def within_range(ephemeris: Ephemeris, a: Ints, b: Ints, range_km: float) -> PairProducts:
    """Pairs, of satellites or with points at rest, that are nearer than `range_km`."""
    r = Jet(*np.moveaxis(ephemeris.states, 2, 0))
    half_square = r.dot(r).scaled(-0.5)
    left, right = np.zeros((2, *r.value.shape[:2], 3, 4))
    constant = np.stack([half_square.value + range_km**2 / 2, half_square.slope, half_square.bend], axis=-1)
    left[:, :, 0, 3] = 1
    for order, (vector, last) in enumerate(_orders(r, half_square)):
        left[:, :, order, :3] = right[:, :, order, :3] = vector
        right[:, :, order, 3] = last
    size, speed, turn = (ephemeris.largest(part) for part in (r.value, r.slope, r.bend))
    drift = np.abs(half_square.bend).max(axis=0)
    offset = np.maximum(np.abs(constant[:, :, 0]), np.abs(half_square.value)).max(axis=0)
    return PairProducts(ephemeris.t_s, a, b, left, right, constant, size, speed, turn, drift, offset)


def _orders(vector: Jet, last: Jet) -> list[tuple[Floats, Floats]]:
    return [(vector.value, last.value), (vector.slope, last.slope), (vector.bend, last.bend)]


def _sum(first: Floats, second: Floats) -> Floats:
    # Written out, in the order of `orbitfl.contacts.compiled`: equal bits from both.
    return (first[0] * second[0] + first[1] * second[1]) + (first[2] * second[2] + first[3] * second[3])
