"""Satellites that learn through the ground: they hand their update in at a pass, and take the newest model along.

All stations are one server. A satellite hands in one update per model of the server, and a station serves one satellite
at a time, who asks first first. The ground makes a new model whenever the strategy says that enough updates are there.

What comes first in a pass matters: a satellite that has handed in and has had no answer takes the newer model before it
hands in again, for only then does it know what of its training the server lacks. One that has not handed in does so
first, and takes the model that may follow from it, unless the strategy has no use for what is late.
"""

from functools import partial

from orbitfl.contacts.plan import Contact, ContactPlan
from orbitfl.environment.base import Activity
from orbitfl.simulation.carrying import Booking, Carried, book, carry
from orbitfl.simulation.mission import Mission
from orbitfl.simulation.rules import Meetings
from orbitfl.simulation.timeline import Aggregation, Offer, Sending


def visit_stations(mission: Mission, meetings: Meetings, plan: ContactPlan) -> None:
    """Queue every pass over a station."""
    for contact in plan.of_kind("ground"):
        mission.push(contact.start_s, Activity.EXCHANGE, partial(_visit, contact=contact, meetings=meetings))


def server_of(mission: Mission) -> int:
    """The ground's number among the nodes: the one after the satellites."""
    return len(mission.free_at_s)


def _visit(mission: Mission, at_s: float, contact: Contact, meetings: Meetings) -> None:
    """Book satellite and station as soon as the interval and their work allow, if there is anything to carry."""
    node, ground = mission.node_of[contact.a], mission.ground
    if node in mission.lost:
        return
    _close(mission, at_s, meetings)
    again = partial(_visit, contact=contact, meetings=meetings)
    due_s = mission.met_at_s.get((node, server_of(mission)), 0.0) + meetings.every_s
    start_s = max(at_s, due_s, mission.free_at_s[node], ground.free_at_s[contact.b])
    if start_s >= contact.end_s:
        return
    if start_s > at_s:
        mission.push(start_s, Activity.EXCHANGE, again)
        return
    free_until_s = mission.free_until_s(node, at_s, Activity.EXCHANGE)
    if at_s < free_until_s < contact.end_s:
        mission.push(free_until_s, Activity.EXCHANGE, again)
        return
    nothing = not _has_news(mission, node) and ground.version <= ground.known[node]
    if nothing or not mission.permits(node, at_s, Activity.EXCHANGE):
        _look_again(mission, at_s, contact, meetings)
        return
    _serve(mission, at_s, contact, meetings)


def _serve(mission: Mission, at_s: float, contact: Contact, meetings: Meetings) -> None:
    """One message up or down, and then the next, until there is nothing left to carry."""
    node, ground = mission.node_of[contact.a], mission.ground
    if node in mission.lost or at_s >= contact.end_s:
        return
    has_news, behind = _has_news(mission, node), ground.version > ground.known[node]
    idle = mission.free_at_s[node] <= at_s
    if idle and behind and (not has_news or node in ground.unanswered or not meetings.takes_late):
        _fetch(mission, at_s, contact, meetings)
    elif idle and has_news:
        _hand_in(mission, at_s, contact, meetings)
    else:
        mission.push(at_s, Activity.EXCHANGE, partial(_visit, contact=contact, meetings=meetings))


def _has_news(mission: Mission, node: int) -> bool:
    """Whether a satellite has trained since it last handed in, and not yet handed in towards the next model."""
    half_sent = (node, server_of(mission)) in mission.partials
    return half_sent or (mission.sessions[node] > mission.delivered[node] and node not in mission.ground.heard)


def _hand_in(mission: Mission, at_s: float, contact: Contact, meetings: Meetings) -> None:
    node, server = mission.node_of[contact.a], server_of(mission)
    booking = book(mission, (node, server), contact, at_s, ({},))
    if booking.is_new:
        mission.happened(at_s, Offer(booking.transfer.number, node, server, at_s))
        mission.sessions_told[node] = mission.sessions[node]
    carried = _carry(mission, booking, node, contact)
    if carried.done:
        mission.met_at_s[node, server] = at_s
        # Only then: whoever is served meanwhile meets the server as it is.
        arrived = partial(_arrived, node=node, contact=contact, meetings=meetings)
        mission.queue_up(carried.end_s, Activity.EXCHANGE, arrived)
    else:
        _look_again(mission, carried.link_end_s, contact, meetings)


def _arrived(mission: Mission, at_s: float, node: int, contact: Contact, meetings: Meetings) -> None:
    """The server has what `node` handed in."""
    mission.delivered[node] = mission.sessions_told[node]
    if meetings.takes_late or mission.ground.known[node] == mission.ground.version:  # or its round closed on its way
        mission.ground.heard.add(node)
    mission.ground.unanswered.add(node)
    _close(mission, at_s, meetings)
    _serve(mission, at_s, contact, meetings)


def _fetch(mission: Mission, at_s: float, contact: Contact, meetings: Meetings) -> None:
    """Take the newest model along; a half-sent older one is given up for it, and so is what comes too late."""
    node, server, ground = mission.node_of[contact.a], server_of(mission), mission.ground
    if ground.offered.get(node) != ground.version:
        mission.partials.pop((server, node), None)
    if not meetings.takes_late:
        mission.partials.pop((node, server), None)
    booking = book(mission, (server, node), contact, at_s, ({},))
    if booking.is_new:
        mission.happened(at_s, Offer(booking.transfer.number, server, node, at_s))
        ground.offered[node] = ground.version
    carried = _carry(mission, booking, node, contact)
    if carried.done:
        ground.known[node] = ground.offered[node]
        mission.met_at_s[node, server] = at_s
        if not meetings.takes_late and node not in ground.unanswered:
            mission.delivered[node] = mission.sessions[node]
        ground.unanswered.discard(node)
        mission.push(carried.end_s, Activity.EXCHANGE, partial(_serve, contact=contact, meetings=meetings))
    else:
        _look_again(mission, carried.link_end_s, contact, meetings)


def _carry(mission: Mission, booking: Booking, node: int, contact: Contact) -> Carried:
    start_s, (sender, receiver) = booking.attempt.start_s, booking.key
    carried = carry(mission, booking, (node,), mission.rules.downlink_w)
    mission.free_at_s[node] = mission.ground.free_at_s[contact.b] = carried.end_s
    outcome = "done" if carried.done else "cut"
    (sent_byte,) = carried.sent_byte
    part = Sending(
        booking.transfer.number, sender, receiver, start_s, carried.end_s, sent_byte, outcome, station=contact.b
    )
    mission.happened(carried.end_s, part)
    return carried


def _look_again(mission: Mission, at_s: float, contact: Contact, meetings: Meetings) -> None:
    """Later in this pass, if it lasts."""
    visit = partial(_visit, contact=contact, meetings=meetings)
    mission.push(at_s + mission.rules.retry_s, Activity.EXCHANGE, visit)


def _close(mission: Mission, at_s: float, meetings: Meetings) -> None:
    """Let the ground aggregate if enough of the satellites that train, and live, have handed in."""
    pupils = [node for node, since_s in enumerate(mission.agenda.learns_from_s) if since_s < mission.rules.duration_s]
    living = len(set(pupils) - mission.lost)
    if mission.ground.heard and meetings.closes(len(mission.ground.heard), living):
        mission.ground.version += 1
        mission.ground.heard.clear()
        mission.happened(at_s, Aggregation(at_s))
