"""numpy's own casts are the authority."""

import numpy as np

from orbitfl.federation.halves import to_float16, to_float32


def test_every_half_and_every_tie_between_two():
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16)
    exact = halves.astype(np.float32)
    ties = (exact[1:] + exact[:-1]) / 2
    around = np.concatenate(
        [exact, ties, np.nextafter(ties, np.float32(0)), np.nextafter(ties, np.float32(1e9))], dtype=np.float32
    )
    numbers = np.concatenate([around, -around], dtype=np.float32)
    np.testing.assert_array_equal(to_float16(numbers).view(np.uint16), numbers.astype(np.float16).view(np.uint16))


def test_numbers_of_all_sizes():
    rng = np.random.default_rng(3)
    numbers = (rng.choice([-1, 1], 200_000) * np.exp2(rng.uniform(-149, 15.99, 200_000))).astype(np.float32)
    np.testing.assert_array_equal(to_float16(numbers).view(np.uint16), numbers.astype(np.float16).view(np.uint16))


def test_back_again_for_all_there_are():
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    np.testing.assert_array_equal(to_float32(halves), halves.astype(np.float32))


def test_what_is_too_large_saturates():
    numbers = np.array([65504, 65519, 65520, 1e9, np.finfo(np.float32).max, -65520, -1e30], np.float32)
    np.testing.assert_array_equal(to_float16(numbers), np.clip(numbers, -65504, 65504).astype(np.float16))
