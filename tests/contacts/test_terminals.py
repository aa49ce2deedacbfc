"""Few terminals, against a simulation that looks at everything at every instant."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbitfl.contacts import Contact, ContactPlan
from orbitfl.contacts.plan import columns_of
from orbitfl.contacts.terminals import with_terminals
from orbitfl.errors import ScenarioError

EPOCH_UTC = datetime(2026, 3, 1, tzinfo=UTC)
Plans = st.SearchStrategy[ContactPlan]


def looked_at_always(plan: ContactPlan, count: int, shortest_s: float) -> list[tuple[Contact, float]]:
    """Which contacts between satellites are served, and from when: the policy read aloud."""
    contacts = list(plan.of_kind("isl"))
    begun: dict[int, float] = {}
    for now_s in sorted({t_s for c in contacts for t_s in (c.start_s, c.end_s)}):
        for number, contact in enumerate(contacts):
            serving = [contacts[other] for other in begun if contacts[other].end_s > now_s]
            used = [sum(node in (c.a, c.b) for c in serving) for node in (contact.a, contact.b)]
            lasts = contact.start_s <= now_s < contact.end_s and contact.end_s - now_s >= shortest_s
            if number not in begun and lasts and max(used) < count:
                begun[number] = now_s
    return [(contacts[number], start_s) for number, start_s in begun.items()]


@settings(max_examples=80, deadline=None)
@given(data=st.data(), count=st.integers(1, 3), shortest_s=st.sampled_from([0.0, 1.0, 30.0]))
def test_who_is_served_when(plans: Plans, data: st.DataObject, count: int, shortest_s: float):
    plan = data.draw(plans)
    left = with_terminals(plan, count, shortest_s)
    expected = []
    for contact, start_s in looked_at_always(plan, count, shortest_s):
        share = (contact.end_s - start_s) / (contact.end_s - contact.start_s)
        cut = contact.truncated or start_s > contact.start_s
        volume_bit = contact.volume_bit * share
        expected.append((contact.a, contact.b, start_s, contact.end_s, cut, contact.rate_bps, volume_bit))
    found = [(c.a, c.b, c.start_s, c.end_s, c.truncated, c.rate_bps, c.volume_bit) for c in left.of_kind("isl")]
    assert [row[:-1] for row in sorted(found)] == [row[:-1] for row in sorted(expected)]
    assert [row[-1] for row in sorted(found)] == pytest.approx([row[-1] for row in sorted(expected)])
    assert left.of_kind("ground") == plan.of_kind("ground")


@settings(max_examples=40, deadline=None)
@given(data=st.data(), count=st.integers(1, 2))
def test_no_satellite_serves_more_than_it_can(plans: Plans, data: st.DataObject, count: int):
    left = with_terminals(data.draw(plans), count).of_kind("isl")
    for node in left.nodes:
        starts, ends = (np.sort(left.of(node).table[name]) for name in ("start_s", "end_s"))
        begun, ended = np.arange(1, len(starts) + 1), np.searchsorted(ends, starts, "right")
        assert (begun - ended <= count).all()


def test_with_enough_terminals_nothing_changes(plan: ContactPlan):
    assert with_terminals(plan, 1) == plan
    assert with_terminals(plan, 1).provenance["terminals"] == 1


def test_the_next_in_line_begins_when_a_terminal_is_free():
    spans = [(0, 1, 0.0, 100.0), (0, 2, 50.0, 200.0), (1, 2, 60.0, 90.0), (0, 3, 150.0, 300.0)]
    rows = [
        ("isl", a, b, start_s, end_s, False, 1.0, 2.0, 10.0, 10 * (end_s - start_s)) for a, b, start_s, end_s in spans
    ]
    columns = columns_of(rows)
    plan = ContactPlan(EPOCH_UTC, 400.0, ("a", "b", "c", "d"), columns)
    left = [(c.a, c.b, c.start_s, c.end_s, c.truncated, c.volume_bit) for c in with_terminals(plan, 1)]
    assert left == [
        ("a", "b", 0.0, 100.0, False, 1000.0),
        ("a", "c", 100.0, 200.0, True, 1000.0),
        ("a", "d", 200.0, 300.0, True, 1000.0),
    ]


def test_no_terminals_at_all_are_refused(plan: ContactPlan):
    with pytest.raises(ScenarioError, match="count is 0, but a satellite needs at least 1 terminal"):
        with_terminals(plan, 0)
