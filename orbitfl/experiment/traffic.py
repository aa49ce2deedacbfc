"""What a mission spent and what its links achieved, read from the timeline alone."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from orbitfl.contacts import ContactPlan
from orbitfl.orbit.arrays import Floats
from orbitfl.results import Record
from orbitfl.simulation.timeline import Evaluation, Exchange, Offer, Sending, Timeline

Part = Exchange | Sending
Kind = Literal["isl", "ground"]


def spent(mission: Timeline, names: Sequence[str]) -> Iterator[Record]:
    """At every evaluation, per satellite: the bytes of updates it has sent so far, and the joules it has consumed."""
    at_s = np.array([each.at_s for each in mission.happenings if isinstance(each, Evaluation)])
    for node, (sent_byte, consumed_j) in enumerate(
        zip(_sent(mission, names, at_s), _consumed(mission, names, at_s), strict=True)
    ):
        for t_s, byte, joule in zip(at_s.tolist(), sent_byte.tolist(), consumed_j.tolist(), strict=True):
            yield t_s, names[node], "sent_byte", byte
            yield t_s, names[node], "consumed_j", joule


def achieved(
    mission: Timeline, plan: ContactPlan, kind: Kind, at_s: float, name: str, update_byte: int
) -> Iterator[Record]:
    """For the whole mission: windows used and missed, transfers done, resumed and given up, and the goodput in bit/s.

    kind: of the windows that exchanges use. Resumed: of those done, what took more than one contact. Given up: what was
    begun and is not done by the end. Goodput: bytes of the updates that came through, of `update_byte` each, over the
    time on the link; of both ways at once the fuller. What was sent again, and what opens a contact, is not counted.
    """
    parts = [each for each in mission.happenings if isinstance(each, Exchange | Sending)]
    by_number = defaultdict[int, list[Part]](list)
    for part in parts:
        by_number[part.number].append(part)
    done = [all_parts for all_parts in by_number.values() if all_parts[-1].outcome == "done"]
    begun = dict[int, int]()
    for each in mission.happenings:
        if isinstance(each, Offer):
            begun[each.number] = max(begun.get(each.number, 0), update_byte * (1 + len(each.relayed)))
    used, windows = _used(parts, plan, kind), int((plan.of_kind(kind).table["start_s"] < at_s).sum())
    on_link_s = sum(part.end_s - part.start_s for part in parts)
    through_byte = sum(begun[all_parts[0].number] for all_parts in done)
    counts = {
        "contacts used": used,
        "contacts missed": windows - used,
        "transfers done": len(done),
        "transfers resumed": sum(len(all_parts) > 1 for all_parts in done),
        "transfers given up": len(begun) - len(done),
        "goodput_bps": 8 * through_byte / on_link_s if on_link_s else 0.0,
    }
    yield from ((at_s, name, what, float(value)) for what, value in counts.items())


def _sent(mission: Timeline, names: Sequence[str], at_s: Floats) -> Iterator[Floats]:
    sendings: list[list[tuple[float, int]]] = [[] for _ in names]
    for each in mission.happenings:
        match each:
            case Exchange(a=a, b=b, end_s=end_s, sent_byte=(there, back)):
                sendings[a].append((end_s, there))
                sendings[b].append((end_s, back))
            case Sending(sender=sender, end_s=end_s, sent_byte=byte) if sender < len(names):
                sendings[sender].append((end_s, byte))
    for own in sendings:
        ends_s, byte = np.array([end_s for end_s, _ in own]), np.cumsum([0, *(byte for _, byte in own)])
        yield byte[np.searchsorted(ends_s, at_s, "right")].astype(float)


def _consumed(mission: Timeline, names: Sequence[str], at_s: Floats) -> Iterator[Floats]:
    """Straight within a spell; spells of one satellite follow each other without a gap."""
    spells: list[list[tuple[float, float]]] = [[(0.0, 0.0)] for _ in names]
    for spell in mission.energy:
        spells[spell.node].append((spell.end_s, spell.consumed_j))
    for own in spells:
        ends_s, consumed_j = np.array(own).T
        yield np.interp(at_s, ends_s, np.cumsum(consumed_j))


def _used(parts: Sequence[Part], plan: ContactPlan, kind: Kind) -> int:
    """How many windows carried anything."""
    starts = defaultdict[tuple[str, str], list[float]](list)
    for contact in plan.of_kind(kind):
        starts[contact.a, contact.b].append(contact.start_s)
    opened_s = {ends: np.array(values) for ends, values in starts.items()}
    used = set()
    for part in parts:
        ends = _ends(part, plan)
        if ends in opened_s:
            used.add((ends, int(np.searchsorted(opened_s[ends], part.start_s, "right"))))
    return len(used)


def _ends(part: Part, plan: ContactPlan) -> tuple[str, str]:
    match part:
        case Exchange(a=a, b=b):
            return plan.nodes[a], plan.nodes[b]
        case Sending(sender=sender, receiver=receiver, station=station) if station:
            return plan.nodes[min(sender, receiver)], station
        case Sending(sender=sender, receiver=receiver):
            return plan.nodes[min(sender, receiver)], plan.nodes[max(sender, receiver)]
