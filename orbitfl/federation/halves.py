"""float32 to float16 and back, in whole passes over the bits: numpy's own casts go number by number, ten times as long.

Rounding is to the nearest, ties to even, as IEEE 754 and numpy have it.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from orbitfl.federation.weights import stretches

LARGEST = np.float32(65504)
"""Of float16."""
SIGN, EXPONENT = np.uint16(0x8000), np.uint16(0x7F80)
"""Where they stand in the upper half of a float32."""
LEAST_POWER, MOST_POWER = np.uint16(113 << 7), np.uint16(142 << 7)
"""Exponents of 2^-14, below which a float16 has even steps of 2^-24, and of 2^15, its largest."""
LIFT = np.uint16(13 << 7)
"""A factor of 2^13: so many bits of a float32's mantissa a float16 has no room for."""


def to_float16(numbers: NDArray[np.float32]) -> NDArray[np.float16]:
    """Finite numbers (n,); beyond 65504 they saturate."""
    halves = np.empty(len(numbers), np.uint16)
    for part in stretches(len(numbers)):
        halves[part] = _rounded(np.ascontiguousarray(numbers[part]))
    return halves.view(np.float16)


def _rounded(numbers: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The bits of float16."""
    upper = (numbers.view(np.uint32) >> np.uint32(16)).astype(np.uint16)
    power = np.clip(upper & EXPONENT, LEAST_POWER, MOST_POWER)
    # Added to 2^13 times its own power of two a number is rounded where a float16 ends, and stands in the last bits.
    lifted = ((power + LIFT).astype(np.uint32) << np.uint32(16)).view(np.float32)
    lifted += np.abs(np.clip(numbers, -LARGEST, LARGEST))
    last = lifted.view(np.uint32).astype(np.uint16)
    return ((power - LEAST_POWER) << np.uint16(3)) + last | upper & SIGN


def to_float32(halves: NDArray[np.float16]) -> NDArray[np.float32]:
    """Any halves (n,), NaN and infinity included, looked up one by one."""
    numbers, known = np.empty(len(halves), np.float32), _all_halves()
    for part in stretches(len(halves)):
        # No index is beyond the table: "clip" spares the check, and a copy with it.
        np.take(known, halves[part].view(np.uint16), out=numbers[part], mode="clip")
    return numbers


@cache
def _all_halves() -> NDArray[np.float32]:
    return np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32)
