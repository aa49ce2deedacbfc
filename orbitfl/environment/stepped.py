"""A fleet that takes PASEOS's own steps, by PASEOS's own rules, without PASEOS.

A step charges the battery if the satellite is lit at both its ends, clips, heats by forward Euler, then discharges.
Expressions and their order are PASEOS's (`paseos.advance_time` and the models it calls), so results agree to the bit.
"""

from collections.abc import Sequence
from itertools import accumulate, repeat
from typing import NamedTuple

import numpy as np

from orbitfl.environment.base import Activity, NodeState, Reason, Spell, Vitals
from orbitfl.environment.books import Books, require_forward
from orbitfl.environment.options import Bus
from orbitfl.environment.radiation import Stream, strike
from orbitfl.environment.shade import Shade
from orbitfl.orbit.arrays import Floats


class Steps(NamedTuple):
    """The steps ahead of one satellite, each a list (n,).

    clock_s: PASEOS's seconds since 2000 at the end. charged_j: from the panels, if lit at both ends.
    received_w: heat from the Sun and the Earth at the start.
    """

    duration_s: list[float]
    clock_s: list[float]
    charged_j: list[float]
    received_w: list[float]


class _Taken(NamedTuple):
    """How many steps a satellite took, why no more, and what they moved."""

    steps: int
    reason: Reason | None
    consumed_j: float = 0.0
    charged_j: float = 0.0
    clipped_j: float = 0.0
    off_s: float = 0.0


