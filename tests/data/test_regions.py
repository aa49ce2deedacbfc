"""Connected patches against flood filling by hand."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from orbitfl.data.regions import connected, without_specks


def flood_fill(label: np.ndarray) -> np.ndarray:
    patch, count = np.full(label.shape, -1), 0
    for start in np.ndindex(label.shape):
        stack = [start] if patch[start] < 0 else []
        count += bool(stack)
        while stack:
            row, col = stack.pop()
            inside = 0 <= row < label.shape[0] and 0 <= col < label.shape[1]
            if inside and patch[row, col] < 0 and label[row, col] == label[start]:
                patch[row, col] = count - 1
                stack += [(row + 1, col), (row - 1, col), (row, col + 1), (row, col - 1)]
    return patch


@settings(deadline=None)
@given(arrays(np.int32, st.tuples(st.integers(2, 9), st.integers(2, 9)), elements=st.integers(0, 2)))
def test_connected_is_flood_filling(label: np.ndarray) -> None:
    ours, theirs = connected(label), flood_fill(label)
    assert ours.max() == theirs.max()
    assert len(set(zip(ours.ravel(), theirs.ravel(), strict=True))) == theirs.max() + 1


def test_specks_touching_by_a_corner_count_together() -> None:
    mask = np.zeros((6, 6), bool)
    mask[0, 0] = mask[1, 1] = mask[5, 5] = True
    kept = without_specks(mask, 2)
    assert kept[0, 0]
    assert kept[1, 1]
    assert not kept[5, 5]
