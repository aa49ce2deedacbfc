"""The search for passes over places on the ground, compiled by numba; see `orbitfl.contacts.compiled`.

It does what `SmoothCurve` does to an `Elevation`, in the same order of operations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from orbitfl.contacts.compiled import FEWEST_STEPS_AT_ONCE, compiled, count_changes, in_order, longer, newton, paired
from orbitfl.contacts.ground import Elevation, between
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.crossings import CONVERGED, Changes, Reached, Windows, find_windows, steps_at_once, untold
from orbitfl.orbit.ephemeris import WEIGHTS
from orbitfl.orbit.smooth import SmoothCurve


def pass_windows(elevations: Iterable[Elevation], reached: Reached = untold) -> Windows:
    """As `find_windows` of the smooth curves."""
    curves = (CompiledPasses(SmoothCurve(elevation), elevation) for elevation in elevations)
    return find_windows(curves, reached, in_order, paired)


@dataclass(frozen=True, eq=False)
class CompiledPasses:
    """A `Curve` that answers as `smooth` does."""

    smooth: SmoothCurve
    elevation: Elevation

    @property
    def count(self) -> int:
        return self.smooth.count

    @property
    def t_s(self) -> Floats:
        return self.smooth.t_s

    @property
    def steps_at_once(self) -> int:
        return max(FEWEST_STEPS_AT_ONCE, steps_at_once(self.count))

    def positive(self, node: int) -> NDArray[np.bool_]:
        sight, values = self.elevation, np.empty(self.count)
        up, sine = (side[0] if len(side) == 1 else side[node] for side in (sight.up, sight.sine))
        states = sight.ephemeris.states[node].reshape(-1, 9)[: sight.ephemeris.count]
        _at_node(states, sight.place_km, up, sine, values)
        return values > 0

    def changes(self, first: int, last: int) -> Changes:
        sight, ticks = self.elevation, self.smooth.ticks
        bodies, width_s = sight.ephemeris, self.smooth.tick_s
        tick = np.arange(first * ticks, last * ticks + 1)
        t_s = self.smooth.time_s(tick)
        node = bodies.node_before(t_s)
        share = (t_s - bodies.t_s[node]) / bodies.step_s
        states = bodies.states.reshape(*bodies.states.shape[:2], 9)
        up, sine = (side if len(side) == 1 else between(side, node, share) for side in (sight.up, sight.sine))
        series, where, place, hard = _scan(
            states, bodies.count, bodies.step_s, first, last, ticks, node, share,
            sight.place_km, up, sine, self._reach, width_s,
        )  # fmt: skip
        easy = Changes(series[~hard], t_s[where[~hard]] + place[~hard] * width_s)
        if not hard.any():
            return easy
        rest = self.smooth.crossings(series[hard], tick[where[hard]])
        return Changes(np.concatenate([easy.series, rest.series]), np.concatenate([easy.t_s, rest.t_s]))

    @cached_property
    def _reach(self) -> Floats:
        return self.elevation.bend_limit * self.elevation.ephemeris.step_s**2 / 8


_value_weights, _slope_weights, _bend_weights = (njit(inline="always")(each) for each in WEIGHTS)


@compiled
def _weigh(share, step_s, weights):
    """`WEIGHTS` (n, 3, 6) at shares (n,) of a step."""
    for m in range(len(share)):
        weights[m, 0] = _value_weights(share[m], step_s)
        weights[m, 1] = _slope_weights(share[m], step_s)
        weights[m, 2] = _bend_weights(share[m], step_s)


@compiled
def _scan(states, n_sat, step_s, first, last, ticks, node, share, place_km, up, sine, reach, width_s) -> Any:
    """Changes of sign between nodes: series, tick since `first`, share of the tick, and whether to look again.

    up, sine: the masks at every tick, or once if they stay.
    """
    steady = len(up) == 1
    n_place, room, found = len(place_km), 1024, 0
    series, where = np.empty(room, np.int64), np.empty(room, np.int64)
    place, hard = np.empty(room), np.empty(room, np.bool_)
    before, after = np.empty(n_sat * n_place), np.empty(n_sat * n_place)
    value, jet = np.empty(ticks + 1), np.empty((6, 1))
    weights, changes, zero, step = np.empty((ticks + 1, 3, 6)), np.empty(1, np.int8), np.empty(1), np.empty(1)
    _at_node(states[first, :n_sat], place_km, up[0], sine[0], before)
    for k in range(last - first):
        _weigh(share[k * ticks : (k + 1) * ticks + 1], step_s, weights)
        ahead = 0 if steady else (k + 1) * ticks
        _at_node(states[first + k + 1, :n_sat], place_km, up[ahead], sine[ahead], after)
        for each in range(n_sat * n_place):
            if abs(before[each] + after[each]) - abs(after[each] - before[each]) >= 2 * reach[each]:
                continue
            i, p = each // n_place, each % n_place
            for m in range(ticks + 1):
                at = k * ticks + m
                mask = 0 if steady else at
                value[m] = _value(states, node[at], i, weights[m, 0], place_km[p], up[mask, p], sine[mask, p])
            nearer = 2 * reach[each] / (ticks * ticks)
            for m in range(ticks):
                if abs(value[m] + value[m + 1]) - abs(value[m + 1] - value[m]) >= nearer:
                    continue
                at = k * ticks + m
                for later in range(2):
                    mask = 0 if steady else at + later
                    _jet(
                        states, node[at + later], i, weights[m + later], place_km[p], up[mask, p], sine[mask, p],
                        width_s, jet[3 * later:3 * later + 3, 0],
                    )  # fmt: skip
                count_changes(jet[0], jet[1], jet[2], jet[3], jet[4], jet[5], changes)
                if changes[0] == 0:
                    continue
                newton(jet[0], jet[1], jet[2], jet[3], jet[4], jet[5], zero, step)
                if found == room:
                    room *= 2
                    series, where = longer(series, room), longer(where, room)
                    place, hard = longer(place, room), longer(hard, room)
                series[found], where[found], place[found] = each, at, zero[0]
                hard[found] = changes[0] > 1 or not abs(step[0]) < CONVERGED
                found += 1
        before, after = after, before
    return series[:found], where[:found], place[:found], hard[:found]


@compiled
def _at_node(states, place_km, up, sine, found):
    n_place = len(place_km)
    for i in range(states.shape[0]):
        for p in range(n_place):
            x, y, z = states[i, 0] - place_km[p, 0], states[i, 1] - place_km[p, 1], states[i, 2] - place_km[p, 2]
            height = x * up[p, 0] + y * up[p, 1] + z * up[p, 2]
            found[i * n_place + p] = height - sine[p] * np.sqrt(x * x + y * y + z * z)


@compiled
def _axis(states, node, i, weights, axis):
    """One coordinate, or one of its derivatives, by the weights of `orbitfl.orbit.ephemeris`."""
    here, there = states[node, i], states[node + 1, i]
    first = weights[0] * here[axis] + weights[1] * here[3 + axis] + weights[2] * here[6 + axis]
    return first + (weights[3] * there[axis] + weights[4] * there[3 + axis] + weights[5] * there[6 + axis])


@compiled
def _value(states, node, i, weights, place_km, up, sine):
    x = _axis(states, node, i, weights, 0) - place_km[0]
    y = _axis(states, node, i, weights, 1) - place_km[1]
    z = _axis(states, node, i, weights, 2) - place_km[2]
    return x * up[0] + y * up[1] + z * up[2] - np.sqrt(x * x + y * y + z * z) * sine


@compiled
def _jet(states, node, i, weights, place_km, up, sine, width_s, jet):
    """Value, width/5 times slope and width²/20 times bend: `Elevation.jet` written out."""
    x = _axis(states, node, i, weights[0], 0) - place_km[0]
    y = _axis(states, node, i, weights[0], 1) - place_km[1]
    z = _axis(states, node, i, weights[0], 2) - place_km[2]
    dx, dy, dz = (
        _axis(states, node, i, weights[1], 0),
        _axis(states, node, i, weights[1], 1),
        _axis(states, node, i, weights[1], 2),
    )
    ddx, ddy, ddz = (
        _axis(states, node, i, weights[2], 0),
        _axis(states, node, i, weights[2], 1),
        _axis(states, node, i, weights[2], 2),
    )
    approach = dx * x + dy * y + dz * z
    turn = ddx * x + ddy * y + ddz * z
    distance = np.sqrt(x * x + y * y + z * z)
    rate = (approach + approach) / (2 * distance)
    bend = ((turn + 2 * (dx * dx + dy * dy + dz * dz) + turn) / 2 - rate * rate) / distance
    jet[0] = x * up[0] + y * up[1] + z * up[2] - distance * sine
    jet[1] = 0.2 * width_s * (dx * up[0] + dy * up[1] + dz * up[2] - rate * sine)
    jet[2] = 0.05 * width_s * width_s * (ddx * up[0] + ddy * up[1] + ddz * up[2] - bend * sine)
