"""The table: sorted, read-only, selectable; queries against plain loops over its contacts."""

import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbitfl.contacts import Contact, ContactPlan
from orbitfl.contacts.plan import COLUMNS, columns_of
from orbitfl.errors import DataError, ScenarioError

EPOCH_UTC = datetime(2018, 5, 18, 3, 21, tzinfo=UTC)
NODES = ("sat-0", "sat-1", "sat-2", "svalbard")
TIMES_S = st.floats(-10, 8000) | st.integers(0, 24).map(lambda step: 300.0 * step)
Plans = st.SearchStrategy[ContactPlan]


def row(start_s: float = 0.0, a: int = 0, b: int = 1, end_s: float = 3000.0) -> tuple:
    return "isl", a, b, start_s, end_s, False, 1.0, 2.0, 8.0, 8.0 * (end_s - start_s)


def built(rows: list[tuple], **changes: Any) -> ContactPlan:
    """A plan of an hour; `changes` replace columns."""
    return ContactPlan(EPOCH_UTC, 3600.0, NODES, {**columns_of(rows), **changes}, satellites=3)


def test_contacts_come_in_order_and_by_name(plan: ContactPlan):
    assert len(plan) == 3
    assert list(plan) == [
        Contact("isl", "sat-0", "sat-1", 0.0, 900.0, True, 5000.0, 5400.0, 1e8, 9e10),
        Contact("ground", "sat-0", "svalbard", 700.5, 1000.0, False, 900.0, 2700.0, 1e6, 2.995e8),
        Contact("ground", "sat-1", "svalbard", 700.5, 1300.25, False, 800.0, 2800.0, 1e6, 5.9975e8),
    ]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(2, 2), st.integers(4, 6)), max_size=20))
def test_any_order_of_rows_gives_the_same_plan(keys: list[tuple[int, int, int, int]]):
    plan = built([row(*key) for key in keys])
    assert plan == built([row(*key) for key in keys[::-1]])
    assert [(c.start_s, NODES.index(c.a), NODES.index(c.b), c.end_s) for c in plan] == sorted(keys)


def test_the_table_has_its_types_and_at_most_50_bytes_a_row(plan: ContactPlan):
    assert {name: column.dtype for name, column in plan.table.items()} == dict(COLUMNS)
    assert sum(column.itemsize for column in plan.table.values()) <= 50


def test_the_table_cannot_be_changed(plan: ContactPlan):
    with pytest.raises(ValueError, match="read-only"):
        plan.table["start_s"][0] = 1.0
    with pytest.raises(TypeError):
        plan.table["start_s"] = np.zeros(3)  # pyright: ignore[reportIndexIssue]
    with pytest.raises(TypeError):
        plan.provenance["by"] = "hand"  # pyright: ignore[reportIndexIssue]
    with pytest.raises(AttributeError):
        plan.duration_s = 1.0  # pyright: ignore[reportAttributeAccessIssue]


def test_sorted_columns_are_taken_over_and_views_are_copied():
    columns = columns_of([row(1.0), row(2.0)])
    both = np.array([1.0, 2.0, 3.0])
    plan = built([], **{**columns, "start_s": both[:2]})
    assert plan.table["end_s"] is columns["end_s"]
    with pytest.raises(ValueError, match="read-only"):
        columns["end_s"][0] = 7.0
    both[0] = -1
    assert plan.table["start_s"].tolist() == [1.0, 2.0]


def test_plans_are_equal_by_what_they_say(plan: ContactPlan):
    assert plan == ContactPlan(plan.epoch_utc, 3600, plan.nodes, dict(plan.table), {"made": "by hand"})
    east = plan.epoch_utc.astimezone(timezone(timedelta(hours=9)))
    assert plan == ContactPlan(east, 3600, plan.nodes, dict(plan.table))
    assert plan != plan.longer_than(300.0)
    assert plan != ContactPlan(plan.epoch_utc, 3601.0, plan.nodes, dict(plan.table))
    assert plan != "plan"


def test_a_plan_travels_between_processes(plan: ContactPlan):
    travelled = pickle.loads(pickle.dumps(plan))  # noqa: S301
    assert travelled == plan
    with pytest.raises(ValueError, match="read-only"):
        travelled.table["start_s"][0] = 1.0


