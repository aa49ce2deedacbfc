"""The event queue that moves the mission clock.

A satellite does one thing at a time. What wants to begin at one instant begins in the order of `Rules.priorities`, and
training ends early for an appointment of more priority: an image of what cannot wait, or a pass in which its product
is to be sent. An exchange is agreed when a window is open and the pair's interval has passed; it begins as soon as both
are free and holds both until it is over, so a terminal serves one peer. Sessions fill the time between. Events are
ordered by time, then priority, then the order in which they were made: equal input, equal timeline.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from math import inf

from orbitfl.contacts.plan import Contact, ContactPlan
from orbitfl.environment.base import PRIORITIES, Activity, Environment, Reason, Spell
from orbitfl.simulation.timeline import (
    Downlink,
    Evaluation,
    Exchange,
    Happening,
    Inference,
    Observation,
    Refusal,
    Session,
    Timeline,
)


@dataclass(frozen=True)
class Rules:
    """The mission's fixed quantities.

    duration_s: length of the mission. A session is session_steps batches of step_s seconds on the board; sessions of a
    satellite begin at least session_every_s apart, None for a strategy that never learns. retry_s: pause after a
    refusal. update_byte: one update on the wire. exchange_every_s: least time between two exchanges of a pair, None for
    a strategy that never meets.
    evaluate_every_s: time between evaluations. *_w: power drawn in each activity.
    priorities: every activity but standby, first what comes first.
    """

    duration_s: float
    session_steps: int
    session_every_s: float | None
    step_s: float
    retry_s: float
    train_w: float
    exchange_w: float
    inference_w: float
    downlink_w: float
    standby_w: float
    update_byte: int
    exchange_every_s: float | None
    evaluate_every_s: float
    priorities: tuple[Activity, ...] = PRIORITIES

    def rank(self, activity: Activity) -> int:
        """Its place in `priorities`."""
        return self.priorities.index(activity)


@dataclass(frozen=True)
class Agenda:
    """What the instruments bring to a mission.

    learns_from_s: per satellite, when it first holds data to train on; infinite if it never does.
    observations: images of what cannot wait.
    """

    learns_from_s: tuple[float, ...]
    observations: tuple[Observation, ...] = ()


Event = Callable[["_Mission", float], None]


@dataclass
class _Mission:
    """The evolving state: the queue, each satellite's next free moment, and what has happened so far.

    appointments: per satellite, when something is promised to begin, and its rank. left_byte: what is still onboard of
    the product of each observation. lost: satellites that radiation has destroyed, which want nothing more.
    """

    rules: Rules
    environment: Environment
    observations: tuple[Observation, ...]
    node_of: dict[str, int]
    passes: dict[int, list[Contact]]
    free_at_s: list[float]
    left_byte: list[int]
    met_at_s: dict[tuple[int, int], float] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    appointments: dict[int, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))
    queue: list[tuple[float, int, int, Event]] = field(default_factory=list)
    ticket: Iterator[int] = field(default_factory=count)
    happenings: list[tuple[float, Happening]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    stops: list[Refusal] = field(default_factory=list)
    energy: list[Spell] = field(default_factory=list)

    def push(self, at_s: float, activity: Activity, event: Event) -> None:
        """Queue `event`, which is about to begin `activity`, unless the mission is over by then."""
        if at_s < self.rules.duration_s:
            heapq.heappush(self.queue, (at_s, self.rules.rank(activity), next(self.ticket), event))

    def promise(self, node: int, at_s: float, activity: Activity, event: Event) -> None:
        """As `push`; what comes after `activity` makes way in time."""
        self.push(at_s, activity, event)
        self.appointments[node].append((at_s, self.rules.rank(activity)))

    def free_until_s(self, node: int, at_s: float, activity: Activity) -> float:
        """When `activity`, begun at `at_s`, has to make way for something that comes before it."""
        if node not in self.appointments:
            return inf
        promised = self.appointments[node] = [each for each in self.appointments[node] if each[0] > at_s]
        return min((due_s for due_s, rank in promised if rank < self.rules.rank(activity)), default=inf)

    def spend(self, node: int, until_s: float, activity: Activity, power_w: float) -> float:
        """Let `node` do `activity` until `until_s`; returns when it really ended (earlier on an empty battery)."""
        spell = self.environment.advance(node, until_s, activity, power_w)
        if spell.end_s > spell.start_s:
            self.energy.append(spell)
        if spell.reason is not None and node not in self.lost:
            self.stops.append(Refusal(node, spell.end_s, activity, spell.reason))
        return spell.end_s

    def pair(self, contact: Contact) -> tuple[int, int]:
        return self.node_of[contact.a], self.node_of[contact.b]

    def permits(self, node: int, at_s: float, activity: Activity) -> bool:
        """Idle until `at_s`, then ask the environment; a refusal is recorded with its reason."""
        self.spend(node, at_s, Activity.STANDBY, self.rules.standby_w)
        reason = self.environment.allows(node, activity)
        if reason is not None:
            self.refusals.append(Refusal(node, at_s, activity, reason))
        if reason is Reason.FAILED:
            self.lost.add(node)
        return reason is None


def simulate(
    rules: Rules, plan: ContactPlan, environment: Environment, satellites: Sequence[str], agenda: Agenda | None = None
) -> Timeline:
    """Run the mission. `satellites` are named in the environment's order; the plan knows them by these names.

    Without an agenda all satellites hold data from the start, and nothing is urgent.
    """
    agenda = agenda or Agenda(learns_from_s=(0.0,) * len(satellites))
    mission = _begun(rules, plan, environment, satellites, agenda)
    while mission.queue:
        at_s, _, _, event = heapq.heappop(mission.queue)
        event(mission, at_s)
    return _finish(mission)


def _begun(
    rules: Rules, plan: ContactPlan, environment: Environment, satellites: Sequence[str], agenda: Agenda
) -> _Mission:
    node_of = {name: node for node, name in enumerate(satellites)}
    passes = defaultdict[int, list[Contact]](list)
    for contact in plan.of_kind("ground") if agenda.observations else ():
        passes[node_of[contact.a]].append(contact)
    left_byte = [each.size_byte for each in agenda.observations]
    mission = _Mission(rules, environment, agenda.observations, node_of, passes, [0.0] * len(node_of), left_byte)
    if rules.session_every_s is not None:
        for node, at_s in enumerate(agenda.learns_from_s):
            mission.push(at_s, Activity.TRAINING, partial(_train, node=node, every_s=rules.session_every_s))
    for number, seen in enumerate(agenda.observations):
        if seen.processing_s:
            mission.promise(seen.node, seen.at_s, Activity.INFERENCE, partial(_infer, number=number))
        else:
            _seek_pass(mission, seen.at_s, number)
    if rules.exchange_every_s is not None:
        for contact in plan.of_kind("isl"):
            mission.push(contact.start_s, Activity.EXCHANGE, partial(_agree, contact=contact))
    return mission


def _train(mission: _Mission, at_s: float, node: int, every_s: float) -> None:
    rules, again = mission.rules, partial(_train, node=node, every_s=every_s)
    if node in mission.lost:
        return
    if mission.free_at_s[node] > at_s:
        mission.push(mission.free_at_s[node], Activity.TRAINING, again)
        return
    free_until_s = mission.free_until_s(node, at_s, Activity.TRAINING)
    if free_until_s < at_s + rules.step_s:
        mission.push(free_until_s, Activity.TRAINING, again)
        return
    if not mission.permits(node, at_s, Activity.TRAINING):
        mission.push(at_s + rules.retry_s, Activity.TRAINING, again)
        return
    planned_end_s = min(at_s + rules.session_steps * rules.step_s, free_until_s, rules.duration_s)
    end_s = mission.spend(node, planned_end_s, Activity.TRAINING, rules.train_w)
    # The quotient of an undisturbed session may miss its whole number by rounding.
    steps = int((end_s - at_s) / rules.step_s + 1e-6)
    if steps:
        mission.happenings.append((end_s, Session(node, at_s, end_s, steps)))
    mission.free_at_s[node] = end_s
    pause_s = every_s if steps else rules.retry_s
    mission.push(max(at_s + pause_s, end_s), Activity.TRAINING, again)


def _infer(mission: _Mission, at_s: float, number: int) -> None:
    """Make the product of an observation; what was interrupted begins anew."""
    rules, seen, again = mission.rules, mission.observations[number], partial(_infer, number=number)
    if seen.node in mission.lost:
        return
    if mission.free_at_s[seen.node] > at_s:
        mission.promise(seen.node, mission.free_at_s[seen.node], Activity.INFERENCE, again)
        return
    if not mission.permits(seen.node, at_s, Activity.INFERENCE):
        mission.promise(seen.node, at_s + rules.retry_s, Activity.INFERENCE, again)
        return
    planned_end_s = at_s + seen.processing_s
    end_s = mission.spend(seen.node, min(planned_end_s, rules.duration_s), Activity.INFERENCE, rules.inference_w)
    mission.free_at_s[seen.node] = end_s
    if end_s < planned_end_s:
        mission.promise(seen.node, end_s + rules.retry_s, Activity.INFERENCE, again)
        return
    mission.happenings.append((end_s, Inference(number, seen.node, at_s, end_s)))
    _seek_pass(mission, end_s, number)


def _seek_pass(mission: _Mission, at_s: float, number: int) -> None:
    """Promise what is left of a product to the next pass over a station, if there is one."""
    node = mission.observations[number].node
    for contact in mission.passes[node]:
        if contact.end_s > at_s:
            send = partial(_send, number=number, contact=contact)
            mission.promise(node, max(at_s, contact.start_s), Activity.DOWNLINK, send)
            return


def _send(mission: _Mission, at_s: float, number: int, contact: Contact) -> None:
    """Send what is left of a product while a pass lasts, the rest in the next one."""
    rules, node, left_byte = mission.rules, mission.observations[number].node, mission.left_byte[number]
    free_s = mission.free_at_s[node]
    if node in mission.lost:
        return
    if free_s > at_s:
        _seek_pass(mission, free_s, number)
        return
    if not mission.permits(node, at_s, Activity.DOWNLINK):
        _seek_pass(mission, at_s + rules.retry_s, number)
        return
    wanted_end_s = at_s + 8 * left_byte / contact.rate_bps
    link_end_s = min(wanted_end_s, contact.end_s, rules.duration_s)
    end_s = mission.spend(node, link_end_s, Activity.DOWNLINK, rules.downlink_w)
    done = end_s >= wanted_end_s
    sent_byte = left_byte if done else int((end_s - at_s) * contact.rate_bps / 8)
    sent = Downlink(
        number, node, contact.b, at_s, end_s, sent_byte, contact.rate_bps, outcome="done" if done else "cut"
    )
    mission.happenings.append((end_s, sent))
    mission.left_byte[number] -= sent_byte
    mission.free_at_s[node] = end_s
    if not done:
        _seek_pass(mission, end_s if end_s >= link_end_s else end_s + rules.retry_s, number)


def _agree(mission: _Mission, at_s: float, contact: Contact) -> None:
    """Book both satellites for an exchange as soon as the pair's interval and their work allow."""
    pair = mission.pair(contact)
    # All satellites start from one checkpoint, so launch counts as everybody's first exchange.
    due_s = mission.met_at_s.get(pair, 0.0) + (mission.rules.exchange_every_s or 0.0)
    start_s = max(at_s, due_s, *(mission.free_at_s[node] for node in pair))
    if start_s >= contact.end_s or not mission.lost.isdisjoint(pair):
        return
    free_until_s = min(mission.free_until_s(node, at_s, Activity.EXCHANGE) for node in pair)
    later_s = free_until_s if free_until_s < start_s + _transfer_s(mission.rules, contact) else due_s
    if later_s > at_s:
        mission.push(later_s, Activity.EXCHANGE, partial(_agree, contact=contact))
        return
    mission.push(start_s, Activity.EXCHANGE, partial(_transfer, contact=contact))
    for node in pair:
        mission.free_at_s[node] = min(start_s + _transfer_s(mission.rules, contact), contact.end_s)


