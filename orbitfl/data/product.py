"""The water mask as a satellite sends it: one bit a pixel, compressed.

The layout is numpy.packbits' (most significant bit first), row by row and tile by tile, through DEFLATE (RFC 1951 in
the wrapping of RFC 1950).
"""

import zlib

import numpy as np
from numpy.typing import NDArray

from orbitfl.errors import DataError

LEVEL = 9


def packed(water: NDArray[np.bool_]) -> bytes:
    """Masks of any shape as bytes; their shape has to be known to read them."""
    return zlib.compress(np.packbits(water).tobytes(), LEVEL)


def unpacked(product: bytes, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """What `packed` was given. Raises DataError for bytes that are not masks of this shape."""
    size_byte = _bits_byte(int(np.prod(shape)))
    reader = zlib.decompressobj()
    try:
        # No more than the shape allows is ever made of what came from a link.
        bits = reader.decompress(product, size_byte + 1)
    except zlib.error as error:
        raise DataError(f"A water mask of {len(product)} bytes is damaged: {error}. Send it again.") from error
    if len(bits) != size_byte or not reader.eof:
        raise DataError(f"A water mask of {len(product)} bytes does not hold {shape} pixels. Give the shape it was of.")
    return np.unpackbits(np.frombuffer(bits, np.uint8), count=int(np.prod(shape))).astype(bool).reshape(shape)


def most_byte(pixels: int) -> int:
    """What a product of so many pixels takes at most: what a downlink is booked for before the mask is made.

    DEFLATE makes what it cannot compress a little longer: `compressBound` of zlib.h.
    """
    size_byte = _bits_byte(pixels)
    return size_byte + (size_byte >> 12) + (size_byte >> 14) + (size_byte >> 25) + 13


def _bits_byte(pixels: int) -> int:
    return -(-pixels // 8)
