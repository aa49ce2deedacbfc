"""Means over seeds and their confidence, against scipy's own interval."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from orbitfl.results import Estimate


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=9))
def test_an_estimate_is_students(samples: list[float]):
    found, spread = Estimate.of(samples), stats.sem(samples)
    assert found.mean == pytest.approx(np.mean(samples), abs=1e-9)
    if spread > 1e-6:
        low, high = stats.t.interval(0.95, len(samples) - 1, found.mean, spread)
        assert (found.mean - found.half, found.mean + found.half) == pytest.approx((low, high), rel=1e-6, abs=1e-6)


def test_of_one_seed_nothing_is_known_but_its_value():
    assert Estimate.of([4.0]).mean == 4.0 and isnan(Estimate.of([4.0]).half) and str(Estimate.of([4.0])) == "4.0"