def _transfer(mission: _Mission, at_s: float, contact: Contact) -> None:
    """Carry out a booked exchange; a transfer that outlives its window leaves both sides with nothing."""
    rules, pair, agree = mission.rules, mission.pair(contact), partial(_agree, contact=contact)
    permitted = [mission.permits(node, at_s, Activity.EXCHANGE) for node in pair]
    if not all(permitted):
        mission.push(at_s + rules.retry_s, Activity.EXCHANGE, agree)
        return
    wanted_end_s = at_s + _transfer_s(rules, contact)
    link_end_s = min(wanted_end_s, contact.end_s, rules.duration_s)
    end_s = min(mission.spend(node, link_end_s, Activity.EXCHANGE, rules.exchange_w) for node in pair)
    if end_s < wanted_end_s:
        mission.happenings.append((end_s, Exchange(*pair, at_s, end_s, rules.update_byte, "cut")))
        mission.push(link_end_s + rules.retry_s, Activity.EXCHANGE, agree)
        return
    mission.happenings.append((end_s, Exchange(*pair, at_s, end_s, rules.update_byte, "done")))
    mission.met_at_s[pair] = at_s
    mission.push(end_s, Activity.EXCHANGE, agree)


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
    return Timeline(
        tuple(entry for _, entry in merged), tuple(mission.refusals), tuple(mission.stops), tuple(mission.energy)
    )


def _evaluation_times(rules: Rules) -> list[float]:
    n_inside = int(rules.duration_s / rules.evaluate_every_s - 1e-9)
    return [i * rules.evaluate_every_s for i in range(n_inside + 1)] + [rules.duration_s]
