"""The event queue that moves the mission clock.

A satellite does one thing at a time. What wants to begin at one instant begins in the order of `Rules.priorities`, and
training ends early for an appointment of more priority: an image of what cannot wait, or a pass in which its product
is to be sent. An exchange is agreed when a window is open and the pair's interval has passed; it begins as soon as both
are free and holds both until it is over, so a terminal serves one peer. Sessions fill the time between. Events are
ordered by time, then priority, then the order in which they were made: equal input, equal timeline.
"""

import gc
import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np

from orbitfl.contacts.channel import Channel, Steady
from orbitfl.contacts.plan import Contact, ContactPlan
from orbitfl.environment.base import Activity, Environment
from orbitfl.purposes import Purpose
from orbitfl.simulation.meetings import digest, meet_ideally, meet_in_windows
from orbitfl.simulation.mission import Mission, lose
from orbitfl.simulation.products import watch
from orbitfl.simulation.rounds import visit_stations
from orbitfl.simulation.rules import Agenda, Rules
from orbitfl.simulation.timeline import Evaluation, Session, Timeline


def simulate(
    rules: Rules,
    plan: ContactPlan,
    environment: Environment,
    satellites: Sequence[str],
    agenda: Agenda | None = None,
    channel: Channel | None = None,
) -> Timeline:
    """Run the mission. `satellites` are named in the environment's order; the plan knows them by these names.

    Without an agenda all satellites hold data from the start, and nothing is urgent; without a channel every window
    carries its mean rate from end to end.
    """
    agenda = agenda or Agenda(learns_from_s=(0.0,) * len(satellites))
    mission = _begun(rules, plan, environment, satellites, agenda, channel or Steady())
    with _uncollected():
        while mission.queue:
            at_s, _, _, event = heapq.heappop(mission.queue)
            event(mission, at_s)
        return _finish(mission)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector: looking through all that has happened, again and again, takes a fifth of the time.

    A mission makes no cycles.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _begun(
    rules: Rules,
    plan: ContactPlan,
    environment: Environment,
    satellites: Sequence[str],
    agenda: Agenda,
    channel: Channel,
) -> Mission:
    node_of = {name: node for node, name in enumerate(satellites)}
    passes = defaultdict[int, list[Contact]](list)
    for contact in plan.of_kind("ground") if agenda.observations else ():
        passes[node_of[contact.a]].append(contact)
    left_byte = [each.size_byte for each in agenda.observations]
    free_at_s, rng = [0.0] * len(node_of), np.random.default_rng([rules.seed, Purpose.LOST_CHUNKS])
    mission = Mission(rules, environment, channel, agenda, node_of, passes, free_at_s, left_byte, rng)
    for node, at_s in rules.lost_at_s.items():
        mission.push(at_s, rules.priorities[0], partial(lose, node=node))
    if rules.session_every_s is not None:
        for node, at_s in enumerate(agenda.learns_from_s):
            mission.push(at_s, Activity.TRAINING, partial(_train, node=node, every_s=rules.session_every_s))
    watch(mission)
    _meet(mission, plan)
    return mission


def _meet(mission: Mission, plan: ContactPlan) -> None:
    meetings = mission.rules.meetings
    if meetings is None:
        return
    if meetings.pattern == "ground":
        visit_stations(mission, meetings, plan)
    elif meetings.pattern == "ideal":
        meet_ideally(mission, meetings)
    else:
        meet_in_windows(mission, meetings, plan)


def _train(mission: Mission, at_s: float, node: int, every_s: float) -> None:
    rules, again = mission.rules, partial(_train, node=node, every_s=every_s)
    if node in mission.lost:
        return
    if mission.free_at_s[node] > at_s:
        mission.push(mission.free_at_s[node], Activity.TRAINING, again)
        return
    free_until_s, step_s = mission.free_until_s(node, at_s, Activity.TRAINING), rules.step_s_of(node)
    if free_until_s < at_s + step_s:
        mission.push(free_until_s, Activity.TRAINING, again)
        return
    if not mission.permits(node, at_s, Activity.TRAINING):
        mission.push(at_s + rules.retry_s, Activity.TRAINING, again)
        return
    digest(mission, at_s, node)
    planned_end_s = min(at_s + rules.session_steps * step_s, free_until_s, rules.duration_s)
    end_s = mission.spend(node, planned_end_s, Activity.TRAINING, rules.train_w)
    # The quotient of an undisturbed session may miss its whole number by rounding.
    steps = int((end_s - at_s) / step_s + 1e-6)
    if steps:
        mission.happened(end_s, Session(node, at_s, end_s, steps))
        mission.sessions[node] += 1
    mission.free_at_s[node] = end_s
    pause_s = every_s if steps else rules.retry_s
    mission.push(max(at_s + pause_s, end_s), Activity.TRAINING, again)


def _finish(mission: Mission) -> Timeline:
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
