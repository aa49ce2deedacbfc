"""Vectors and layouts against NumPy's own reshaping, distances against Pythagoras."""

import numpy as np
import pytest

from orbitfl.errors import WeightsError
from orbitfl.federation.weights import Layout, consensus_distance, mean, norm


def test_flat_and_named_undo_each_other_whatever_the_order_given(layout):
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in reversed(layout.shapes)}
    vector = layout.flat(weights)
    assert vector.shape == (layout.size,) == (600 + 20 + 1 + 288,)
    assert vector.dtype == np.float32
    for name, array in layout.named(vector).items():
        np.testing.assert_array_equal(array, weights[name])
        assert np.shares_memory(array, vector)


def test_slices_tile_the_vector(layout):
    places = np.concatenate([np.arange(layout.size)[span] for span in layout.slices().values()])
    np.testing.assert_array_equal(places, np.arange(layout.size))


def test_fingerprint_tells_names_shapes_and_order():
    kinds = [(("a", (2, 3)),), (("a", (3, 2)),), (("a", (6,)),), (("b", (2, 3)),)]
    kinds += [(("a", (1,)), ("b", (1,))), (("b", (1,)), ("a", (1,)))]
    assert len({Layout(shapes).fingerprint() for shapes in kinds}) == len(kinds)
    assert Layout(kinds[0]).fingerprint() == Layout.of({"a": np.zeros((2, 3))}).fingerprint()


def test_what_does_not_fit_is_refused(layout, vector):
    named = layout.named(vector)
    with pytest.raises(WeightsError, match="at scale"):
        layout.flat({name: array for name, array in named.items() if name != "scale"})
    with pytest.raises(WeightsError, match=r"attention\.weight"):
        layout.flat(named | {"attention.weight": np.zeros((30, 20))})
    with pytest.raises(WeightsError, match="shape"):
        layout.named(vector[:-1])
    with pytest.raises(WeightsError, match="twice"):
        Layout((("a", (1,)), ("a", (2,))))
    with pytest.raises(WeightsError, match="negative"):
        Layout((("a", (-1,)),))


def test_empty_layout():
    assert Layout(()).flat({}).shape == (Layout(()).size,) == (0,)


def test_distances_against_pythagoras():
    first, second = np.array([3, 4], np.float32), np.zeros(2, np.float32)
    assert norm(first) == 5
    assert consensus_distance([first, second]) == 2.5
    assert consensus_distance([first, first]) == 0
    np.testing.assert_array_equal(mean([first, second]), [1.5, 2])
