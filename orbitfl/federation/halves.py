"""float32 to float16 and back, in whole passes over the bits: numpy's own casts go number by number, ten times as long.

Rounding is to the nearest, ties to even, as IEEE 754 and numpy have it.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from orbitfl.federation.weights import stretches

MANTISSA_DROPPED = np.uint32(13)
"""Bits of a float32's mantissa that a float16 has no room for."""
EXPONENT_SHIFT = np.uint32((127 - 15) << 23)
"""Between the exponents' zeros."""
LEAST_NORMAL = np.uint32(113 << 23)
"""2^-14 as float32: below it a float16 has even steps of 2^-24."""
LARGEST = np.float32(65504).view(np.uint32)
"""Of float16."""
STEPS_OF_2_24 = np.float32(0.5)
"""Added to a number below 2^-14, it leaves the number's steps of 2^-24 in the last bits of the mantissa."""


def to_float16(numbers: NDArray[np.float32]) -> NDArray[np.float16]:
    """Finite numbers (n,); beyond 65504 they saturate."""
    halves = np.empty(len(numbers), np.uint16)
    for part in stretches(len(numbers)):
        halves[part] = _rounded(np.ascontiguousarray(numbers[part]).view(np.uint32))
    return halves.view(np.float16)


def _rounded(bits: NDArray[np.uint32]) -> NDArray[np.uint16]:
    """The bits of float16 for those of float32."""
    size = np.minimum(bits & np.uint32(0x7FFFFFFF), LARGEST)
    odd = (size >> MANTISSA_DROPPED) & np.uint32(1)
    normal = ((size + odd - (EXPONENT_SHIFT - np.uint32(0x0FFF))) >> MANTISSA_DROPPED).astype(np.uint16)
    # The lowest 16 bits of 0.5 are zeros, so what is left below is the number of steps.
    fixed = (size.view(np.float32) + STEPS_OF_2_24).view(np.uint32).astype(np.uint16)
    # A mask of ones chooses without a branch, which a processor would guess wrongly for every other number.
    small = np.negative((size < LEAST_NORMAL).astype(np.uint16))
    return normal ^ ((normal ^ fixed) & small) | ((bits >> np.uint32(16)).astype(np.uint16) & np.uint16(0x8000))


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
