"""Satellites from event to event, with charge and heat between two of them in closed form."""

from collections.abc import Callable
from typing import Any, NamedTuple

from orbitfl.environment.physics import Body, Number, piece
from orbitfl.environment.sky import Inputs


class Walk(NamedTuple):
    """Where satellites stand after an activity, and the sums of what it moved.

    cut: whether battery or heat ended it early; hot: whether heat did.
    """

    now_s: Number
    stored_j: Number
    temperature_k: Number
    consumed_j: Number
    charged_j: Number
    clipped_j: Number
    eclipse_s: Number
    off_s: Number
    cut: Number
    hot: Number


class Bounds(NamedTuple):
    """How far an activity may go: until the charge falls or the temperature rises so far.

    standby: whether it lasts all the same, on what the panels give.
    """

    floor_j: float
    ceiling_k: float
    standby: bool


def walk(
    xp: Any, body: Body, at: Callable[[Any], Inputs], bounds: Bounds, power_w: Number, begun: Walk, end_s: Number
) -> Walk:
    """Draw `power_w` from `begun` until `end_s`, piece by piece; numbers (`SCALAR`) or arrays of satellites (numpy).

    at: the inputs at the satellites' instants. Those that are through stand still while others go on.
    """
    now_s, stored_j, temperature_k, consumed_j, charged_j, clipped_j, eclipse_s, off_s, cut, hot = begun
    while xp.any(now_s < end_s):
        piece_end_s, panels_w, heat_w = at(now_s)
        target_s = xp.minimum(piece_end_s, end_s)
        longest_s = target_s - now_s
        done = piece(xp, body, stored_j, temperature_k, panels_w, heat_w, power_w, *bounds, longest_s)
        stored_j, temperature_k = done.stored_j, done.temperature_k
        goes_on = (done.length_s >= longest_s) | bounds.standby
        now_s = xp.where(done.length_s >= longest_s, target_s, now_s + done.length_s)
        end_s = xp.where(goes_on, end_s, now_s)
        cut, hot = xp.where(goes_on, cut, True), xp.where(goes_on, hot, done.hot)
        consumed_j, charged_j = consumed_j + done.consumed_j, charged_j + done.charged_j
        clipped_j, off_s = clipped_j + done.clipped_j, off_s + done.off_s
        eclipse_s = eclipse_s + xp.where(panels_w > 0, 0.0, done.length_s)
    return Walk(now_s, stored_j, temperature_k, consumed_j, charged_j, clipped_j, eclipse_s, off_s, cut, hot)