def test_satellites_are_counted_from_contacts_if_not_given():
    ground = columns_of([("ground", 0, 2, 0.0, 1.0, False, 1.0, 2.0, 8.0, 8.0)])
    assert ContactPlan(EPOCH_UTC, 60.0, NODES, ground).satellite_count == 2
    assert ContactPlan(EPOCH_UTC, 60.0, NODES, columns_of([])).satellite_count == 4
    assert built([]).satellite_count == 3


@settings(max_examples=50, deadline=None)
@given(st.data(), TIMES_S)
def test_queries_are_those_of_a_loop(plans: Plans, data: st.DataObject, t_s: float):
    plan = data.draw(plans)
    first, second = data.draw(st.tuples(*2 * [st.sampled_from(plan.nodes)]))
    contacts = list(plan)
    assert list(plan.between(first, second)) == [c for c in contacts if {c.a, c.b} == {first, second}]
    assert list(plan.of(first)) == [c for c in contacts if first in (c.a, c.b)]
    assert list(plan.at(t_s)) == [c for c in contacts if c.start_s <= t_s < c.end_s]
    assert list(plan.longer_than(600.0)) == [c for c in contacts if c.end_s - c.start_s > 600]
    assert list(plan.of_kind("ground")) == [c for c in contacts if c.kind == "ground"]
    mine = [c for c in contacts if first in (c.a, c.b) and c.end_s > max(t_s, c.start_s)]
    assert plan.next_contact(first, t_s) == next(iter(mine), None)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_events_open_and_close_each_contact_in_time(plans: Plans, data: st.DataObject):
    plan = data.draw(plans)
    open_now: list[Contact] = []
    last_s, opened_since = -1.0, False
    for t_s, opens, contact in plan.events():
        assert t_s == (contact.start_s if opens else contact.end_s)
        assert t_s > last_s or (t_s == last_s and (opens or not opened_since))
        opened_since = opens
        open_now.append(contact) if opens else open_now.remove(contact)
        last_s = t_s
    assert not open_now
    assert sum(1 for _ in plan.events()) == 2 * len(plan.longer_than(0.0))


def test_the_graph_at_an_instant_has_all_nodes_and_what_is_open(plan: ContactPlan):
    graph = plan.graph(800.0)
    assert dict(graph.nodes(data="station")) == {"sat-0": False, "sat-1": False, "svalbard": True}
    assert {frozenset(edge) for edge in graph.edges} == {
        frozenset(pair) for pair in [("sat-0", "sat-1"), ("sat-0", "svalbard"), ("sat-1", "svalbard")]
    }
    assert graph.edges["sat-1", "sat-0"]["rate_bps"] == 1e8
    assert graph.edges["sat-0", "svalbard"]["range_max_km"] == 2700.0
    assert not plan.graph(3000.0).edges


def test_unknown_names_are_told(plan: ContactPlan):
    with pytest.raises(ScenarioError, match="No node is called sat-9; the plan has sat-0, sat-1, svalbard"):
        plan.between("sat-0", "sat-9")
    with pytest.raises(ScenarioError, match="No node is called"):
        plan.next_contact("sat-9", 0.0)
    with pytest.raises(ScenarioError, match="kind is optical, but a contact is of kind isl or ground"):
        plan.of_kind("optical")  # pyright: ignore[reportArgumentType]


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_frame_holds_the_whole_plan(plans: Plans, data: st.DataObject):
    plan = data.draw(plans)
    again = ContactPlan.from_frame(plan.to_frame())
    assert again == plan
    assert again.provenance == plan.provenance
    assert list(plan.to_frame()["a"]) == [contact.a for contact in plan]


def test_a_chosen_part_of_a_frame_is_a_plan(plan: ContactPlan):
    frame = plan.to_frame()
    assert ContactPlan.from_frame(frame.query("kind == 'ground'")) == plan.of_kind("ground")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns="rate_bps"), "has the columns kind, a, b"),
        (lambda frame: frame.assign(a="sat-7"), "names 'sat-7', which is not a kind or node"),
        (lambda frame: frame.assign(kind=None), "which is not a kind or node"),
        (lambda frame: frame.assign(end_s="late"), "end_s of a contact plan is of type"),
        (lambda frame: frame.assign(end_s=np.nan), "end_s of a contact plan holds nan"),
        (lambda frame: pd.DataFrame(frame.to_dict("list")), "plan's epoch_utc is missing"),
    ],
)
def test_frames_that_hold_no_plan_are_refused(plan: ContactPlan, change: Any, message: str):
    with pytest.raises(DataError, match=message):
        ContactPlan.from_frame(change(plan.to_frame()))


