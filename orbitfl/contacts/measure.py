"""What happens within each window: the nearest and farthest range, and the mean rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from orbitfl.contacts.links import PANEL_S, PIECES, Link, mean_over_panels
from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.ephemeris import Ephemeris, value_weights, weighted
from orbitfl.orbit.jets import dot

ROUNDS = 2
SAMPLES_AT_ONCE = 1 << 18

RangeKm = Callable[[Ints, Ints, Floats], Floats]
"""Distances in km of bodies a and b at one time each; all (n,)."""


class Spans(NamedTuple):
    """Bodies `a` and `b` of an ephemeris from `start_s` to `end_s`; all (n,)."""

    a: Ints
    b: Ints
    start_s: Floats
    end_s: Floats

    def where(self, rows: slice | Ints) -> Spans:
        return Spans(self.a[rows], self.b[rows], self.start_s[rows], self.end_s[rows])

    def blocks(self, samples_per_s: float) -> Iterator[tuple[slice, Spans]]:
        """Runs of rows that take few enough samples at once."""
        samples = np.cumsum(2 + (self.end_s - self.start_s) * samples_per_s)
        full = np.arange(SAMPLES_AT_ONCE, samples[-1] if len(samples) else 0, SAMPLES_AT_ONCE)
        bounds = np.unique([0, *np.searchsorted(samples, full, "right"), len(samples)])
        for first, last in pairwise(bounds.tolist()):
            yield (rows := slice(first, last)), self.where(rows)


def ranges_km(bodies: Ephemeris, spans: Spans) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The least and the greatest distance (n,) of two bodies each: at an end, or where they stop closing in.

    Two such turns within one step of the ephemeris are taken for none.
    """
    nearest, farthest = np.empty((2, len(spans.a)), np.float32)
    for rows, part in spans.blocks(1 / bodies.step_s):
        nearest[rows], farthest[rows] = _ranges_of(bodies, part)
    return nearest, farthest


def mean_rate_bps(range_km: RangeKm, spans: Spans, link: Link) -> Floats:
    """Mean (n,) of the link's rate over each span; see `mean_over_panels` for its error."""
    rates = np.empty(len(spans.a))
    for rows, part in spans.blocks(PIECES / PANEL_S):
        rates[rows] = _mean_of(range_km, part, link)
    return rates


def _mean_of(range_km: RangeKm, spans: Spans, link: Link) -> Floats:
    duration_s = spans.end_s - spans.start_s
    panels = np.maximum(1, np.ceil(duration_s / PANEL_S)).astype(np.intp)
    span, place = _enumerated(panels)
    within = spans.where(span)
    first_km, middle_km, last_km = (
        range_km(within.a, within.b, within.start_s + (place + share) / panels[span] * duration_s[span])
        for share in (0.0, 0.5, 1.0)
    )
    rates = mean_over_panels(link, first_km, middle_km, last_km)
    return np.bincount(span, weights=rates, minlength=len(panels)) / panels


def _ranges_of(bodies: Ephemeris, spans: Spans) -> tuple[Floats, Floats]:
    ends_km = [range_km(bodies, spans.a, spans.b, t_s) for t_s in (spans.start_s, spans.end_s)]
    nearest, farthest = np.minimum(*ends_km), np.maximum(*ends_km)
    span, node, share = _turns(bodies, spans)
    turn_km = _distance_km(bodies, spans.a[span], spans.b[span], node, share)
    np.minimum.at(nearest, span, turn_km)
    np.maximum.at(farthest, span, turn_km)
    return nearest, farthest


def _turns(bodies: Ephemeris, spans: Spans) -> tuple[Ints, Ints, Floats]:
    """In which spans the closing speed changes sign, after which node, and at which share of the step."""
    first, last = (bodies.node_before(t_s) for t_s in (spans.start_s, spans.end_s))
    span, place = _enumerated(last - first + 1)
    a, b, node = spans.a[span], spans.b[span], first[span] + place
    closing, change = _closing(bodies, a, b, node)
    closing_after, change_after = _closing(bodies, a, b, node + 1)
    turns = np.flatnonzero((closing > 0) != (closing_after > 0))
    share = _zero_of_cubic(closing[turns], change[turns], closing_after[turns], change_after[turns], bodies.step_s)
    span, node = span[turns], node[turns]
    t_s = bodies.t_s[node] + share * bodies.step_s
    inside = (t_s > spans.start_s[span]) & (t_s < spans.end_s[span])
    return span[inside], node[inside], share[inside]


def _closing(bodies: Ephemeris, a: Ints, b: Ints, node: Ints) -> tuple[Floats, Floats]:
    """Half the rate of the squared distance (n,), and its rate."""
    offset = bodies.at_node(node, b) - bodies.at_node(node, a)
    r, v, w = offset.value, offset.slope, offset.bend
    return dot(r, v), dot(v, v) + dot(r, w)


def _zero_of_cubic(start: Floats, start_slope: Floats, end: Floats, end_slope: Floats, width_s: float) -> Floats:
    """The zero (n,) in [0, 1] of cubics that change sign from start to end: the secant's, then Newton's steps."""
    c1, d1 = width_s * start_slope, width_s * end_slope
    c2, c3 = 3 * (end - start) - 2 * c1 - d1, 2 * (start - end) + c1 + d1
    share = start / (start - end)
    for _ in range(ROUNDS):
        slope = c1 + share * (2 * c2 + share * 3 * c3)
        value = start + share * (c1 + share * (c2 + share * c3))
        share = np.clip(share - value / np.where(slope == 0, 1.0, slope), 0.0, 1.0)
    return share


def range_km(bodies: Ephemeris, a: Ints, b: Ints, t_s: Floats) -> Floats:
    """Distances of bodies `a` and `b` at one time each; all (n,)."""
    node = bodies.node_before(t_s)
    return _distance_km(bodies, a, b, node, (t_s - bodies.t_s[node]) / bodies.step_s)


def _distance_km(bodies: Ephemeris, a: Ints, b: Ints, node: Ints, share: Floats) -> Floats:
    offset = weighted(value_weights(share, bodies.step_s), bodies.ends(node, b) - bodies.ends(node, a))
    return np.sqrt(dot(offset, offset))


def _enumerated(counts: Ints) -> tuple[Ints, Ints]:
    """For runs of so many: which run, and the place within it."""
    run = np.repeat(np.arange(len(counts)), counts)
    return run, np.arange(len(run)) - np.repeat(np.cumsum(counts) - counts, counts)
