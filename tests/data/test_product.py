"""Water masks on the link: they come back as they were, and never by more bytes than were booked."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from orbitfl.data.product import most_byte, packed, unpacked
from orbitfl.errors import DataError


@given(arrays.arrays(bool, arrays.array_shapes(min_dims=1, max_dims=3, max_side=40)))
def test_masks_come_back(water: np.ndarray):
    product = packed(water)
    assert len(product) <= most_byte(water.size)
    np.testing.assert_array_equal(unpacked(product, water.shape), water)


def test_noise_stays_within_what_was_booked_and_water_takes_far_less():
    noise = np.random.default_rng(0).random((4, 256, 256)) < 0.5
    lake = np.hypot(*np.mgrid[-128:128, -128:128]) < 90
    assert noise.size // 8 < len(packed(noise)) <= most_byte(noise.size)
    assert len(packed(lake)) < lake.size / 8 / 10


@given(st.binary(max_size=200), st.integers(1, 5000))
def test_bytes_of_a_peer_are_read_or_refused(product: bytes, pixels: int):
    try:
        assert unpacked(product, (pixels,)).shape == (pixels,)
    except DataError:
        return


def test_a_bomb_is_refused_before_it_unfolds():
    with pytest.raises(DataError, match="does not hold"):
        unpacked(zlib.compress(bytes(10**8)), (64, 64))


def test_another_shape_is_refused():
    with pytest.raises(DataError, match=r"does not hold \(100,\) pixels"):
        unpacked(packed(np.ones(64, bool)), (100,))