def test_a_plan_shows_itself_in_short(plan: ContactPlan):
    assert repr(plan) == (
        "<ContactPlan: 3 contacts (1 isl, 2 ground) of 2 satellites and 1 stations, "
        "3600 s from 2018-05-18T03:21:00+00:00>"
    )
    many = built([row(a=0, b=1, end_s=10.0 + step) for step in range(99)])
    assert many._repr_html_().count("<tr") == 9  # a head and eight rows


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start_s": np.array([np.nan])}, "start_s of a contact plan holds nan"),
        ({"end_s": np.array([np.inf])}, "end_s of a contact plan holds inf"),
        ({"end_s": np.array([3600.5])}, "end_s of a contact plan holds 3600.5, but must be from 0 to 3600"),
        ({"start_s": np.array([-1.0])}, "start_s of a contact plan holds -1.0"),
        ({"start_s": np.array([3100.0])}, "start_s 3100.0 and end_s 3000.0, but start_s must be at most end_s"),
        ({"a": np.array([1])}, "a 1 and b 1, but a must be below b"),
        ({"b": np.array([4])}, "b of a contact plan holds 4, but must be from 0 to 3"),
        ({"b": np.array([2**32 + 1])}, "b of a contact plan holds 4294967297"),
        ({"b": np.array([1.0])}, "b of a contact plan is of type float64, but it must be int32"),
        ({"b": np.array([3])}, "make node 3 a satellite"),
        ({"kind": np.array([1])}, "make node 0 a satellite and node 1 a station"),
        ({"kind": np.array([2])}, "kind of a contact plan holds 2"),
        ({"kind": np.array(["isl"])}, "kind of a contact plan is of type <U3"),
        ({"truncated": np.array([1])}, "truncated of a contact plan is of type int64"),
        ({"range_max_km": np.array([1e39])}, "range_max_km of a contact plan holds inf"),
        ({"range_min_km": np.array([2.5])}, "range_min_km must be at most range_max_km"),
        ({"rate_bps": np.array([-1.0])}, "rate_bps of a contact plan holds -1.0"),
        ({"volume_bit": np.array([1.0, 2.0])}, "must be of one length"),
        ({"volume_bit": np.array(1.0)}, "must be of one length"),
        ({"colour": np.array([1.0])}, "has the columns kind, .*, but .*, colour are given"),
    ],
)
def test_impossible_columns_are_refused(changes: dict, message: str):
    with pytest.raises(ScenarioError, match=message):
        built([row()], **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epoch_utc": datetime(2018, 5, 18)}, "epoch_utc is 2018-05-18 00:00:00 without a time zone"),
        ({"epoch_utc": datetime.min.replace(tzinfo=UTC)}, "must lie in the years 1957 to 2200"),
        ({"duration_s": 0.0}, "duration_s is 0.0, but"),
        ({"duration_s": float("nan")}, "duration_s is nan, but"),
        ({"duration_s": float("inf")}, "duration_s is inf, but"),
        ({"nodes": ("one", "")}, "'' is not a name of a node"),
        ({"nodes": ("two\nlines",)}, "is not a name of a node; give one or more printable characters"),
        ({"nodes": ("half a pair \ud800",)}, "is not a name of a node"),
        ({"nodes": ("one", "two", "one")}, "given twice: one"),
        ({"provenance": {"when": EPOCH_UTC}}, "provenance of a contact plan must be values of JSON"),
        ({"provenance": {"error_s": float("nan")}}, "provenance of a contact plan must be values of JSON"),
        ({"satellites": 7}, "7 of the 4 nodes are taken for satellites"),
    ],
)
def test_impossible_plans_are_refused(changes: dict, message: str):
    given = {"epoch_utc": EPOCH_UTC, "duration_s": 60.0, "nodes": NODES, "columns": columns_of([])}
    with pytest.raises(ScenarioError, match=message):
        ContactPlan(**given | changes)
