"""One satellite from event to event in plain numbers, as the event queue asks: `walks.walk`, written out for speed.

Tests hold the two together to the bit. What is left out here changes no bit there: zeros that are added, bounds that
are not met, and the terms of Newton's first step that cancel.
"""

from bisect import bisect_right
from math import atan, expm1, inf, log1p, sqrt

from orbitfl.environment.physics import (
    CONVERGED,
    COSMIC_BACKGROUND_K,
    LEAST_DRAIN_W,
    NEWTON_ROUNDS,
    SCALAR,
    Body,
    heating_s,
)
from orbitfl.environment.sky import Track
from orbitfl.environment.walks import Bounds, Walk


def walk_alone(
    body: Body, track: Track, bounds: Bounds, power_w: float, begun: tuple[float, float, float], end_s: float
) -> Walk:
    """`walks.walk` along the track of one satellite; begun: its clock, charge and temperature."""
    starts_s, inputs = track
    floor_j, ceiling_k, standby = bounds
    now_s, stored_j, temperature_k = begun
    battery_j, capacity_j_k, emission_w_k4, work_to_heat = body
    consumed_j = charged_j = clipped_j = eclipse_s = off_s = 0.0
    cut = hot = False
    place = bisect_right(starts_s, now_s) - 1
    while now_s < end_s:
        piece_end_s, panels_w, heat_w = inputs[place]
        target_s = piece_end_s if piece_end_s < end_s else end_s
        length_s = longest_s = target_s - now_s
        starved = standby and stored_j <= 0 and panels_w < power_w
        drawn_w = panels_w if starved else power_w
        net_w, heat_w = panels_w - drawn_w, heat_w + work_to_heat * drawn_w
        balance_k = sqrt(sqrt(heat_w / emission_w_k4))
        if not balance_k > COSMIC_BACKGROUND_K:
            balance_k = COSMIC_BACKGROUND_K
        drain_s = (stored_j - floor_j) / (-net_w if -net_w > LEAST_DRAIN_W else LEAST_DRAIN_W) if net_w < 0 else inf
        hot_s = heating_s(SCALAR, body, balance_k, temperature_k, ceiling_k) if ceiling_k < balance_k else inf
        if drain_s < length_s or hot_s < length_s:
            length_s = min(drain_s if drain_s > 0.0 else 0.0, hot_s)
        offered_j = stored_j + net_w * length_s
        if offered_j > battery_j:
            clipped_j += offered_j - battery_j
            stored_j = battery_j
        else:
            stored_j = offered_j if offered_j > 0.0 else 0.0
        if drain_s <= length_s:
            stored_j = floor_j
        paced = 4 * emission_w_k4 * balance_k**3 * length_s / capacity_j_k
        temperature_k = ceiling_k if hot_s <= length_s else after_alone(balance_k, temperature_k, paced)
        consumed_j += drawn_w * length_s
        charged_j += panels_w * length_s
        if starved:
            off_s += length_s * (1 - panels_w / (power_w if power_w > LEAST_DRAIN_W else LEAST_DRAIN_W))
        if not panels_w > 0:
            eclipse_s += length_s
        if length_s >= longest_s:
            now_s = target_s
        else:
            now_s += length_s
            if not standby:
                cut, hot = True, hot_s <= length_s
                break
        if now_s >= piece_end_s:
            place += 1
    return Walk(now_s, stored_j, temperature_k, consumed_j, charged_j, clipped_j, eclipse_s, off_s, cut, hot)


def after_alone(balance_k: float, temperature_k: float, paced: float) -> float:
    """`physics.after`; paced: 4 b Tₑ³ t / C."""
    start = temperature_k / balance_k
    off = start - 1
    step = paced * (1 + start * start) * (1 + start) / 4
    w = 0.0 - step
    grown = off * expm1(w)
    if abs(step) < CONVERGED:
        return temperature_k + balance_k * grown
    begun = 2 * atan(start) + log1p(start)
    for _ in range(NEWTON_ROUNDS - 1):
        x = start + grown
        step = (w + paced - (2 * atan(x) + log1p(x) - begun)) * (1 + x * x) * (1 + x) / 4
        w -= step
        grown = off * expm1(w)
        if abs(step) < CONVERGED:
            break
    return temperature_k + balance_k * grown
