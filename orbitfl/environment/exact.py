"""A fleet whose batteries and temperatures follow closed forms from event to event, without a time step.

Events are the edges of eclipses, the ends of activities, a battery that is empty or down to the hard stop, and a
temperature that has risen to it. Between two of them nothing changes but charge and heat.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orbitfl.environment.base import Activity, NodeState, Reason, Spell, Vitals
from orbitfl.environment.books import Books, require_forward
from orbitfl.environment.options import Bus
from orbitfl.environment.physics import body_of
from orbitfl.environment.radiation import Fate
from orbitfl.environment.single import walk_alone
from orbitfl.environment.sky import Sky
from orbitfl.environment.walks import Bounds, Walk, walk


class ExactFleet:
    """The evolving state of a constellation; an `Environment`. Made by `Battery.start`."""

    def __init__(self, bus: Bus, sky: Sky, states: Sequence[NodeState], seed: int) -> None:
        self._sky, self._books, self._body = sky, Books(bus, states), body_of(bus)
        self._fates = _fates(bus, states, seed)
        self._bounds = {activity: _bounds(self._books, activity) for activity in Activity}
        self._tracks = [sky.track(node) for node in range(len(states))]
        self.allows = self._books.allows

    def advance(self, node: int, until_s: float, activity: Activity, power_w: float) -> Spell:
        """See `Environment.advance`."""
        books = self._books
        now_s = books.now_s[node]
        require_forward(node, now_s, until_s)
        if now_s == until_s:
            return self._standing(node, activity)
        if until_s > self._sky.horizon_s:
            self._sky.reach(until_s)
        end_s, reason = self._allowed(node, until_s, activity)
        begun = now_s, books.stored_j[node], books.temperature_k[node]
        ended = walk_alone(self._body, self._tracks[node], self._bounds[activity], power_w, begun, end_s)
        return self._booked(node, until_s, activity, ended, reason)

    def advance_all(self, until_s: float, activity: Activity, power_w: float | NDArray[np.float64]) -> list[Spell]:
        """`advance` for every satellite, all at once; power_w: one for all, or (n_sat,)."""
        books, count = self._books, len(self._books.now_s)
        for node, now_s in enumerate(books.now_s):
            require_forward(node, now_s, until_s)
        self._sky.reach(until_s)
        allowed = [self._allowed(node, until_s, activity) for node in range(count)]
        now_s, stored_j, temperature_k = map(np.array, (books.now_s, books.stored_j, books.temperature_k))
        zero, never = np.zeros(count), np.zeros(count, np.bool_)
        begun = Walk(now_s, stored_j, temperature_k, zero, zero, zero, zero, zero, never, never)
        end_s = np.array([end_s for end_s, _ in allowed])
        ended = walk(np, self._body, self._sky.at_all, self._bounds[activity], power_w, begun, end_s)
        rows = zip(*(column.tolist() for column in ended), strict=True)
        return [self._booked(node, until_s, activity, Walk(*row), allowed[node][1]) for node, row in enumerate(rows)]

    def vitals(self, node: int) -> Vitals:
        """See `Environment.vitals`."""
        books, now_s = self._books, self._books.now_s[node]
        self._sky.reach(now_s)
        dark = self._sky.at(node, now_s).panels_w == 0
        return Vitals(books.stored_j[node] / books.battery_j, books.temperature_k[node], dark)

    def states(self) -> tuple[NodeState, ...]:
        """What `Battery.start` needs to go on from here."""
        draws = [fate.draws for fate in self._fates] or [0] * len(self._books.now_s)
        return tuple(self._books.state(node, each) for node, each in enumerate(draws))

    def _allowed(self, node: int, until_s: float, activity: Activity) -> tuple[float, Reason | None]:
        """Until when `node` may go on as far as is known now, and why not longer."""
        now_s = self._books.now_s[node]
        if now_s == until_s:
            return now_s, None
        if self._books.failed_s[node] is not None:
            return now_s, Reason.FAILED
        stopped = self._books.stop(node, activity)
        if stopped is not None:
            return now_s, stopped
        return self._fates[node].before(now_s, until_s, activity) if self._fates else (until_s, None)

    def _standing(self, node: int, activity: Activity) -> Spell:
        """A spell of no length."""
        books = self._books
        now_s, charge = books.now_s[node], books.stored_j[node] / books.battery_j
        return Spell(node, activity, now_s, now_s, 0.0, 0.0, 0.0, charge, books.temperature_k[node])

    def _booked(self, node: int, until_s: float, activity: Activity, ended: Walk, reason: Reason | None) -> Spell:
        """Write down how `node` stands now."""
        books = self._books
        now_s, stored_j, temperature_k, consumed_j, charged_j, clipped_j, eclipse_s, off_s, cut, hot = ended
        start_s, books.now_s[node] = books.now_s[node], now_s
        books.stored_j[node], books.temperature_k[node] = stored_j, temperature_k
        if cut:
            drained = Reason.LOW_CHARGE if self._bounds[activity].floor_j > 0 else Reason.EMPTY
            reason = Reason.TOO_HOT if hot else drained
        elif reason is Reason.FAILED:
            books.fail(node, activity, until_s)
            now_s = books.now_s[node]
        charge = stored_j / books.battery_j
        moved = consumed_j, charged_j, clipped_j
        return Spell(node, activity, start_s, now_s, *moved, charge, temperature_k, reason, eclipse_s, off_s)


def _bounds(books: Books, activity: Activity) -> Bounds:
    gate = books.to_go_on[activity]
    return Bounds(gate.min_charge * books.battery_j, gate.max_k, activity is Activity.STANDBY)


def _fates(bus: Bus, states: Sequence[NodeState], seed: int) -> list[Fate]:
    if not bus.radiation.strikes:
        return []
    return [Fate(bus.radiation, seed, node, state.draws) for node, state in enumerate(states)]
