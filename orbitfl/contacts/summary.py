"""What a plan amounts to: how often, how long and how much, for each class of pairs and for each pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from orbitfl.contacts.columns import GROUND, ISL, KINDS, Column, stable_order
from orbitfl.contacts.plan import ContactPlan
from orbitfl.orbit.arrays import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

DAY_S = 86_400.0
SORTED_TOGETHER = 2**20  # intervals: few enough for the cache and little memory
CLASSES = {"satellite-satellite": ISL, "satellite-station": GROUND}


def summary(plan: ContactPlan) -> pd.DataFrame:
    """One row per class of pairs, "satellite-satellite" and "satellite-station". Times that overlap count once.

    pairs, possible_pairs: how many have a contact, and how many there are. windows: contacts.
    pair_time, node_time: the fraction of the span for which a pair of all possible ones is in contact, and for which
    a node of the class has a contact of the class at all, on average.
    longest_gap_s, longest_gap_node: the longest time that a node of the class has no such contact, and which node;
    from the start and to the end of the span the true gap may be longer.
    median_window_s: of the windows that were not truncated, whose length is known; NaN without any.
    byte_per_day: what all pairs together can send each way, each day.
    """
    import pandas as pd  # slow to import, and most uses of a plan need none

    return pd.DataFrame([_class_summary(plan, kind) for kind in CLASSES.values()], index=list(CLASSES))


def per_pair(plan: ContactPlan) -> pd.DataFrame:
    """One row per pair that has a contact, in the order of its nodes: kind, a, b (names), windows, contact_s,
    contact_time (fraction of the span), longest_gap_s (see `summary`), longest_window_s, volume_bit (each way).
    """
    import pandas as pd

    table, nodes = plan.table, np.array(plan.nodes, dtype=object)
    pairs = _pairs(table["a"], table["b"], len(nodes))
    cover = _cover(pairs.of_row, table["start_s"], table["end_s"], len(pairs.first), plan.duration_s)
    longest_s = np.zeros(len(pairs.first))
    np.maximum.at(longest_s, pairs.of_row, table["end_s"] - table["start_s"])
    return pd.DataFrame(
        {
            "kind": np.array(KINDS, dtype=object)[table["kind"][pairs.first]],
            "a": nodes[table["a"][pairs.first]],
            "b": nodes[table["b"][pairs.first]],
            "windows": np.bincount(pairs.of_row, minlength=len(pairs.first)),
            "contact_s": cover.covered_s,
            "contact_time": cover.covered_s / plan.duration_s,
            "longest_gap_s": cover.longest_gap_s,
            "longest_window_s": longest_s,
            "volume_bit": np.bincount(pairs.of_row, table["volume_bit"], len(pairs.first)),
        }
    )


def _class_summary(plan: ContactPlan, kind: int) -> dict[str, Any]:
    chosen = plan.table["kind"] == kind
    a, b, start_s, end_s = (plan.table[name][chosen] for name in ("a", "b", "start_s", "end_s"))
    satellites, stations = plan.satellite_count, len(plan.nodes) - plan.satellite_count
    possible = satellites * (satellites - 1) // 2 if kind == ISL else satellites * stations
    pairs = _pairs(a, b, len(plan.nodes))
    of_pairs = _cover(pairs.of_row, start_s, end_s, len(pairs.first), plan.duration_s)
    whole_s = (end_s - start_s)[~plan.table["truncated"][chosen]]
    n_nodes = satellites if kind == ISL else len(plan.nodes) if stations else 0
    ends = np.stack([a, b], axis=1).ravel()
    of_nodes = _cover(ends, start_s, end_s, n_nodes, plan.duration_s)
    return {
        "pairs": len(pairs.first),
        "possible_pairs": possible,
        "windows": len(start_s),
        "pair_time": of_pairs.covered_s.sum() / (possible * plan.duration_s) if possible else np.nan,
        "node_time": of_nodes.covered_s.mean() / plan.duration_s if n_nodes else np.nan,
        "longest_gap_s": of_nodes.longest_gap_s.max() if n_nodes else np.nan,
        "longest_gap_node": plan.nodes[of_nodes.longest_gap_s.argmax()] if n_nodes else None,
        "median_window_s": float(np.median(whole_s)) if len(whole_s) else np.nan,
        "byte_per_day": float(plan.table["volume_bit"][chosen].sum()) / 8 * DAY_S / plan.duration_s,
    }


class _Pairs(NamedTuple):
    """Pairs that have a contact: the first row of each (n_pairs,), and which of them each row belongs to (n,)."""

    first: Ints
    of_row: Ints


def _pairs(a: Column, b: Column, n_nodes: int) -> _Pairs:
    number = a.astype(np.int64) * n_nodes + b
    order = stable_order(number)
    begins = np.diff(number[order], prepend=-1) > 0
    of_row = np.empty(len(number), dtype=np.intp)
    of_row[order] = np.cumsum(begins) - 1
    return _Pairs(order[begins], of_row)


class _Cover(NamedTuple):
    """For each group (n_groups,): how long some interval of it is open, and the longest time that none is."""

    covered_s: Floats
    longest_gap_s: Floats


def _cover(groups: Column, start_s: Floats, end_s: Floats, n_groups: int, duration_s: float) -> _Cover:
    """Of intervals (n,) in the order of their starts, which may overlap.

    groups: (n · k,), the numbers from 0 of the k groups of the first interval, then of the second, and so on.
    """
    k = len(groups) // max(len(start_s), 1)
    covered_s, longest_s = np.zeros(n_groups), np.zeros(n_groups)
    together = max(n_groups * SORTED_TOGETHER // max(len(groups), 1), 1)
    for first in range(0, n_groups, together):
        last = min(first + together, n_groups)
        places = np.flatnonzero((groups >= first) & (groups < last))
        intervals = groups[places] - first, start_s[places // k], end_s[places // k]
        covered_s[first:last], longest_s[first:last] = _cover_of_few(*intervals, last - first, duration_s)
    return _Cover(covered_s, longest_s)


def _cover_of_few(group: Column, start_s: Floats, end_s: Floats, n_groups: int, duration_s: float) -> _Cover:
    # One of no length parts no gap; but at either end of the span it gives every group its first and its last.
    lasting = end_s > start_s
    every, zeros = np.arange(n_groups, dtype=group.dtype), np.zeros(n_groups)
    group = np.concatenate([every, group[lasting], every])
    start_s = np.concatenate([zeros, start_s[lasting], zeros + duration_s])
    end_s = np.concatenate([zeros, end_s[lasting], zeros + duration_s])
    order = stable_order(group)
    group, start_s, end_s = group[order], start_s[order], end_s[order]
    gap_s = np.maximum(start_s[1:] - _latest(group, end_s)[:-1], 0)
    gap_s[group[1:] != group[:-1]] = 0
    longest_s, all_s = np.zeros(n_groups), np.zeros(n_groups)
    np.maximum.at(longest_s, group[1:], gap_s)
    np.add.at(all_s, group[1:], gap_s)
    return _Cover(duration_s - all_s, longest_s)


def _latest(group: Column, end_s: Floats) -> Floats:
    """The running maximum of `end_s` within each group; groups stand together.

    Doubles its reach until that changes nothing; then each is at least what stands one reach before, and so at least
    all before (Hillis & Steele, Data parallel algorithms, CACM 29, 1986, but for the early end).
    """
    latest_s, reach = end_s, 1
    while reach < len(end_s):
        rising = (latest_s[:-reach] > latest_s[reach:]) & (group[:-reach] == group[reach:])
        if not rising.any():
            break
        latest_s = np.concatenate([latest_s[:reach], np.where(rising, latest_s[:-reach], latest_s[reach:])])
        reach *= 2
    return latest_s
