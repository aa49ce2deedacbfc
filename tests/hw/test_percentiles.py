"""Exact percentiles against numpy's, on any numbers in any pieces."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from orbitfl_edge.percentiles import KINDS, keys, number, percentiles

SHARES = (0, 2, 50, 98, 100)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_they_are_numpys(kind: str, data: st.DataObject):
    count = data.draw(st.integers(1, 60))
    wide = {"allow_nan": False, "allow_infinity": False} if kind == "float32" else {}
    values: NDArray = data.draw(arrays.arrays(kind, (2, count), elements=wide or None))
    cut = data.draw(st.integers(0, count))

    def chunks() -> Iterator[NDArray]:
        return (piece for piece in (values[:, :cut], values[:, cut:]) if piece.size)

    found = percentiles(chunks, kind, SHARES)
    expected = np.percentile(values.astype(np.float64), SHARES, axis=1).T
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_keys_keep_order_and_number(kind: str, data: st.DataObject):
    wide = {"allow_nan": False, "allow_infinity": False} if kind == "float32" else {}
    values: NDArray = np.sort(data.draw(arrays.arrays(kind, 5, elements=wide or None)))
    found = keys(values).astype(np.int64)
    assert (np.diff(found)[np.diff(values.astype(np.float64)) > 0] > 0).all()
    assert [number(int(key), kind) for key in found] == values.astype(np.float64).tolist()
