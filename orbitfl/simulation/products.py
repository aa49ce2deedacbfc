"""Maps of what cannot wait: made onboard as soon as the image is there, sent in the next passes."""

from functools import partial

from orbitfl.contacts.plan import Contact
from orbitfl.environment.base import Activity
from orbitfl.simulation.mission import Mission
from orbitfl.simulation.timeline import Downlink, Inference


def watch(mission: Mission) -> None:
    """Promise every observation of the agenda."""
    for number, seen in enumerate(mission.agenda.observations):
        if seen.processing_s:
            mission.promise(seen.node, seen.at_s, Activity.INFERENCE, partial(_infer, number=number))
        else:
            _seek_pass(mission, seen.at_s, number)


def _infer(mission: Mission, at_s: float, number: int) -> None:
    """Make the product of an observation; what was interrupted begins anew."""
    rules, seen, again = mission.rules, mission.agenda.observations[number], partial(_infer, number=number)
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
    mission.happened(end_s, Inference(number, seen.node, at_s, end_s))
    _seek_pass(mission, end_s, number)


def _seek_pass(mission: Mission, at_s: float, number: int) -> None:
    """Promise what is left of a product to the next pass over a station, if there is one."""
    node = mission.agenda.observations[number].node
    for contact in mission.passes[node]:
        if contact.end_s > at_s:
            send = partial(_send, number=number, contact=contact)
            mission.promise(node, max(at_s, contact.start_s), Activity.DOWNLINK, send)
            return


def _send(mission: Mission, at_s: float, number: int, contact: Contact) -> None:
    """Send what is left of a product while a pass lasts, the rest in the next one."""
    rules, node, left_byte = mission.rules, mission.agenda.observations[number].node, mission.left_byte[number]
    free_s = mission.free_at_s[node]
    if node in mission.lost:
        return
    if free_s > at_s:
        _seek_pass(mission, free_s, number)
        return
    if not mission.permits(node, at_s, Activity.DOWNLINK):
        _seek_pass(mission, at_s + rules.retry_s, number)
        return
    wanted_end_s = mission.channel.finish_s(contact, at_s, 8 * left_byte)
    link_end_s = min(wanted_end_s, contact.end_s, rules.duration_s)
    end_s = mission.spend(node, link_end_s, Activity.DOWNLINK, rules.downlink_w)
    done = end_s >= wanted_end_s
    sent_byte = left_byte if done else int(mission.channel.volume_bit(contact, at_s, end_s) / 8)
    outcome = "done" if done else "cut"
    mission.happened(end_s, Downlink(number, node, contact, at_s, end_s, sent_byte, outcome))
    mission.left_byte[number] -= sent_byte
    mission.free_at_s[node] = end_s
    if not done:
        _seek_pass(mission, end_s if end_s >= link_end_s else end_s + rules.retry_s, number)
