"""Satellites that learn through the ground: they hand their update in at a pass, and take the newest model along.

All stations are one server. A satellite hands in one update per model of the server, and a station serves one satellite
at a time, who asks first first. The ground makes a new model whenever the strategy says that enough updates are there.
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
    if not (_has_news(mission, node) or ground.version > ground.known[node]):
        mission.push(at_s + mission.rules.retry_s, Activity.EXCHANGE, again)
        return
    if not mission.permits(node, at_s, Activity.EXCHANGE):
        mission.push(at_s + mission.rules.retry_s, Activity.EXCHANGE, again)
        return
    _hand_in(mission, at_s, contact, meetings)


def _has_news(mission: Mission, node: int) -> bool:
    """Whether a satellite has trained since it last handed in, and not yet handed in towards the next model."""
    half_sent = (node, server_of(mission)) in mission.partials
    return half_sent or (mission.sessions[node] > mission.delivered[node] and node not in mission.ground.heard)


def _hand_in(mission: Mission, at_s: float, contact: Contact, meetings: Meetings) -> None:
    node, server = mission.node_of[contact.a], server_of(mission)
    if not _has_news(mission, node):
        _fetch(mission, at_s, contact, meetings)
        return
    booking = book(mission, (node, server), contact, at_s, ((),))
    if booking.is_new:
        mission.happened(at_s, Offer(booking.transfer.number, node, server, at_s))
        mission.sessions_told[node] = mission.sessions[node]
    carried = _carry(mission, booking, node, contact)
    if not carried.done:
        _leave(mission, carried, contact, meetings)
        return
    mission.delivered[node] = mission.sessions_told[node]
    mission.met_at_s[node, server] = at_s
    mission.ground.heard.add(node)
    _close(mission, carried.end_s, meetings)
    fetch = partial(_fetch, contact=contact, meetings=meetings)
    mission.push(carried.end_s, Activity.EXCHANGE, fetch)


def _fetch(mission: Mission, at_s: float, contact: Contact, meetings: Meetings) -> None:
    """Take the newest model along; a half-sent older one is given up for it."""
    node, server, ground = mission.node_of[contact.a], server_of(mission), mission.ground
    again = partial(_visit, contact=contact, meetings=meetings)
    if node in mission.lost or at_s >= contact.end_s:
        return
    if ground.version <= ground.known[node] or mission.free_at_s[node] > at_s:
        mission.push(at_s + mission.rules.retry_s, Activity.EXCHANGE, again)
        return
    if ground.offered.get(node) != ground.version:
        mission.partials.pop((server, node), None)
    booking = book(mission, (server, node), contact, at_s, ((),))
    if booking.is_new:
        mission.happened(at_s, Offer(booking.transfer.number, server, node, at_s))
        ground.offered[node] = ground.version
    carried = _carry(mission, booking, node, contact)
    if carried.done:
        ground.known[node] = ground.offered[node]
        mission.met_at_s[node, server] = at_s
    _leave(mission, carried, contact, meetings)


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


def _leave(mission: Mission, carried: Carried, contact: Contact, meetings: Meetings) -> None:
    """Look again later in this pass, if it lasts."""
    later_s = carried.link_end_s + (0.0 if carried.done else mission.rules.retry_s)
    mission.push(later_s, Activity.EXCHANGE, partial(_visit, contact=contact, meetings=meetings))


def _close(mission: Mission, at_s: float, meetings: Meetings) -> None:
    """Let the ground aggregate if enough of the satellites that train, and live, have handed in."""
    pupils = [node for node, since_s in enumerate(mission.agenda.learns_from_s) if since_s < mission.rules.duration_s]
    living = len(set(pupils) - mission.lost)
    if mission.ground.heard and meetings.closes(len(mission.ground.heard), living):
        mission.ground.version += 1
        mission.ground.heard.clear()
        mission.happened(at_s, Aggregation(at_s))
