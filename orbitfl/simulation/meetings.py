"""Satellites that exchange updates: agreed in a window, cut with it, gone on with in the next.

Both ways at once ("pairwise", "gather"): neither side has anything before both messages are through. In turns
("one_way"): who received last sends next. All at once ("ideal"): in no time and at no cost, a bound that no orbit
allows. Who asks first is served first; a terminal serves one peer at a time.
"""

from collections.abc import Mapping
from functools import partial

from orbitfl.contacts.plan import Contact, ContactPlan
from orbitfl.environment.base import Activity
from orbitfl.simulation.carrying import Booking, Carried, book, carry
from orbitfl.simulation.mission import Mission, Pair
from orbitfl.simulation.rules import Meetings
from orbitfl.simulation.timeline import Consensus, Digest, Exchange, Offer, Sending


def meet_in_windows(mission: Mission, meetings: Meetings, plan: ContactPlan) -> None:
    """Queue every window between satellites."""
    for contact in plan.of_kind("isl"):
        mission.push(contact.start_s, Activity.EXCHANGE, partial(_agree, contact=contact, meetings=meetings))


def meet_ideally(mission: Mission, meetings: Meetings, after_s: float = 0.0) -> None:
    """Queue the next meeting of all; there is one at the very end too, since it takes no time."""
    next_s = after_s + meetings.every_s
    if next_s <= mission.rules.duration_s:
        mission.queue_up(next_s, Activity.EXCHANGE, partial(_meet_at_once, meetings=meetings))


def _meet_at_once(mission: Mission, at_s: float, meetings: Meetings) -> None:
    living = tuple(node for node in range(len(mission.free_at_s)) if node not in mission.lost)
    if living:
        mission.happened(at_s, Consensus(living, at_s))
        meet_ideally(mission, meetings, at_s)


def digest(mission: Mission, at_s: float, node: int) -> None:
    """`node` merges what waits for it, if anything does."""
    if node in mission.waiting:
        mission.waiting.remove(node)
        mission.happened(at_s, Digest(node, at_s))


def _agree(mission: Mission, at_s: float, contact: Contact, meetings: Meetings) -> None:
    """Book both satellites for an exchange as soon as the pair's interval and their work allow."""
    pair = mission.pair(contact)
    if not mission.lost.isdisjoint(pair):
        return
    if pair in mission.agreed_until_s:
        # Over another window of theirs, which overlaps this one.
        again_s = mission.agreed_until_s[pair]
        mission.push(again_s, Activity.EXCHANGE, partial(_agree, contact=contact, meetings=meetings))
        return
    # All satellites start from one checkpoint, so launch counts as everybody's first exchange.
    due_s = mission.met_at_s.get(pair, 0.0) + meetings.interval_s(pair)
    start_s = max(at_s, due_s, *(mission.free_at_s[node] for node in pair))
    if start_s >= contact.end_s:
        return
    if due_s > at_s:
        mission.push(due_s, Activity.EXCHANGE, partial(_agree, contact=contact, meetings=meetings))
        return
    booking = book(mission, pair, contact, start_s, _relayed(mission, pair, meetings))
    free_until_s = min(mission.free_until_s(node, at_s, Activity.EXCHANGE) for node in pair)
    if at_s < free_until_s < booking.end_s:
        mission.push(free_until_s, Activity.EXCHANGE, partial(_agree, contact=contact, meetings=meetings))
        return
    mission.push(start_s, Activity.EXCHANGE, partial(_transfer, booking=booking, meetings=meetings))
    mission.agreed_until_s[pair] = booking.end_s
    for node in pair:
        mission.free_at_s[node] = booking.end_s


def _relayed(mission: Mission, pair: Pair, meetings: Meetings) -> tuple[dict[int, float], ...]:
    """Per direction, the newest messages that the one has and the other lacks; in turns there is one direction."""
    if meetings.pattern == "one_way":
        return ({},)
    return _lacking(mission, *pair), _lacking(mission, *reversed(pair))


def _lacking(mission: Mission, sender: int, receiver: int) -> dict[int, float]:
    """By whom, and when they were written."""
    if not mission.rules.wire.relays:
        return {}
    held, there = mission.held[sender], mission.held[receiver]
    lacking = [node for node in held if node != receiver and held[node] > there.get(node, -1.0)]
    newest = sorted(lacking, key=lambda node: (-held[node], node))[: mission.rules.wire.relays]
    return {node: held[node] for node in newest}


def _transfer(mission: Mission, at_s: float, booking: Booking, meetings: Meetings) -> None:
    """Carry out a booked exchange."""
    contact, pair = booking.attempt.contact, booking.key
    del mission.agreed_until_s[pair]
    if not mission.lost.isdisjoint(pair):
        _release(mission, at_s, booking)
        return
    again = partial(_agree, contact=contact, meetings=meetings)
    permitted = [mission.permits(node, at_s, Activity.EXCHANGE) for node in pair]
    if not all(permitted):
        _release(mission, at_s, booking)
        mission.push(at_s + mission.rules.retry_s, Activity.EXCHANGE, again)
        return
    one_way = meetings.pattern == "one_way"
    directions = [_turn(mission, pair)] if one_way else [pair, (pair[1], pair[0])]
    if booking.is_new:
        for (sender, receiver), relayed in zip(directions, booking.transfer.relayed, strict=True):
            mission.happened(at_s, Offer(booking.transfer.number, sender, receiver, at_s, tuple(relayed)))
    carried = carry(mission, booking, pair, mission.rules.exchange_w)
    _record(mission, at_s, booking, directions, carried)
    if not carried.done:
        mission.push(carried.link_end_s + mission.rules.retry_s, Activity.EXCHANGE, again)
        return
    mission.met_at_s[pair] = at_s
    for (sender, receiver), relayed in zip(directions, booking.transfer.relayed, strict=True):
        _arrived(mission, carried.end_s, booking, sender, receiver, relayed)
    if one_way:
        mission.turn[pair] = directions[0][1]
    mission.push(carried.end_s, Activity.EXCHANGE, again)


def _release(mission: Mission, at_s: float, booking: Booking) -> None:
    """Who was booked for an exchange that does not come about is free for something else, unless booked on from it."""
    for node in booking.key:
        if mission.free_at_s[node] == booking.end_s:
            mission.free_at_s[node] = at_s


def _turn(mission: Mission, pair: Pair) -> Pair:
    """Who sends and who receives."""
    return pair if mission.turn.get(pair, pair[0]) == pair[0] else (pair[1], pair[0])


def _record(mission: Mission, at_s: float, booking: Booking, directions: list[Pair], carried: Carried) -> None:
    number, outcome = booking.transfer.number, "done" if carried.done else "cut"
    if len(directions) == 1:
        part = Sending(number, *directions[0], at_s, carried.end_s, carried.sent_byte[0], outcome)
    else:
        there, back = carried.sent_byte
        part = Exchange(number, *booking.key, at_s, carried.end_s, (there, back), outcome)
    mission.happened(carried.end_s, part)


def _arrived(
    mission: Mission, at_s: float, booking: Booking, sender: int, receiver: int, relayed: Mapping[int, float]
) -> None:
    """What the receiver has now, for later relays; before it ever trains it merges at once."""
    meetings = mission.rules.meetings
    if meetings is None or meetings.pattern != "gather":
        return
    held = mission.held[receiver]
    held[sender] = booking.transfer.begun_s
    for node, written_s in relayed.items():
        held[node] = max(held.get(node, -1.0), written_s)
    mission.waiting.add(receiver)
    if mission.agenda.learns_from_s[receiver] > at_s:
        digest(mission, at_s, receiver)
