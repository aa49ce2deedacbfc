"""Windows that come back, against those of a function that is looked at everywhere."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.recurring import recurring_windows

INSTANTS = st.integers(-400, 400).map(lambda quarter: quarter / 4)


@settings(max_examples=200, deadline=None)
@given(
    series=st.lists(st.tuples(INSTANTS, st.integers(0, 60)), min_size=1, max_size=6),
    period=st.integers(1, 40),
    span=st.integers(1, 120),
)
def test_windows_cover_what_lies_near_a_centre(series: list[tuple[float, int]], period: int, span: int):
    """A series is open where the nearest of its centres is less than half its length away."""
    centre_s, length_s = (np.array(column, dtype=float) for column in zip(*series, strict=True))
    found = recurring_windows(centre_s, length_s, float(period), float(span))

    def is_open(t_s: Floats) -> NDArray[np.bool_]:
        away_s = np.abs((t_s - centre_s[:, None] + period / 2) % period - period / 2)
        return away_s < length_s[:, None] / 2

    # Edges are whole eighths of a second, so none lies on these instants.
    t_s = (np.arange(16 * span) + 0.5) / 16
    covered = np.zeros((len(series), len(t_s)), np.intp)
    for row, start_s, end_s in zip(found.series, found.start_s, found.end_s, strict=True):
        covered[row] += (t_s > start_s) & (t_s < end_s)
    np.testing.assert_array_equal(covered, is_open(t_s))
    already = is_open(np.array([-1 / 16])) & is_open(np.array([1 / 16]))
    np.testing.assert_array_equal(found.cut_start, (found.start_s == 0) & already[found.series, 0])
    np.testing.assert_array_equal(found.cut_end, found.end_s == span)
    assert np.all(found.start_s < found.end_s) and np.all(found.end_s <= span)
    order = np.lexsort((found.series, found.start_s))
    np.testing.assert_array_equal(order, np.arange(len(found)))


def test_a_gap_of_less_than_a_microsecond_is_none():
    found = recurring_windows(np.array([3.0, 3.0]), np.array([10 - 5e-7, 5e-7]), 10.0, 95.0)
    assert found.series.tolist() == [0] and (found.start_s[0], found.end_s[0]) == (0.0, 95.0)
    assert found.cut_start[0] and found.cut_end[0]


def test_more_than_a_search_takes_is_refused_alike():
    with pytest.raises(ScenarioError, match="more than one search takes"):
        recurring_windows(np.zeros(1 << 20), np.ones(1 << 20), 10.0, 1e9)
