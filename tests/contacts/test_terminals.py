"""Few terminals, against a simulation that looks at everything at every instant."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbitfl.contacts.pairs import Pairs
from orbitfl.contacts.terminals import served
from orbitfl.orbit.crossings import Windows

Busy = tuple[Windows, Pairs]
TIMES_S = st.floats(0, 7200) | st.integers(0, 24).map(lambda step: 300.0 * step)


def windows_of(rows: list[tuple[int, int, float, float]], cut_start: list[bool] | None = None) -> Busy:
    """Of satellites a < b from start to end, in order of start, then a, then b; a pair's number is its series."""
    pairs = sorted({row[:2] for row in rows})
    ordered = sorted(rows, key=lambda row: (row[2], row[:2]))
    a, b, start_s, end_s = np.array(ordered, dtype=float).reshape(-1, 4).T
    series = np.array([pairs.index(row[:2]) for row in ordered], dtype=np.intp)
    cut = np.zeros(len(rows), np.bool_) if cut_start is None else np.array(cut_start, np.bool_)
    windows = Windows(series, start_s, end_s, cut, np.zeros(len(rows), np.bool_))
    return windows, Pairs(a.astype(np.int32), b.astype(np.int32))


@st.composite
def busy(draw: st.DrawFn) -> Busy:
    """Up to 30 windows of up to 6 satellites; those of a pair may overlap."""
    pairs = list(combinations(range(draw(st.integers(2, 6))), 2))
    rows = []
    for _ in range(draw(st.integers(0, 30))):
        start_s, end_s = sorted(draw(st.tuples(TIMES_S, TIMES_S)))
        rows.append((*draw(st.sampled_from(pairs)), start_s, end_s))
    return windows_of(rows, draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))))


def looked_at_always(windows: Windows, bodies: Pairs, count: int, shortest_s: float) -> dict[int, float]:
    """Which windows are served, and from when: the policy read aloud."""
    rows = list(
        zip(bodies.a.tolist(), bodies.b.tolist(), windows.start_s.tolist(), windows.end_s.tolist(), strict=True)
    )
    begun: dict[int, float] = {}
    for now_s in sorted({t_s for row in rows for t_s in row[2:]}):
        for number, (a, b, start_s, end_s) in enumerate(rows):
            serving = [rows[other][:2] for other in begun if rows[other][3] > now_s]
            used = [sum(node in pair for pair in serving) for node in (a, b)]
            lasts = start_s <= now_s < end_s and end_s - now_s >= shortest_s
            if number not in begun and lasts and max(used) < count:
                begun[number] = now_s
    return begun


def columns(windows: Windows) -> list[tuple]:
    parts = (windows.start_s, windows.series, windows.end_s, windows.cut_start, windows.cut_end)
    return list(zip(*(part.tolist() for part in parts), strict=True))


@settings(max_examples=80, deadline=None)
@given(given_windows=busy(), count=st.integers(1, 3), shortest_s=st.sampled_from([0.0, 1.0, 30.0]))
def test_who_is_served_when(given_windows: Busy, count: int, shortest_s: float):
    windows, bodies = given_windows
    expected = []
    for row, begun_s in looked_at_always(windows, bodies, count, shortest_s).items():
        start_s, series, end_s, cut_start, cut_end = columns(windows)[row]
        expected.append((begun_s, series, end_s, cut_start or begun_s > start_s, cut_end))
    found = columns(served(windows, bodies, count, shortest_s))
    assert sorted(found) == sorted(expected)
    assert [row[:2] for row in found] == sorted(row[:2] for row in found)


@settings(max_examples=40, deadline=None)
@given(given_windows=busy(), count=st.integers(1, 2))
def test_no_satellite_serves_more_than_it_can(given_windows: Busy, count: int):
    windows, bodies = given_windows
    pair_of = dict(zip(windows.series.tolist(), zip(bodies.a.tolist(), bodies.b.tolist(), strict=True), strict=True))
    left = served(windows, bodies, count)
    for node in range(6):
        mine = left.where(np.array([node in pair_of[each] for each in left.series.tolist()], np.bool_))
        begun, ended = np.arange(1, len(mine) + 1), np.searchsorted(np.sort(mine.end_s), mine.start_s, "right")
        assert (begun - ended <= count).all()


def test_with_enough_terminals_nothing_changes():
    windows, bodies = windows_of([(0, 1, 0.0, 900.0), (0, 2, 0.0, 500.0), (1, 2, 100.0, 300.0)], [True, False, True])
    assert columns(served(windows, bodies, 2)) == columns(windows)


@pytest.mark.parametrize("count", [1, 4])
def test_of_no_windows_none_are_left(count: int):
    assert len(served(*windows_of([]), count)) == 0


def test_the_next_in_line_begins_when_a_terminal_is_free():
    windows, bodies = windows_of([(0, 1, 0.0, 100.0), (0, 2, 50.0, 200.0), (1, 2, 60.0, 90.0), (0, 3, 150.0, 300.0)])
    left = served(windows, bodies, 1)
    assert [(row[0], row[2], row[3]) for row in columns(left)] == [
        (0.0, 100.0, False),
        (100.0, 200.0, True),
        (200.0, 300.0, True),
    ]
