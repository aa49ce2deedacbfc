"""Compressors against what IEEE 754 and their docstrings promise, and no trust in a peer's arrays."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from orbitfl.errors import ScenarioError, WeightsError
from orbitfl.federation.compressors import COMPRESSORS, Float16, Float32, Int8, LowRank, Sign, TopK
from orbitfl.federation.refusals import RefusalError
from orbitfl.federation.weights import Layout, line

DENSE = (Float32(), Float16(), Int8())
SPARSE = (TopK(share=0.3), TopK(values=Float32()), LowRank(rank=2), LowRank(rank=5, values=Int8()), Sign())
EACH = pytest.mark.parametrize("compressor", [*DENSE, *SPARSE], ids=repr)
VECTORS = st.integers(0, 700).flatmap(
    lambda size: arrays(np.float32, size, elements=st.floats(-1e4, 1e4, width=32), fill=st.just(0.125))
)


def there_and_back(compressor, vector, layout=None):
    layout = layout or line(vector.size)
    return compressor.decode(compressor.encode(vector, layout), layout)


@settings(max_examples=60, deadline=None)
@given(VECTORS)
def test_fp32_is_exact(vector):
    np.testing.assert_array_equal(there_and_back(Float32(), vector), vector)


@settings(max_examples=60, deadline=None)
@given(VECTORS)
def test_fp16_rounds_by_half_a_unit_in_the_last_place(vector):
    np.testing.assert_allclose(there_and_back(Float16(), vector), vector, rtol=2**-11, atol=2**-25)


def test_fp16_saturates():
    vector = np.array([1e9, -1e9, 7], np.float32)
    np.testing.assert_array_equal(there_and_back(Float16(), vector), [65504, -65504, 7])


@settings(max_examples=60, deadline=None)
@given(VECTORS, st.sampled_from([1e-44, 1e-39, 1e-30, 1e-7, 1.0, 1e20]))
@example(np.array([238], np.float32), 1e-44)
def test_int8_keeps_its_bound_at_any_scale(vector, scale):
    vector = vector * np.float32(scale)
    error = np.abs(there_and_back(Int8(), vector).astype(np.float64) - vector)
    largest = np.abs(vector).max(initial=0)
    for start in range(0, vector.size, 256):
        block = np.abs(vector[start : start + 256]).max()
        bound = (block * (1 + 2**-10) + largest * 2**-24) / 254 + block * 2**-22 + 1e-44
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


@pytest.mark.parametrize("compressor", DENSE, ids=repr)
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


@settings(max_examples=60, deadline=None)
@given(VECTORS, st.floats(0.001, 1), st.sampled_from([0, 3000, 9000]))
def test_top_k_keeps_the_largest_and_nothing_else(vector, share, more):
    vector = np.concatenate([vector, np.zeros(more, np.float32), vector[::-1]])
    kept = min(vector.size, max(1, round(share * vector.size)))
    back = there_and_back(TopK(share=share, values=Float32()), vector)
    chosen = back != 0
    np.testing.assert_array_equal(back[chosen], vector[chosen])
    assert np.count_nonzero(chosen) == min(kept, np.count_nonzero(vector))
    assert np.abs(vector[~chosen]).max(initial=0) <= np.abs(vector[chosen]).min(initial=np.inf)


def test_top_k_of_a_decoder_is_what_the_table_says():
    """One in a hundred of 4 058 340 as int8 at 12-bit places: 103 439 bytes when every chunk holds as many.

    Ours holds the largest of all, and so tells two bytes a chunk; and four for the unit.
    """
    forms = TopK(share=0.01).forms(line(4_058_340))
    assert sum(form.byte for form in forms.values()) == pytest.approx(103_439, rel=0.005)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda good: {"counts": good["counts"][::-1]},
        lambda good: {"counts": good["counts"] + np.uint16(1)},
        lambda good: {"counts": np.array([2**16 - 1] * 3, "<u2")},
        lambda good: {"places": np.full_like(good["places"], 255)},
        lambda good: {"places": np.zeros_like(good["places"])},
        lambda good: {"places": good["places"][::-1]},
    ],
)
def test_places_out_of_order_or_range_are_refused(spoil):
    vector = np.zeros(9000, np.float32)
    vector[[1, 2, 5000, 5001, 5002, 8999]] = 1
    compressor, layout = TopK(share=6 / 9000), line(9000)
    good = compressor.encode(vector, layout)
    np.testing.assert_array_equal(compressor.decode(good, layout), vector)
    with pytest.raises(RefusalError) as refusal:
        compressor.decode(good | spoil(good), layout)
    assert refusal.value.reason == "wrong places"


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=9, max_size=9))
def test_whatever_places_arrive_none_is_written_beyond_the_end(noise):
    compressor, layout = TopK(share=5 / 4100, values=Float32()), line(4100)
    good = compressor.encode(np.arange(4100, dtype=np.float32), layout)
    try:
        vector = compressor.decode(good | {"places": np.frombuffer(noise, np.uint8)}, layout)
    except RefusalError:
        return
    assert np.count_nonzero(vector) == 5


def test_low_rank_is_nearly_the_best_that_a_svd_finds():
    rng = np.random.default_rng(6)
    matrix = (rng.normal(size=(60, 40)) * np.exp(-np.arange(40) / 5)).astype(np.float32)
    layout = Layout((("matrix", (60, 5, 8)),))
    for rank in (1, 3, 8):
        back = there_and_back(LowRank(rank=rank, values=Float32()), matrix.ravel(), layout).reshape(60, 40)
        best = np.sqrt(np.sum(np.linalg.svd(matrix, compute_uv=False)[rank:].astype(float) ** 2))
        assert np.linalg.norm(matrix - back) < 1.1 * best


@pytest.mark.parametrize("power", [-120, -40, 62, 126])
def test_low_rank_is_as_good_at_any_scale(power: int):
    matrix = np.random.default_rng(7).normal(size=(30, 20)).clip(-3, 3).astype(np.float32)
    compressor, layout = LowRank(rank=2, values=Float32()), Layout((("matrix", (30, 20)),))
    back = there_and_back(compressor, np.ldexp(matrix.ravel(), power), layout)
    expected = np.ldexp(there_and_back(compressor, matrix.ravel(), layout), power)
    np.testing.assert_allclose(back, expected, rtol=1e-6, atol=1e-5 * np.abs(expected).max())


def test_low_rank_sends_vectors_and_small_matrices_whole(layout, vector):
    back = layout.named(there_and_back(LowRank(rank=9, values=Float32()), vector, layout))
    for name in ("attention.bias", "scale", "conv"):
        np.testing.assert_array_equal(back[name], layout.named(vector)[name])
    assert not np.array_equal(back["attention.weight"], layout.named(vector)["attention.weight"])


def test_low_rank_whose_products_overflow_is_refused():
    layout = Layout((("matrix", (9, 9)),))
    arrays_ = {"numbers": np.full(18, 3e38, "<f4")}
    with pytest.raises(RefusalError, match="not finite"):
        LowRank(rank=1, values=Float32()).decode(arrays_, layout)


@settings(max_examples=60, deadline=None)
@given(VECTORS)
def test_sign_tells_signs_and_mean_magnitudes(vector):
    back = there_and_back(Sign(), vector)
    largest = max((np.abs(vector[start : start + 256]).mean() for start in range(0, vector.size, 256)), default=0)
    for start in range(0, vector.size, 256):
        block = vector[start : start + 256]
        expected = np.where(block < 0, -1, 1) * np.abs(block).mean(dtype=float)
        np.testing.assert_allclose(back[start : start + 256], expected, rtol=1e-3, atol=largest * 2**-24)


@pytest.mark.parametrize("make", [lambda: TopK(share=0), lambda: TopK(share=1.5), lambda: LowRank(rank=0)])
def test_options_that_make_no_sense_are_refused(make):
    with pytest.raises(ScenarioError, match="it must be"):
        make()
