"""The searches over pairs of satellites compiled by numba, for mega-constellations.

Each kernel does what its NumPy namesake does, in the same order of operations, so the windows are the same to
the last bit: `orbitfl.contacts.visibility`, `orbitfl.orbit.crossings`. What needs more care than one zero per
interval goes back to NumPy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from orbitfl.contacts.measure import ROUNDS, Spans
from orbitfl.contacts.visibility import PairProducts
from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.crossings import (
    AT_END,
    CONVERGED,
    NEWTON_ROUNDS,
    US_PER_S,
    Changes,
    Reached,
    Toggles,
    Windows,
    find_windows,
    lasting,
    steps_at_once,
    untold,
)
from orbitfl.orbit.ephemeris import Ephemeris, value_weights

_weights = njit(inline="always")(value_weights)
Singles = NDArray[np.float32]
FEWEST_STEPS_AT_ONCE = 8
DIGIT = 11
"""Bits that are sorted by at once: as many counters as the first cache holds."""
# Never fastmath: numba would fuse and reorder sums, and the bits would differ from NumPy's.
compiled = njit(cache=True, error_model="numpy", nogil=True)
# But where single precision only says where to look closer, and its errors are allowed for.
fused = njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})


def pair_windows(products: Iterable[PairProducts], reached: Reached = untold) -> Windows:
    """As `find_windows`."""
    return find_windows(map(_curve, products), reached, in_order, paired)


def ranges_km(bodies: Ephemeris, spans: Spans) -> tuple[Singles, Singles]:
    """As `orbitfl.contacts.measure.ranges_km`."""
    nearest, farthest = np.empty((2, len(spans.a)), np.float32)
    states = bodies.states.reshape(*bodies.states.shape[:2], 9)
    _ranges(states, bodies.t_s, bodies.step_s, spans.a, spans.b, spans.start_s, spans.end_s, nearest, farthest)
    return nearest, farthest


@dataclass(frozen=True, eq=False)
class CompiledPairs:
    """A `Curve` that answers as its `products` do.

    first, low: runs of pairs of one satellite with others in a row: (n_runs,) satellite `first`, partners from
    `low`; run k holds the pairs from offsets[k] up to offsets[k + 1].
    """

    products: PairProducts
    first: Ints
    low: Ints
    offsets: Ints
    left: Floats
    right: Floats

    @property
    def count(self) -> int:
        return self.products.count

    @property
    def t_s(self) -> Floats:
        return self.products.t_s

    @property
    def steps_at_once(self) -> int:
        return max(FEWEST_STEPS_AT_ONCE, steps_at_once(self.count))

    def positive(self, node: int) -> NDArray[np.bool_]:
        positive = np.empty(self.count, np.bool_)
        products = self.products
        _positive(products.a, products.b, self.left[node], self.right[node], products.constant[node], positive)
        return positive

    def changes(self, first: int, last: int) -> Changes:
        nodes, products = slice(first, last + 1), self.products
        f_left, f_right, f_constant = products.coarse
        pair, node, share, hard_pair, hard_node = _scan(
            self.first, self.low, self.offsets, f_left[nodes], f_right[nodes], f_constant[nodes], products.reach,
            self.left[nodes], self.right[nodes], products.constant[nodes], products.step_s,
        )  # fmt: skip
        rest = products.crossings(first + hard_node.astype(np.intp), hard_pair)
        t_s = self.t_s[first + node] + share * products.step_s
        return Changes(np.concatenate([pair, rest.series]), np.concatenate([t_s, rest.t_s]))


def _curve(products: PairProducts) -> CompiledPairs:
    breaks = np.flatnonzero((np.diff(products.a) != 0) | (np.diff(products.b) != 1)) + 1
    starts = np.concatenate([[0], breaks]) if products.count else np.empty(0, np.intp)
    offsets = np.append(starts, products.count)
    flat = (*products.left.shape[:2], 12)
    left, right = products.left.reshape(flat), products.right.reshape(flat)
    return CompiledPairs(products, products.a[starts], products.b[starts], offsets, left, right)


@compiled
def _positive(a, b, left, right, constant, positive):
    for m in range(len(a)):
        x, y = left[a[m]], right[b[m]]
        positive[m] = ((x[0] * y[0] + x[1] * y[1]) + (x[2] * y[2] + x[3] * y[3])) + constant[a[m], 0] > 0


@compiled
def _scan(first, low, offsets, f_left, f_right, f_constant, reach, left, right, constant, step_s) -> Any:
    """Changes of sign of all pairs between nodes: pair, node before, share of the step; and what needs another look."""
    count, found, difficult = offsets[-1], 0, 0
    pair, node, share = np.empty(2 * count, np.int32), np.empty(2 * count, np.int32), np.empty(2 * count)
    hard_pair, hard_node = np.empty(2 * count, np.int32), np.empty(2 * count, np.int32)
    for k in range(len(left) - 1):
        if found + count > len(pair):
            pair, node, share = longer(pair, 2 * len(pair)), longer(node, 2 * len(pair)), longer(share, 2 * len(pair))
        if difficult + count > len(hard_pair):
            hard_pair, hard_node = longer(hard_pair, 2 * len(hard_pair)), longer(hard_node, 2 * len(hard_pair))
        both = slice(k, k + 2)
        more, harder = _scan_interval(
            first, low, offsets, f_left[both], f_right[both], f_constant[both], reach, left[both], right[both],
            constant[both], step_s, pair[found:], share[found:], hard_pair[difficult:],
        )  # fmt: skip
        node[found : found + more] = k
        hard_node[difficult : difficult + harder] = k
        found, difficult = found + more, difficult + harder
    return pair[:found], node[:found], share[:found], hard_pair[:difficult], hard_node[:difficult]


@compiled
def longer(column, room):
    found = np.empty(room, column.dtype)
    found[: len(column)] = column
    return found


@compiled
def _scan_interval(
    first, low, offsets, f_left, f_right, f_constant, reach, left, right, constant, step_s, pair, share, hard
):
    """The same between two nodes; every array begins with the two.

    Fills `pair` and `share` of the step; `hard` with pairs that need another look. Returns how many of each.
    """
    widest = 1
    for run in range(len(first)):
        widest = max(widest, offsets[run + 1] - offsets[run])
    may, picked = np.empty(widest, np.bool_), np.empty(widest + 1, np.int64)
    start, end = np.empty((3, widest)), np.empty((3, widest))
    changes, single, step = np.empty(widest, np.int8), np.empty((6, widest)), np.empty(widest)
    found, difficult = 0, 0
    for run in range(len(first)):
        i, j, offset, width = first[run], low[run], offsets[run], offsets[run + 1] - offsets[run]
        may_cross_row(f_left, f_right, f_constant, reach[offset : offset + width], i, j, may[:width])
        flagged = _pick(may[:width], picked)
        _jets(left[0, i], right[0], constant[0, i], j, picked, flagged, step_s, start)
        _jets(left[1, i], right[1], constant[1, i], j, picked, flagged, step_s, end)
        count_changes(start[0], start[1], start[2], end[0], end[1], end[2], changes[:flagged])
        singles = 0
        for m in range(flagged):
            if changes[m] == 1:
                for c in range(3):
                    single[c, singles] = start[c, m]
                    single[3 + c, singles] = end[c, m]
                pair[found + singles] = offset + picked[m]
                singles += 1
            elif changes[m] > 1:
                hard[difficult] = offset + picked[m]
                difficult += 1
        newton(single[0], single[1], single[2], single[3], single[4], single[5], share[found : found + singles], step)
        kept = 0
        for m in range(singles):
            if abs(step[m]) < CONVERGED:
                pair[found + kept] = pair[found + m]
                share[found + kept] = share[found + m]
                kept += 1
            else:
                hard[difficult] = pair[found + m]
                difficult += 1
        found += kept
    return found, difficult


@compiled
def may_cross_row(f_left, f_right, f_constant, reach, i, j, may):
    """`may_cross` for one satellite with others in a row from `j`, between the two nodes of every array."""
    n = len(may)
    _may_cross(
        f_left[0, 0, i], f_left[0, 1, i], f_left[0, 2, i], f_left[0, 3, i], f_constant[0, i],
        f_left[1, 0, i], f_left[1, 1, i], f_left[1, 2, i], f_left[1, 3, i], f_constant[1, i],
        f_right[0, 0, j:j + n], f_right[0, 1, j:j + n], f_right[0, 2, j:j + n], f_right[0, 3, j:j + n],
        f_right[1, 0, j:j + n], f_right[1, 1, j:j + n], f_right[1, 2, j:j + n], f_right[1, 3, j:j + n], reach, may,
    )  # fmt: skip


@fused
def _may_cross(ax, ay, az, aw, ac, bx, by, bz, bw, bc, x0, y0, z0, w0, x1, y1, z1, w1, reach, may):
    for m in range(len(may)):
        g0 = ac + ax * x0[m] + ay * y0[m] + az * z0[m] + aw * w0[m]
        g1 = bc + bx * x1[m] + by * y1[m] + bz * z1[m] + bw * w1[m]
        may[m] = abs(g0 + g1) - abs(g1 - g0) < np.float32(2) * reach[m]


@compiled
def _pick(may, picked):
    """Where it may, without a branch."""
    n = 0
    for m in range(len(may)):
        picked[n] = m
        n += may[m]
    return n


@compiled
def _jets(left, right, constant, low, picked, n, step_s, jet):
    """Value, step/5 times slope and step²/20 times bend of `left` with the picked partners."""
    first, second = 0.2 * step_s, 0.05 * step_s * step_s
    a0, a1, a2, a3, a4, a5, a6, a7 = left[0], left[1], left[2], left[3], left[4], left[5], left[6], left[7]
    a8, a9, a10, a11 = left[8], left[9], left[10], left[11]
    for m in range(n):
        p = right[low + picked[m]]
        jet[0, m] = ((a0 * p[0] + a1 * p[1]) + (a2 * p[2] + a3 * p[3])) + constant[0]
        x, y = (a4 * p[0] + a5 * p[1]) + (a6 * p[2] + a7 * p[3]), (a0 * p[4] + a1 * p[5]) + (a2 * p[6] + a3 * p[7])
        jet[1, m] = first * (x + y + constant[1])
        x, y = (a8 * p[0] + a9 * p[1]) + (a10 * p[2] + a11 * p[3]), (a4 * p[4] + a5 * p[5]) + (a6 * p[6] + a7 * p[7])
        z = (a0 * p[8] + a1 * p[9]) + (a2 * p[10] + a3 * p[11])
        jet[2, m] = second * (x + 2 * y + z + constant[2])


@compiled
def count_changes(b0, d0, c0, b5, d1, c1, changes):
    """`sign_changes` of `bernstein`."""
    for m in range(len(changes)):
        s0 = np.int8(b0[m] > 0)
        s1 = np.int8(b0[m] + d0[m] > 0)
        s2 = np.int8(b0[m] + 2 * d0[m] + c0[m] > 0)
        s3 = np.int8(b5[m] - 2 * d1[m] + c1[m] > 0)
        s4 = np.int8(b5[m] - d1[m] > 0)
        s5 = np.int8(b5[m] > 0)
        changes[m] = (s0 ^ s1) + (s1 ^ s2) + (s2 ^ s3) + (s3 ^ s4) + (s4 ^ s5)


@compiled
def newton(b0, d0, e0, b5, d1, e1, share, step):
    """`newton`, its first rounds."""
    for m in range(len(share)):
        p0, p5 = b0[m], b5[m]
        p1, p2, p3, p4 = p0 + d0[m], p0 + 2 * d0[m] + e0[m], p5 - 2 * d1[m] + e1[m], p5 - d1[m]
        c1, c2, c3 = 5 * (p1 - p0), 10 * (p2 - 2 * p1 + p0), 10 * (p3 - 3 * p2 + 3 * p1 - p0)
        c4 = 5 * (p4 - 4 * p3 + 6 * p2 - 4 * p1 + p0)
        c5 = p5 - 5 * p4 + 10 * p3 - 10 * p2 + 5 * p1 - p0
        low, high, rises = 0.0, 1.0, p5 > 0
        x, moved = min(max(p0 / (p0 - p5), AT_END), 1 - AT_END), 1.0
        for _ in range(NEWTON_ROUNDS):
            value = ((((c5 * x + c4) * x + c3) * x + c2) * x + c1) * x + p0
            slope = (((5 * c5 * x + 4 * c4) * x + 3 * c3) * x + 2 * c2) * x + c1
            beyond = (value > 0) == rises
            high = x if beyond else high
            low = low if beyond else x
            better = x - value / slope
            near = (better >= low - CONVERGED) & (better <= high + CONVERGED)
            better = min(max(better, low), high) if near else 0.5 * (low + high)
            moved = better - x
            x = better
        share[m] = x
        step[m] = moved


def in_order(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """As np.sort, three times as fast where numbers come close to each other; `keys` are overwritten.

    Digit by digit from the last, each pass stable (Knuth, The Art of Computer Programming 3, section 5.2.5).
    """
    return _by_digits(keys, np.empty_like(keys)) if len(keys) else keys


@compiled
def _by_digits(keys, spare):
    low, shift, mask = keys.min(), np.uint64(0), np.uint64((1 << DIGIT) - 1)
    place, highest = np.empty(1 << DIGIT, np.int64), keys.max() - low
    while shift < np.uint64(64) and highest >> shift:
        place[:] = 0
        for key in keys:
            place[((key - low) >> shift) & mask] += 1
        first = 0
        for digit in range(len(place)):
            first, place[digit] = first + place[digit], first
        for key in keys:
            digit = ((key - low) >> shift) & mask
            spare[place[digit]] = key
            place[digit] += 1
        keys, spare, shift = spare, keys, shift + np.uint64(DIGIT)
    return keys


def paired(toggles: Toggles) -> Windows:
    """As `orbitfl.orbit.crossings.paired`; takes the blocks of keys away as it goes."""
    blocks, opened, bits, first_s, last_s = toggles
    most = (sum(map(len, blocks)) + np.count_nonzero(opened) + len(opened)) // 2 + 1
    series, start_s, end_s = np.empty(most, np.int32), np.empty(most), np.empty(most)
    cut_start, cut_end = np.empty((2, most), np.bool_)
    already, row_of = np.flatnonzero(opened), np.full(len(opened), -1, np.int32)
    count = len(already)
    row_of[already] = np.arange(count)
    series[:count], start_s[:count], end_s[:count] = already, first_s, last_s
    cut_start[:count], cut_end[:count] = True, True
    while blocks:
        keys = blocks.pop(0)
        count = _pair(keys, np.uint64(bits), first_s, last_s, row_of, count, series, start_s, end_s, cut_start, cut_end)
    # What opens within half a microsecond of the begin starts with what was open already.
    at_once = int(np.searchsorted(start_s[:count], first_s, side="right"))
    if at_once > len(already):
        order = np.argsort(series[:at_once], kind="stable")
        for column in (series, end_s, cut_start, cut_end):
            column[:at_once] = column[:at_once][order]
    return lasting(Windows(series[:count], start_s[:count], end_s[:count], cut_start[:count], cut_end[:count]))


@compiled
def _pair(keys, bits, first_s, last_s, row_of, count, series, start_s, end_s, cut_start, cut_end):
    mask = (np.uint64(1) << bits) - np.uint64(1)
    for key in keys:
        each, t_s = np.int64(key & mask), min(first_s + np.int64(key >> bits) / US_PER_S, last_s)
        row = row_of[each]
        if row < 0:
            series[count], start_s[count], end_s[count] = each, t_s, last_s
            cut_start[count], cut_end[count] = False, True
            row_of[each] = count
            count += 1
        else:
            end_s[row], cut_end[row] = t_s, False
            row_of[each] = -1
    return count


@compiled
def _ranges(states, node_s, step_s, a, b, start_s, end_s, nearest, farthest):
    """Least and greatest distance of bodies (a, b) over spans, from states (n_t, n_sat, 9) at even nodes."""
    last_node = states.shape[0] - 2
    for row in range(len(a)):
        i, j = np.int64(a[row]), np.int64(b[row])
        first = min(max(np.int64((start_s[row] - node_s[0]) / step_s), 0), last_node)
        last = min(max(np.int64((end_s[row] - node_s[0]) / step_s), 0), last_node)
        one = _square_at((start_s[row] - node_s[first]) / step_s, step_s, states, first, i, j)
        two = _square_at((end_s[row] - node_s[last]) / step_s, step_s, states, last, i, j)
        low, high = min(one, two), max(one, two)
        # Nearly all spans have one turn; to ask for it afterwards spares the loop a branch that no core foresees.
        turns, turn = 0, first
        closing = _closing(states, first, i, j)
        before, behind = closing, closing
        for node in range(first, last + 1):
            after = _closing(states, node + 1, i, j)
            turned = (closing > 0) != (after > 0)
            turns += turned
            turn = node if turned else turn
            before = closing if turned else before
            behind = after if turned else behind
            closing = after
        while turns > 0:
            slope, slope_behind = _change(states, turn, i, j), _change(states, turn + 1, i, j)
            share = _zero_of_cubic(before, slope, behind, slope_behind, step_s)
            if start_s[row] < node_s[turn] + share * step_s < end_s[row]:
                square = _square_at(share, step_s, states, turn, i, j)
                low, high = min(low, square), max(high, square)
            turns -= 1
            if turns > 0:
                turn, before, behind = _turn_before(states, turn, i, j)
        nearest[row], farthest[row] = np.sqrt(low), np.sqrt(high)


@compiled
def _turn_before(states, turn, i, j):
    """The last interval before `turn` in which the closing speed changes sign, and that speed at both its ends."""
    node = turn - 1
    before, behind = _closing(states, node, i, j), _closing(states, turn, i, j)
    while (before > 0) == (behind > 0):
        node -= 1
        before, behind = _closing(states, node, i, j), before
    return node, before, behind


@compiled
def _closing(states, node, i, j):
    p, q = states[node, i], states[node, j]
    return (q[0] - p[0]) * (q[3] - p[3]) + (q[1] - p[1]) * (q[4] - p[4]) + (q[2] - p[2]) * (q[5] - p[5])


@compiled
def _change(states, node, i, j):
    p, q = states[node, i], states[node, j]
    x, y, z = q[3] - p[3], q[4] - p[4], q[5] - p[5]
    speed = x * x + y * y + z * z
    fall = (q[0] - p[0]) * (q[6] - p[6]) + (q[1] - p[1]) * (q[7] - p[7]) + (q[2] - p[2]) * (q[8] - p[8])
    return speed + fall


@compiled
def _zero_of_cubic(start, start_slope, end, end_slope, width_s):
    c1, d1 = width_s * start_slope, width_s * end_slope
    c2, c3 = 3 * (end - start) - 2 * c1 - d1, 2 * (start - end) + c1 + d1
    share = start / (start - end)
    for _ in range(ROUNDS):
        slope = c1 + share * (2 * c2 + share * 3 * c3)
        value = start + share * (c1 + share * (c2 + share * c3))
        share = min(max(share - value / (1.0 if slope == 0 else slope), 0.0), 1.0)
    return share


@compiled
def _square_at(u, h, states, node, i, j):
    """Squared distance of two bodies at a share of the way from a node to the next."""
    p, q, p1, q1 = states[node, i], states[node, j], states[node + 1, i], states[node + 1, j]
    a, b, c, d, e, f = _weights(u, h)
    x = a * (q[0] - p[0]) + b * (q[3] - p[3]) + c * (q[6] - p[6])
    y = a * (q[1] - p[1]) + b * (q[4] - p[4]) + c * (q[7] - p[7])
    z = a * (q[2] - p[2]) + b * (q[5] - p[5]) + c * (q[8] - p[8])
    x = x + (d * (q1[0] - p1[0]) + e * (q1[3] - p1[3]) + f * (q1[6] - p1[6]))
    y = y + (d * (q1[1] - p1[1]) + e * (q1[4] - p1[4]) + f * (q1[7] - p1[7]))
    z = z + (d * (q1[2] - p1[2]) + e * (q1[5] - p1[5]) + f * (q1[8] - p1[8]))
    return x * x + y * y + z * z
