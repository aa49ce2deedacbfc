"""A fleet whose batteries and temperatures follow closed forms from event to event, without a time step.

Events are the edges of eclipses, the ends of activities, a battery that is empty or down to the hard stop, and a
temperature that has risen to it. Between two of them nothing changes but charge and heat.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from orbitfl.environment.base import Activity, NodeState, Reason, Spell, Vitals
from orbitfl.environment.books import Books, require_forward
from orbitfl.environment.options import Bus
from orbitfl.environment.physics import SCALAR, Body, Number, body_of, piece
from orbitfl.environment.radiation import Fate
from orbitfl.environment.sky import Inputs, Sky


class Walk(NamedTuple):
    """Where satellites stand after an activity, and the sums of what it moved.

    cut: whether battery or heat ended it early; hot: whether heat did.
    """

    now_s: Number
    stored_j: Number
    temperature_k: Number
    consumed_j: Number
    charged_j: Number
    clipped_j: Number
    eclipse_s: Number
    off_s: Number
    cut: Number
    hot: Number


class Work(NamedTuple):
    """What satellites are to do: draw so much, until the charge falls or the temperature rises too far."""

    power_w: Number
    floor_j: Number
    ceiling_k: Number
    standby: Number


def walk(xp: Any, body: Body, at: Callable[[Any], Inputs], work: Work, begun: Walk, end_s: Number) -> Walk:
    """Go on from `begun` until `end_s`, piece by piece, with numbers (`SCALAR`) or with arrays of satellites (numpy).

    at: the inputs at the satellites' instants. Those that are through stand still while others go on.
    """
    now_s, stored_j, temperature_k, consumed_j, charged_j, clipped_j, eclipse_s, off_s, cut, hot = begun
    while xp.any(now_s < end_s):
        piece_end_s, panels_w, heat_w = at(now_s)
        target_s = xp.minimum(piece_end_s, end_s)
        longest_s = target_s - now_s
        done = piece(xp, body, stored_j, temperature_k, panels_w, heat_w, *work, longest_s)
        stored_j, temperature_k = done.stored_j, done.temperature_k
        goes_on = (done.length_s >= longest_s) | work.standby
        now_s = xp.where(done.length_s >= longest_s, target_s, now_s + done.length_s)
        end_s = xp.where(goes_on, end_s, now_s)
        cut, hot = xp.where(goes_on, cut, True), xp.where(goes_on, hot, done.hot)
        consumed_j, charged_j = consumed_j + done.consumed_j, charged_j + done.charged_j
        clipped_j, off_s = clipped_j + done.clipped_j, off_s + done.off_s
        eclipse_s = eclipse_s + xp.where(panels_w > 0, 0.0, done.length_s)
    return Walk(now_s, stored_j, temperature_k, consumed_j, charged_j, clipped_j, eclipse_s, off_s, cut, hot)


class ExactFleet:
    """The evolving state of a constellation; an `Environment`. Made by `Battery.start`."""

    def __init__(self, bus: Bus, sky: Sky, states: Sequence[NodeState], seed: int) -> None:
        self._sky, self._books, self._body = sky, Books(bus, states), body_of(bus)
        self._fates = _fates(bus, states, seed)
        self._works = {activity: _work(self._books, activity) for activity in Activity}
        self.allows = self._books.allows

    def advance(self, node: int, until_s: float, activity: Activity, power_w: float) -> Spell:
        """See `Environment.advance`."""
        books = self._books
        now_s = books.now_s[node]
        require_forward(node, now_s, until_s)
        if until_s > self._sky.horizon_s:
            self._sky.reach(until_s)
        end_s, reason = self._allowed(node, until_s, activity)
        begun = Walk(now_s, books.stored_j[node], books.temperature_k[node], 0.0, 0.0, 0.0, 0.0, 0.0, False, False)
        work = self._works[activity]._replace(power_w=power_w)
        ended = walk(SCALAR, self._body, lambda t_s: self._sky.at(node, t_s), work, begun, end_s)
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
        work = self._works[activity]._replace(power_w=power_w)
        ended = walk(np, self._body, self._sky.at_all, work, begun, np.array([end_s for end_s, _ in allowed]))
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

    def _booked(self, node: int, until_s: float, activity: Activity, ended: Walk, reason: Reason | None) -> Spell:
        """Write down how `node` stands now."""
        books, work = self._books, self._works[activity]
        start_s, books.now_s[node] = books.now_s[node], ended.now_s
        books.stored_j[node], books.temperature_k[node] = ended.stored_j, ended.temperature_k
        if ended.cut:
            drained = Reason.LOW_CHARGE if work.floor_j > 0 else Reason.EMPTY
            reason = Reason.TOO_HOT if ended.hot else drained
        elif reason is Reason.FAILED:
            books.fail(node, activity, until_s)
        return Spell(
            node,
            activity,
            start_s,
            books.now_s[node],
            ended.consumed_j,
            ended.charged_j,
            ended.clipped_j,
            ended.stored_j / books.battery_j,
            ended.temperature_k,
            reason,
            ended.eclipse_s,
            ended.off_s,
        )


def _work(books: Books, activity: Activity) -> Work:
    gate = books.to_go_on[activity]
    return Work(0.0, gate.min_charge * books.battery_j, gate.max_k, activity is Activity.STANDBY)


def _fates(bus: Bus, states: Sequence[NodeState], seed: int) -> list[Fate]:
    if not bus.radiation.strikes:
        return []
    return [Fate(bus.radiation, seed, node, state.draws) for node, state in enumerate(states)]
