"""Tiles cover every pixel, and their weights make one of what they agree on."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from orbitfl_edge.blending import axis


@given(length=st.integers(1, 300), tile=st.integers(16, 64), share=st.floats(0, 0.5))
def test_weights_sum_to_one_over_every_pixel(length: int, tile: int, share: float):
    found = axis(length, tile, int(share * tile))
    total = np.zeros(max(length, tile))
    for start, weights in zip(found.starts, found.weights, strict=True):
        assert start >= 0 and start + tile <= max(length, tile) and (weights > 0).all()
        total[start : start + tile] += weights
    np.testing.assert_allclose(total, 1, rtol=1e-6)


@given(length=st.integers(1, 300), tile=st.integers(16, 64), share=st.floats(0, 0.5))
def test_what_is_finished_is_touched_by_no_later_tile(length: int, tile: int, share: float):
    found = axis(length, tile, int(share * tile))
    ends = [found.finished(each) for each in range(len(found.starts))]
    assert ends == sorted(ends) and ends[-1] == length
    assert all(end <= start for end, start in zip(ends, found.starts[1:], strict=False))


@pytest.mark.parametrize("overlap", [0, 8, 32])
def test_neighbours_overlap_at_least_as_asked(overlap: int):
    starts = axis(500, 64, overlap).starts
    assert all(one + 64 - other >= overlap for one, other in pairwise(starts))
