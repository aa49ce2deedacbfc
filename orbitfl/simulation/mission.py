"""The evolving state of a mission: its queue, its satellites, and what has happened so far."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from math import inf

import numpy as np

from orbitfl.contacts.channel import Channel
from orbitfl.contacts.plan import Contact
from orbitfl.environment.base import Activity, Environment, Reason, Spell
from orbitfl.simulation.rules import Agenda, Rules
from orbitfl.simulation.timeline import Happening, Refusal
from orbitfl.simulation.transfers import Partial

Event = Callable[["Mission", float], None]
Pair = tuple[int, int]


@dataclass
class Ground:
    """The server behind all stations.

    version: how many models it has made. known: by satellite, the last version it has taken over. heard: which
    satellites have delivered since the last. unanswered: which have delivered since they last took a model over.
    free_at_s: by station, since one serves one satellite. offered: by satellite, the version on its way to it, perhaps
    over several passes.
    """

    version: int = 0
    known: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    heard: set[int] = field(default_factory=set)
    unanswered: set[int] = field(default_factory=set)
    free_at_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    offered: dict[int, int] = field(default_factory=dict)


@dataclass
class Mission:
    """The queue, each satellite's next free moment, and what has happened so far.

    appointments: per satellite, when something is promised to begin, and its rank. left_byte: what is still onboard of
    the product of each observation. lost: satellites that want nothing more, destroyed or silent. met_at_s, partials:
    by pair; agreed_until_s: by pair that has booked an exchange, when it will be over; turn: who of a pair sends next,
    where they take turns. held: by satellite, when the newest message that it has of each other was written; waiting:
    who has any to merge. sessions: how many each has had; sessions_told: before its newest update to the ground was
    written, delivered: before the last that arrived.
    """

    rules: Rules
    environment: Environment
    channel: Channel
    agenda: Agenda
    node_of: dict[str, int]
    passes: dict[int, list[Contact]]
    free_at_s: list[float]
    left_byte: list[int]
    rng: np.random.Generator
    met_at_s: dict[Pair, float] = field(default_factory=dict)
    agreed_until_s: dict[Pair, float] = field(default_factory=dict)
    partials: dict[Pair, Partial] = field(default_factory=dict)
    turn: dict[Pair, int] = field(default_factory=dict)
    held: dict[int, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    waiting: set[int] = field(default_factory=set)
    ground: Ground = field(default_factory=Ground)
    sessions: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    sessions_told: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    delivered: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    lost: set[int] = field(default_factory=set)
    appointments: dict[int, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))
    queue: list[tuple[float, int, int, Event]] = field(default_factory=list)
    ticket: Iterator[int] = field(default_factory=count)
    number: Iterator[int] = field(default_factory=count)
    happenings: list[tuple[float, Happening]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    stops: list[Refusal] = field(default_factory=list)
    energy: list[Spell] = field(default_factory=list)

    def push(self, at_s: float, activity: Activity, event: Event) -> None:
        """Queue `event`, which is about to begin `activity`, unless the mission is over by then."""
        if at_s < self.rules.duration_s:
            self.queue_up(at_s, activity, event)

    def queue_up(self, at_s: float, activity: Activity, event: Event) -> None:
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
        """Let `node` do `activity` until `until_s`; returns when it really ended, earlier if lost or without power."""
        if activity is not Activity.STANDBY:
            until_s = min(until_s, self.rules.lost_at_s.get(node, inf))
        spell = self.environment.advance(node, until_s, activity, power_w)
        if spell.end_s > spell.start_s:
            self.energy.append(spell)
        if spell.reason is not None and node not in self.lost:
            self.stops.append(Refusal(node, spell.end_s, activity, spell.reason))
        return spell.end_s

    def pair(self, contact: Contact) -> Pair:
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

    def happened(self, at_s: float, what: Happening) -> None:
        self.happenings.append((at_s, what))


def lose(mission: Mission, at_s: float, node: int) -> None:
    """A satellite falls silent for good: it neither learns nor talks, though its battery goes on."""
    if node not in mission.lost:
        mission.lost.add(node)
        mission.stops.append(Refusal(node, at_s, Activity.STANDBY, Reason.FAILED))
