"""float32 to float16 and back, in whole passes over the bits: numpy's own casts go number by number, ten times as long.

Rounding is to the nearest, ties to even, as IEEE 754 and numpy have it.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

MANTISSA_DROPPED = np.uint32(13)
"""Bits of a float32's mantissa that a float16 has no room for."""
EXPONENT_SHIFT = np.uint32((127 - 15) << 23)
"""Between the exponents' zeros."""
LEAST_NORMAL = np.uint32(113 << 23)
"""2^-14 as float32: below it a float16 has even steps of 2^-24."""
STEPS_OF_2_24 = np.float32(0.5)
"""Added to a number below 2^-14, it leaves the number's steps of 2^-24 in the last bits of the mantissa."""


def to_float16(numbers: NDArray[np.float32]) -> NDArray[np.float16]:
    """Finite numbers (n,) of at most 65504 in size."""
    bits = np.ascontiguousarray(numbers).view(np.uint32)
    size = bits & np.uint32(0x7FFFFFFF)
    odd = (size >> MANTISSA_DROPPED) & np.uint32(1)
    normal = (size - EXPONENT_SHIFT + np.uint32(0x0FFF) + odd) >> MANTISSA_DROPPED
    fixed = (size.view(np.float32) + STEPS_OF_2_24).view(np.uint32) - STEPS_OF_2_24.view(np.uint32)
    halves = np.where(size < LEAST_NORMAL, fixed, normal)
    halves |= (bits >> np.uint32(16)) & np.uint32(0x8000)
    return halves.astype(np.uint16).view(np.float16)


def to_float32(halves: NDArray[np.float16]) -> NDArray[np.float32]:
    """Any halves (n,), NaN and infinity included, looked up one by one."""
    return _all_halves()[halves.view(np.uint16)]


@cache
def _all_halves() -> NDArray[np.float32]:
    return np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32)