class SteppedFleet:
    """The evolving state of a constellation; an `Environment`. Made by `Battery.start`."""

    def __init__(self, bus: Bus, shade: Shade, epoch_s: float, states: Sequence[NodeState], seed: int) -> None:
        self._bus, self._shade, self._epoch_s, self._books = bus, shade, epoch_s, Books(bus, states)
        self._streams = [Stream(seed, node, state.draws) for node, state in enumerate(states)]
        self.allows = self._books.allows

    def advance(self, node: int, until_s: float, activity: Activity, power_w: float) -> Spell:
        """See `Environment.advance`."""
        books, start_s = self._books, self._books.now_s[node]
        require_forward(node, start_s, until_s)
        done = self._go(node, until_s, activity, power_w)
        end_s = books.now_s[node]
        if done.reason is Reason.FAILED:
            books.fail(node, activity, until_s)
        return Spell(
            node,
            activity,
            start_s,
            books.now_s[node],
            done.consumed_j,
            done.charged_j,
            done.clipped_j,
            books.stored_j[node] / books.battery_j,
            books.temperature_k[node],
            done.reason,
            self._shade.dark_s(node, start_s, end_s),
            done.off_s,
        )

    def advance_all(self, until_s: float, activity: Activity, power_w: float | Floats) -> list[Spell]:
        """`advance` for every satellite, one after another; power_w: one for all, or (n_sat,)."""
        count = len(self._books.now_s)
        powers_w = np.broadcast_to(power_w, count).tolist()
        return [self.advance(node, until_s, activity, powers_w[node]) for node in range(count)]

    def vitals(self, node: int) -> Vitals:
        """See `Environment.vitals`."""
        books, now_s = self._books, self._books.now_s[node]
        dark = self._shade.dark(node, now_s)
        return Vitals(books.stored_j[node] / books.battery_j, books.temperature_k[node], dark)

    def states(self) -> tuple[NodeState, ...]:
        """What `Battery.start` needs to go on from here."""
        return tuple(self._books.state(node, stream.draws) for node, stream in enumerate(self._streams))

    def _go(self, node: int, until_s: float, activity: Activity, power_w: float) -> _Taken:
        """Move clock, battery and temperature on, towards `until_s`."""
        books = self._books
        if self._epoch_s + until_s == self._epoch_s + books.now_s[node]:
            # PASEOS's clock does not tell the two apart.
            books.now_s[node] = until_s
            return _Taken(0, None)
        if books.failed_s[node] is not None:
            return _Taken(0, Reason.FAILED)
        steps = self._steps(node, until_s)
        taken = self._take(node, activity, power_w, steps)
        if taken.reason is None:
            books.now_s[node] = until_s
        elif taken.steps:
            books.now_s[node] = steps.clock_s[taken.steps - 1] - self._epoch_s
        return taken

    def _steps(self, node: int, until_s: float) -> Steps:
        clock_s, target_clock_s = self._epoch_s + self._books.now_s[node], self._epoch_s + until_s
        step_s = self._bus.step_s
        # Added up as PASEOS's clock is; the last step or two are shorter.
        clocks_s = list(accumulate(repeat(step_s, int((target_clock_s - clock_s) / step_s) - 1), initial=clock_s))
        while clocks_s[-1] < target_clock_s:
            clocks_s.append(min(clocks_s[-1] + step_s, target_clock_s))
        clocks = np.array(clocks_s)
        t_s, durations_s, thermal = clocks - self._epoch_s, clocks[1:] - clocks[:-1], self._bus.thermal
        lit = ~self._shade.dark_at(node, t_s)
        height = self._shade.trajectory.distances_m(node, t_s[:-1]) / (1000.0 * self._bus.sphere_km)
        received_w = thermal.sunlit_w * lit[:-1] + thermal.infrared_w * (1.0 / (height * height))
        charged_j = np.where(lit[:-1] & lit[1:], self._bus.charging_w * durations_s, 0.0)
        return Steps(durations_s.tolist(), clocks_s[1:], charged_j.tolist(), received_w.tolist())

    def _take(self, node: int, activity: Activity, power_w: float, steps: Steps) -> "_Taken":
        """Take steps while nothing forbids it."""
        books, bus, thermal = self._books, self._bus, self._bus.thermal
        gate, standby, strikes = books.to_go_on[activity], activity is Activity.STANDBY, bus.radiation.strikes
        stored_j, temperature_k, capacity_j = books.stored_j[node], books.temperature_k[node], bus.battery_j
        emission_w_k4, work_to_heat = thermal.emission_w_k4, thermal.work_to_heat
        heat_capacity_j_k = thermal.capacity_j_k
        taken, reason, min_charge, max_k = 0, None, gate.min_charge, gate.max_k
        total_j = charged_in_all_j = clipped_j = off_s = 0.0
        for duration_s, _, charged_j, received_w in zip(*steps, strict=True):
            if stored_j / capacity_j < min_charge or temperature_k > max_k:
                reason = gate.refusal(stored_j / capacity_j, temperature_k)
            offered_j = stored_j + charged_j
            level_j = offered_j if offered_j < capacity_j else capacity_j
            drawn_w, consumed_j = power_w, power_w * duration_s
            if level_j < consumed_j:
                if not standby:
                    reason = reason or Reason.EMPTY
                drawn_w = consumed_j = 0.0
            if strikes and reason is None:
                reason = self._struck(node, standby, duration_s)
            if reason is not None:
                break
            heat_w = received_w - emission_w_k4 * temperature_k**4 + work_to_heat * drawn_w
            temperature_k += (duration_s * heat_w) / heat_capacity_j_k
            if temperature_k < 0.0:
                temperature_k = 0.0
            stored_j = level_j - consumed_j
            total_j += consumed_j
            charged_in_all_j += charged_j
            clipped_j += offered_j - level_j
            if drawn_w != power_w:
                off_s += duration_s
            taken += 1
        books.stored_j[node], books.temperature_k[node] = stored_j, temperature_k
        return _Taken(taken, reason, total_j, charged_in_all_j, clipped_j, off_s)

    def _struck(self, node: int, standby: bool, duration_s: float) -> Reason | None:
        """What radiation does in a step; standby begins a step anew after each restart."""
        reason = strike(self._bus.radiation, self._streams[node], duration_s)
        while standby and reason is Reason.RESTARTED:
            reason = strike(self._bus.radiation, self._streams[node], duration_s)
        return reason
