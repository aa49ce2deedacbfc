"""Windows as bars: each where its pair and its hours are, as plotly's model takes them; what is left out is told."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbitfl.contacts.gantt import MOST_PAIRS
from orbitfl.contacts.plan import ContactPlan, columns_of
from orbitfl.contacts.summary import per_pair

Bar = tuple[str, float, float]


def drawn(plan: ContactPlan) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Data and layout, once plotly has checked every word of them."""
    figure = plan.plot().to_plotly_json()
    return figure["data"], figure["layout"]


def rows_of(plan: ContactPlan) -> list[str]:
    """From above."""
    return list(reversed(drawn(plan)[1]["yaxis"]["ticktext"]))


def below(plan: ContactPlan) -> list[str]:
    return drawn(plan)[1]["xaxis"]["title"]["text"].split("<br>")


def bars_of(plan: ContactPlan) -> Counter[Bar]:
    """Row, start and end in hours of every bar that the figure has."""
    data, layout = drawn(plan)
    names = dict(zip(layout["yaxis"]["tickvals"], layout["yaxis"]["ticktext"], strict=True))
    found = Counter[Bar]()
    for x, y in ((trace["x"], trace["y"]) for trace in data):
        assert set(x[2::3]) == set(y[2::3]) == {None}
        for start, end, row, same in zip(x[::3], x[1::3], y[::3], y[1::3], strict=True):
            assert row == same
            found[names[row], start, end] += 1
    return found


def expected(plan: ContactPlan) -> Counter[Bar]:
    hours = np.round(np.array([[each.start_s, each.end_s] for each in plan]).reshape(-1, 2) / 3600, 4).tolist()
    return Counter((f"{each.a} – {each.b}", start, end) for each, (start, end) in zip(plan, hours, strict=True))


@given(st.data())
def test_every_window_is_a_bar(plans: st.SearchStrategy[ContactPlan], data: st.DataObject):
    plan = data.draw(plans)
    assert bars_of(plan) == expected(plan)
    assert below(plan) == ["mission time (h)"]


def test_rows_stand_in_the_order_of_the_nodes_from_above(plan: ContactPlan):
    data, layout = drawn(plan)
    assert rows_of(plan) == ["sat-0 – sat-1", "sat-0 – svalbard", "sat-1 – svalbard"]
    assert [trace["name"] for trace in data] == ["window between satellites", "window to the ground"]
    assert layout["xaxis"]["range"] == [0, 1]


@pytest.fixture
def crowd() -> ContactPlan:
    """A hundred satellites, each in contact with all of higher numbers and a station, the longer the lower both are."""
    ends = [(a, b) for a in range(100) for b in range(a + 1, 101)]
    rows = [
        ("ground" if b == 100 else "isl", a, b, 0.0, 3000.0 - 10 * a - b, False, 1.0, 2.0, 1.0, 3000.0 - 10 * a - b)
        for a, b in ends
    ]
    names = [*(f"sat-{place}" for place in range(100)), "svalbard"]
    return ContactPlan(datetime(2026, 1, 1, tzinfo=UTC), 3600.0, names, columns_of(rows))


def test_of_many_pairs_the_longest_of_each_kind_are_drawn_and_the_others_told(crowd: ContactPlan):
    pairs, half = per_pair(crowd), MOST_PAIRS // 2
    by_length = {
        kind: pairs.loc[pairs["kind"] == kind].sort_values(by="contact_s", ascending=False)
        for kind in ("isl", "ground")
    }
    longest = [
        f"{a} – {b}" for each in by_length.values() for a, b in zip(each["a"][:half], each["b"][:half], strict=True)
    ]
    assert sorted(rows_of(crowd)) == sorted(longest)
    left_h = {kind: each["contact_s"].iloc[half] / 3600 for kind, each in by_length.items()}
    assert below(crowd)[1:] == [
        f"left out: 4,920 pairs between satellites, at most {left_h['isl']:.2f} h in contact each",
        f"left out: 70 pairs to the ground, at most {left_h['ground']:.2f} h in contact each",
    ]
    assert drawn(crowd)[1]["height"] < 1200


def test_of_one_kind_all_rows_are_its(crowd: ContactPlan):
    assert len(rows_of(crowd.of_kind("isl"))) == MOST_PAIRS
    assert rows_of(crowd.of("sat-3").of_kind("ground")) == ["sat-3 – svalbard"]


def test_a_plan_without_windows_is_an_empty_figure(crowd: ContactPlan):
    data, layout = drawn(crowd.longer_than(1e6))
    assert not data and not layout["yaxis"]["ticktext"]
