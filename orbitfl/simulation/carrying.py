"""One contact's part of a transfer: booked, then carried out, with its energy."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from orbitfl.contacts.plan import Contact
from orbitfl.environment.base import Activity
from orbitfl.simulation.mission import Mission, Pair
from orbitfl.simulation.transfers import Attempt, Partial, attempted


class Booking(NamedTuple):
    """What is to go over the link in a contact: the rest of a transfer, or a new one."""

    key: Pair
    transfer: Partial
    attempt: Attempt
    end_s: float
    is_new: bool


class Carried(NamedTuple):
    """When a booking ended and when its link would have, the bytes on the link per direction, and if all is there."""

    end_s: float
    link_end_s: float
    sent_byte: tuple[int, ...]
    done: bool


def book(
    mission: Mission,
    key: Pair,
    contact: Contact,
    start_s: float,
    relayed: Sequence[Mapping[int, float]],
) -> Booking:
    """The rest of the pair's transfer, if it is not too old; else a new one, with a message per entry of `relayed`."""
    wire, transfer = mission.rules.wire, mission.partials.get(key)
    is_new = transfer is None or start_s - transfer.begun_s > wire.keep_s
    if transfer is None or is_new:
        left_byte = [wire.update_byte * (1 + len(others)) for others in relayed]
        transfer = Partial(next(mission.number), start_s, left_byte, tuple(relayed))
    attempt = attempted(wire, mission.channel, contact, start_s, transfer.left_byte, mission.rng)
    return Booking(key, transfer, attempt, min(attempt.done_s, contact.end_s), is_new)


def carry(mission: Mission, booking: Booking, nodes: Sequence[int], power_w: float) -> Carried:
    """Let `nodes` spend what the transfer takes, and see how far it comes; a cut leaves its whole chunks behind."""
    attempt, rules = booking.attempt, mission.rules
    if booking.is_new:
        mission.partials[booking.key] = booking.transfer
    done_s = attempt.done_s
    link_end_s = min(done_s, attempt.contact.end_s, rules.duration_s)
    end_s = min(mission.spend(node, link_end_s, Activity.EXCHANGE, power_w) for node in nodes)
    if end_s >= done_s:
        del mission.partials[booking.key]
        return Carried(end_s, link_end_s, attempt.on_link_byte, True)
    if rules.wire.resumes:
        booking.transfer.took(attempt.moved_byte(end_s, mission.rng))
    else:
        del mission.partials[booking.key]
    passed_byte = attempt.passed_byte(end_s)
    # A direction that has less to carry is silent once it is through.
    return Carried(end_s, link_end_s, tuple(min(passed_byte, each) for each in attempt.on_link_byte), False)
