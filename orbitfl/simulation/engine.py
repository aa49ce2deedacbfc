"""The event queue that moves the mission clock.

A satellite does one thing at a time. An exchange is agreed when a window is open and the pair's interval has passed;
it begins as soon as both are free and holds both until it is over, so a terminal serves one peer. Sessions fill the
time between. Events are ordered by time, then by the order in which they were made: equal input, equal timeline.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from orbitfl.contacts.plan import Contact, ContactPlan
from orbitfl.environment.base import Activity, Environment, Spell
from orbitfl.simulation.timeline import Evaluation, Exchange, Happening, Refusal, Session, Timeline


@dataclass(frozen=True)
class Rules:
    """The mission's fixed quantities.

    duration_s: length of the mission. A session is session_steps batches of step_s seconds on the board; sessions of a
    satellite begin at least session_every_s apart. retry_s: pause after a refusal. update_byte: one update on the
    wire. exchange_every_s: least time between two exchanges of a pair, None for a strategy that never meets.
    evaluate_every_s: time between evaluations. *_w: power drawn in each activity.
    """

    duration_s: float
    session_steps: int
    session_every_s: float
    step_s: float
    retry_s: float
    train_w: float
    exchange_w: float
    standby_w: float
    update_byte: int
    exchange_every_s: float | None
    evaluate_every_s: float


@dataclass(frozen=True, slots=True)
class _SessionDue:
    node: int


@dataclass(frozen=True, slots=True)
class _ContactDue:
    contact: Contact


@dataclass(frozen=True, slots=True)
class _TransferDue:
    contact: Contact


_Event = _SessionDue | _ContactDue | _TransferDue


@dataclass
class _Mission:
    """The evolving state: the queue, each satellite's next free moment, and what has happened so far."""

    rules: Rules
    environment: Environment
    node_of: dict[str, int]
    free_at_s: list[float]
    met_at_s: dict[tuple[int, int], float] = field(default_factory=dict)
    queue: list[tuple[float, int, _Event]] = field(default_factory=list)
    ticket: Iterator[int] = field(default_factory=count)
    happenings: list[tuple[float, Happening]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    energy: list[Spell] = field(default_factory=list)

    def push(self, at_s: float, event: _Event) -> None:
        """Queue `event`, unless the mission is over by then."""
        if at_s < self.rules.duration_s:
            heapq.heappush(self.queue, (at_s, next(self.ticket), event))

    def spend(self, node: int, until_s: float, activity: Activity, power_w: float) -> float:
        """Let `node` do `activity` until `until_s`; returns when it really ended (earlier on an empty battery)."""
        spell = self.environment.advance(node, until_s, activity, power_w)
        if spell.end_s > spell.start_s:
            self.energy.append(spell)
        return spell.end_s

    def pair(self, contact: Contact) -> tuple[int, int]:
        return self.node_of[contact.a], self.node_of[contact.b]

    def permits(self, node: int, at_s: float, activity: Activity) -> bool:
        """Idle until `at_s`, then ask the environment; a refusal is recorded with its reason."""
        self.spend(node, at_s, Activity.STANDBY, self.rules.standby_w)
        reason = self.environment.allows(node, activity)
        if reason is not None:
            self.refusals.append(Refusal(node, at_s, activity, reason))
        return reason is None


def simulate(rules: Rules, plan: ContactPlan, environment: Environment, satellites: Sequence[str]) -> Timeline:
    """Run the mission. `satellites` are named in the environment's order; the plan knows them by these names."""
    node_of = {name: node for node, name in enumerate(satellites)}
    mission = _Mission(rules, environment, node_of, [0.0] * len(satellites))
    for node in node_of.values():
        mission.push(0.0, _SessionDue(node))
    if rules.exchange_every_s is not None:
        for contact in plan.of_kind("isl"):
            mission.push(contact.start_s, _ContactDue(contact))
    while mission.queue:
        at_s, _, event = heapq.heappop(mission.queue)
        _step(mission, at_s, event)
    return _finish(mission)


def _step(mission: _Mission, at_s: float, event: _Event) -> None:
    match event:
        case _SessionDue(node):
            _train(mission, at_s, node)
        case _ContactDue(contact):
            _agree(mission, at_s, contact)
        case _TransferDue(contact):
            _transfer(mission, at_s, contact)


def _train(mission: _Mission, at_s: float, node: int) -> None:
    rules = mission.rules
    if mission.free_at_s[node] > at_s:
        mission.push(mission.free_at_s[node], _SessionDue(node))
        return
    if not mission.permits(node, at_s, Activity.TRAINING):
        mission.push(at_s + rules.retry_s, _SessionDue(node))
        return
    planned_end_s = min(at_s + rules.session_steps * rules.step_s, rules.duration_s)
    end_s = mission.spend(node, planned_end_s, Activity.TRAINING, rules.train_w)
    # The quotient of an undisturbed session may miss its whole number by rounding.
    steps = int((end_s - at_s) / rules.step_s + 1e-6)
    if steps:
        mission.happenings.append((end_s, Session(node, at_s, end_s, steps)))
    mission.free_at_s[node] = end_s
    pause_s = rules.session_every_s if steps else rules.retry_s
    mission.push(max(at_s + pause_s, end_s), _SessionDue(node))


def _agree(mission: _Mission, at_s: float, contact: Contact) -> None:
    """Book both satellites for an exchange as soon as the pair's interval and their work allow."""
    pair = mission.pair(contact)
    # All satellites start from one checkpoint, so launch counts as everybody's first exchange.
    due_s = mission.met_at_s.get(pair, 0.0) + (mission.rules.exchange_every_s or 0.0)
    start_s = max(at_s, due_s, *(mission.free_at_s[node] for node in pair))
    if start_s >= contact.end_s:
        return
    if due_s > at_s:
        mission.push(due_s, _ContactDue(contact))
        return
    mission.push(start_s, _TransferDue(contact))
    for node in pair:
        mission.free_at_s[node] = min(start_s + _transfer_s(mission.rules, contact), contact.end_s)


def _transfer(mission: _Mission, at_s: float, contact: Contact) -> None:
    """Carry out a booked exchange; a transfer that outlives its window leaves both sides with nothing."""
    rules, pair = mission.rules, mission.pair(contact)
    permitted = [mission.permits(node, at_s, Activity.EXCHANGE) for node in pair]
    if not all(permitted):
        mission.push(at_s + rules.retry_s, _ContactDue(contact))
        return
    wanted_end_s = at_s + _transfer_s(rules, contact)
    link_end_s = min(wanted_end_s, contact.end_s, rules.duration_s)
    end_s = min(mission.spend(node, link_end_s, Activity.EXCHANGE, rules.exchange_w) for node in pair)
    if end_s < wanted_end_s:
        mission.happenings.append((end_s, Exchange(*pair, at_s, end_s, rules.update_byte, "cut")))
        mission.push(link_end_s + rules.retry_s, _ContactDue(contact))
        return
    mission.happenings.append((end_s, Exchange(*pair, at_s, end_s, rules.update_byte, "done")))
    mission.met_at_s[pair] = at_s
    mission.push(end_s, _ContactDue(contact))


def _transfer_s(rules: Rules, contact: Contact) -> float:
    return 8 * rules.update_byte / contact.rate_bps


def _finish(mission: _Mission) -> Timeline:
    rules = mission.rules
    for node in range(len(mission.free_at_s)):
        mission.spend(node, rules.duration_s, Activity.STANDBY, rules.standby_w)
    happenings = sorted(mission.happenings, key=lambda entry: entry[0])
    evaluations = [(at_s, Evaluation(at_s)) for at_s in _evaluation_times(rules)]
    # Sorting is stable: work that ends exactly at an evaluation is part of what is scored.
    merged = sorted([*happenings, *evaluations], key=lambda entry: entry[0])
    return Timeline(tuple(entry for _, entry in merged), tuple(mission.refusals), tuple(mission.energy))


def _evaluation_times(rules: Rules) -> list[float]:
    n_inside = int(rules.duration_s / rules.evaluate_every_s - 1e-9)
    return [i * rules.evaluate_every_s for i in range(n_inside + 1)] + [rules.duration_s]
