"""Compressors against what IEEE 754 and their docstrings promise, and no trust in a peer's arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from orbitfl.errors import WeightsError
from orbitfl.federation.compressors import COMPRESSORS, Float16, Float32, Int8
from orbitfl.federation.refusals import RefusalError
from orbitfl.federation.weights import Layout, line

EACH = pytest.mark.parametrize("compressor", [Float32(), Float16(), Int8()], ids=lambda each: each.kind)
VECTORS = st.integers(0, 700).flatmap(
    lambda size: arrays(np.float32, size, elements=st.floats(-1e4, 1e4, width=32), fill=st.just(0.125))
)


def there_and_back(compressor, vector, layout=None):
    layout = layout or line(vector.size)
    return compressor.decode(compressor.encode(vector, layout), layout)


@given(VECTORS)
def test_fp32_is_exact(vector):
    np.testing.assert_array_equal(there_and_back(Float32(), vector), vector)


@given(VECTORS)
def test_fp16_rounds_by_half_a_unit_in_the_last_place(vector):
    np.testing.assert_allclose(there_and_back(Float16(), vector), vector, rtol=2**-11, atol=2**-25)


def test_fp16_saturates():
    vector = np.array([1e9, -1e9, 7], np.float32)
    np.testing.assert_array_equal(there_and_back(Float16(), vector), [65504, -65504, 7])


@given(VECTORS, st.sampled_from([1e-30, 1e-7, 1.0, 1e20]))
def test_int8_keeps_its_bound_at_any_scale(vector, scale):
    vector = vector * np.float32(scale)
    error = np.abs(there_and_back(Int8(), vector).astype(np.float64) - vector)
    largest = np.abs(vector).max(initial=0)
    for start in range(0, vector.size, 256):
        block = np.abs(vector[start : start + 256]).max()
        bound = (block * (1 + 2**-10) + largest * 2**-24) / 254 + block * 2**-22 + 1e-37
        assert error[start : start + 256].max() <= bound


def test_int8_of_a_trained_decoders_size_is_what_the_table_says():
    """4 058 340 numbers, and two bytes for each 256: 4 090 046 bytes, and 4 for the unit."""
    forms = Int8().forms(line(4_058_340))
    assert sum(form.byte for form in forms.values()) == 4_090_046 + 4


@EACH
def test_sizes_depend_on_the_layout_alone(compressor, layout, vector):
    for each in (vector, np.zeros_like(vector), np.ones_like(vector)):
        arrays = compressor.encode(each, layout)
        assert {name: (array.dtype, array.shape) for name, array in arrays.items()} == {
            name: (form.dtype, form.shape) for name, form in compressor.forms(layout).items()
        }


@EACH
def test_zeros_stay_zeros(compressor, layout):
    zeros = np.zeros(layout.size, np.float32)
    np.testing.assert_array_equal(there_and_back(compressor, zeros, layout), zeros)


@EACH
def test_what_was_read_once_reads_the_same_again(compressor, layout, vector):
    once = there_and_back(compressor, vector, layout)
    assert once.dtype == np.float32
    np.testing.assert_allclose(there_and_back(compressor, once, layout), once, rtol=1e-3, atol=1e-6)


@EACH
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_diverged_model_is_not_sent(compressor, layout, vector, number):
    vector[3] = number
    with pytest.raises(WeightsError, match="not finite"):
        compressor.encode(vector, layout)
    with pytest.raises(WeightsError, match="shape"):
        compressor.encode(np.zeros(3, np.float32), layout)


@EACH
def test_a_peer_is_not_trusted(compressor, layout, vector):
    good = compressor.encode(vector, layout)
    for name, array in good.items():
        bad = {
            "wrong arrays": {each: good[each] for each in good if each != name},
            "wrong type": good | {name: array.astype(np.int64)},
            "wrong shape": good | {name: array.reshape(1, -1)},
        }
        if array.dtype.kind == "f":
            bad |= {"not finite": good | {name: np.full_like(array, np.nan)}}
        for reason, arrays_ in bad.items():
            with pytest.raises(RefusalError) as refusal:
                compressor.decode(arrays_, layout)
            assert refusal.value.reason == reason
    with pytest.raises(RefusalError, match="wrong arrays"):
        compressor.decode(good | {"more": np.zeros(1)}, layout)


def test_int8_whose_product_overflows_is_refused():
    layout = line(1)
    arrays_ = Int8().encode(np.array([3e38], np.float32), layout) | {"scales": np.array([60000], "<f2")}
    with pytest.raises(RefusalError, match="not finite"):
        Int8().decode(arrays_, layout)


def test_kinds():
    assert all(compressor().kind == kind for kind, compressor in COMPRESSORS.items())
    assert Layout(()).size == there_and_back(Int8(), np.zeros(0, np.float32)).size
