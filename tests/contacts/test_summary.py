"""Summaries against counting on a grid of seconds."""

from datetime import UTC, datetime
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbitfl.contacts import ContactPlan
from orbitfl.contacts.plan import columns_of
from orbitfl.contacts.summary import per_pair, summary

SPAN_S = 400
CLASSES = {"isl": "satellite-satellite", "ground": "satellite-station"}


@st.composite
def whole_second_plans(draw: st.DrawFn) -> ContactPlan:
    """Of up to four satellites and two stations; edges on whole seconds, windows of a pair may overlap."""
    n_satellites, n_stations = draw(st.integers(1, 4)), draw(st.integers(0, 2))
    n_nodes = n_satellites + n_stations
    pairs = [(a, b) for a in range(n_satellites) for b in range(a + 1, n_nodes)]
    rows = []
    for _ in range(draw(st.integers(0, 25)) if pairs else 0):
        a, b = draw(st.sampled_from(pairs))
        start_s, end_s = sorted(draw(st.tuples(*2 * [st.integers(0, SPAN_S)])))
        kind, cut = "ground" if b >= n_satellites else "isl", draw(st.booleans())
        rows.append((kind, a, b, float(start_s), float(end_s), cut, 1.0, 2.0, 800.0, 800.0 * (end_s - start_s)))
    nodes = [f"node-{number}" for number in range(n_nodes)]
    epoch_utc = datetime(2026, 3, 1, tzinfo=UTC)
    return ContactPlan(epoch_utc, SPAN_S, nodes, columns_of(rows), satellites=n_satellites)


def seconds(plan: ContactPlan, kind: str) -> dict[tuple[str, str], np.ndarray]:
    """For every possible pair whether it is in contact in each second (SPAN_S,)."""
    satellites, stations = plan.nodes[: plan.satellite_count], plan.nodes[plan.satellite_count :]
    pairs = combinations(satellites, 2) if kind == "isl" else product(satellites, stations)
    grid = {pair: np.zeros(SPAN_S, dtype=bool) for pair in pairs}
    for contact in plan:
        if contact.kind == kind:
            grid[contact.a, contact.b][int(contact.start_s) : int(contact.end_s)] = True
    return grid


def longest_gap_s(in_contact: np.ndarray) -> int:
    return max(map(len, "".join("x" if busy else "." for busy in in_contact).split("x")))


@settings(max_examples=80, deadline=None)
@given(whole_second_plans())
def test_classes_are_those_of_a_grid(plan: ContactPlan):
    found = summary(plan)
    assert [found[count].dtype for count in ("pairs", "possible_pairs", "windows")] == 3 * [np.int64]
    for kind, name in CLASSES.items():
        grid, contacts = seconds(plan, kind), [contact for contact in plan if contact.kind == kind]
        of_class = found.loc[name]
        assert of_class["possible_pairs"] == len(grid)
        assert of_class["windows"] == len(contacts)
        assert of_class["pairs"] == len({(contact.a, contact.b) for contact in contacts})
        byte = 100 * sum(contact.end_s - contact.start_s for contact in contacts)
        assert of_class["byte_per_day"] == pytest.approx(byte * 86_400 / SPAN_S)
        whole_s = [contact.end_s - contact.start_s for contact in contacts if not contact.truncated]
        np.testing.assert_equal(of_class["median_window_s"], np.median(whole_s) if whole_s else np.nan)
        if grid:
            assert of_class["pair_time"] == pytest.approx(np.mean(list(grid.values())))
        else:
            assert np.isnan(of_class["pair_time"])


@settings(max_examples=80, deadline=None)
@given(whole_second_plans())
def test_nodes_are_those_of_a_grid(plan: ContactPlan):
    found = summary(plan)
    for kind, name in CLASSES.items():
        nodes = plan.nodes[: plan.satellite_count] if kind == "isl" else plan.nodes
        of_node = {node: np.zeros(SPAN_S, dtype=bool) for node in nodes}
        for pair, busy in seconds(plan, kind).items():
            for node in pair:
                of_node[node] |= busy
        of_class = found.loc[name]
        if kind == "ground" and plan.satellite_count == len(plan.nodes):
            assert np.isnan(of_class["node_time"]) and pd.isna(of_class["longest_gap_node"])
            continue
        gaps_s = {node: longest_gap_s(busy) for node, busy in of_node.items()}
        assert of_class["node_time"] == pytest.approx(np.mean(list(of_node.values())))
        assert of_class["longest_gap_s"] == max(gaps_s.values()) == gaps_s[of_class["longest_gap_node"]]


@settings(max_examples=80, deadline=None)
@given(whole_second_plans())
def test_pairs_are_those_of_a_grid(plan: ContactPlan):
    table = per_pair(plan)
    contacts = list(plan)
    assert len(table) == len({(contact.a, contact.b) for contact in contacts})
    for row in table.to_dict("records"):
        mine = [contact for contact in contacts if (contact.a, contact.b) == (row["a"], row["b"])]
        busy = seconds(plan, row["kind"])[row["a"], row["b"]]
        assert row["windows"] == len(mine)
        assert row["contact_s"] == busy.sum()
        assert row["contact_time"] == pytest.approx(busy.mean())
        assert row["longest_gap_s"] == longest_gap_s(busy)
        assert row["longest_window_s"] == max(contact.end_s - contact.start_s for contact in mine)
        assert row["volume_bit"] == pytest.approx(sum(contact.volume_bit for contact in mine))


@settings(max_examples=40, deadline=None)
@given(whole_second_plans())
def test_a_few_at_a_time_make_the_same_whole(plan: ContactPlan):
    whole = summary(plan), per_pair(plan)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("orbitfl.contacts.summary.SORTED_TOGETHER", 3)
        pd.testing.assert_frame_equal(summary(plan), whole[0], check_exact=True)
        pd.testing.assert_frame_equal(per_pair(plan), whole[1], check_exact=True)


def test_a_summary_by_hand(plan: ContactPlan):
    table = summary(plan)
    ground = table.loc["satellite-station"]
    assert (ground["pairs"], ground["possible_pairs"], ground["windows"]) == (2, 2, 2)
    assert ground["pair_time"] == pytest.approx((299.5 + 599.75) / 7200)
    assert ground["node_time"] == pytest.approx((299.5 + 599.75 + 599.75) / 10_800)
    assert (ground["longest_gap_s"], ground["longest_gap_node"]) == (2600.0, "sat-0")
    assert ground["median_window_s"] == pytest.approx((299.5 + 599.75) / 2)
    assert np.isnan(table.loc["satellite-satellite", "median_window_s"])
    assert table["windows"].dtype.kind == "i" and table["pair_time"].dtype.kind == "f"
