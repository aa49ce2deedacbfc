"""Compressors that write every number, with fewer bits."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Discriminator

from orbitfl.federation.compressors.base import Arrays, Form, check, finite, form, sendable
from orbitfl.federation.halves import to_float16, to_float32
from orbitfl.federation.weights import Layout, Vector

BLOCK = 256
"""Numbers that share a scale."""


@dataclass(frozen=True)
class Float32:
    """Four bytes a number, exact."""

    kind: Literal["fp32"] = "fp32"
    sparse: ClassVar[bool] = False

    def forms(self, layout: Layout) -> dict[str, Form]:
        return {"numbers": form(np.float32, layout.size)}

    def encode(self, vector: Vector, layout: Layout) -> dict[str, NDArray]:
        return {"numbers": sendable(vector, layout).astype("<f4")}

    def decode(self, arrays: Arrays, layout: Layout) -> Vector:
        check(arrays, self.forms(layout))
        return finite(arrays["numbers"].astype(np.float32))


@dataclass(frozen=True)
class Float16:
    """Two bytes a number: relative rounding 2^-11, absolute 2^-25 below 2^-14; beyond 65504 it saturates."""

    kind: Literal["fp16"] = "fp16"
    sparse: ClassVar[bool] = False

    def forms(self, layout: Layout) -> dict[str, Form]:
        return {"numbers": form(np.float16, layout.size)}

    def encode(self, vector: Vector, layout: Layout) -> dict[str, NDArray]:
        return {"numbers": to_float16(sendable(vector, layout))}

    def decode(self, arrays: Arrays, layout: Layout) -> Vector:
        check(arrays, self.forms(layout))
        return finite(to_float32(arrays["numbers"]))


@dataclass(frozen=True)
class Int8:
    """One byte a number, and a float16 scale for each block of 256.

    Absmax by blocks as in Dettmers et al. 2022 (arXiv 2110.02861), in even steps. The scales are told as parts of the
    largest (`unit`), so that differences of 1e-7 do not fall below float16's smallest. With m = max |block| and
    M = max |vector|, no number is off by more than m (1 + 2^-10) / 254 + M 2^-24 / 254, float32's rounding aside.
    """

    kind: Literal["int8"] = "int8"
    sparse: ClassVar[bool] = False

    def forms(self, layout: Layout) -> dict[str, Form]:
        n_blocks = -(-layout.size // BLOCK)
        return {
            "numbers": form(np.int8, layout.size),
            "scales": form(np.float16, n_blocks),
            "unit": form(np.float32, 1),
        }

    def encode(self, vector: Vector, layout: Layout) -> dict[str, NDArray]:
        blocks = blocks_of(sendable(vector, layout))
        largest = np.abs(blocks).max(axis=1)
        unit = largest.max(initial=0)
        scales = _rounded_up(largest / unit if unit > 0 else largest)
        steps = np.rint(blocks / _step(scales, unit)[:, None]).clip(-127, 127)
        return {
            "numbers": steps.astype(np.int8).ravel()[: layout.size],
            "scales": scales.astype("<f2"),
            "unit": np.array([unit], "<f4"),
        }

    def decode(self, arrays: Arrays, layout: Layout) -> Vector:
        check(arrays, self.forms(layout))
        scales, unit = finite(arrays["scales"]), finite(arrays["unit"]).astype(np.float32)[0]
        with np.errstate(over="ignore", invalid="ignore"):
            numbers = blocks_of(arrays["numbers"]) * _step(scales, unit)[:, None]
        return finite(numbers.ravel()[: layout.size])


Dense = Annotated[Float32 | Float16 | Int8, Discriminator("kind")]
"""What sparse compressors may write their values with."""


def blocks_of(numbers: NDArray) -> NDArray:
    """(n_blocks, BLOCK), the last one filled up with zeros."""
    return np.pad(numbers, (0, -len(numbers) % BLOCK)).reshape(-1, BLOCK)


def _rounded_up(scales: NDArray) -> NDArray[np.float16]:
    """As float16 and never less, so that no block saturates."""
    near = scales.astype(np.float16)
    return np.where(near < scales, np.nextafter(near, np.float16(2)), near)


def _step(scales: NDArray, unit: np.float32) -> NDArray[np.float32]:
    """What one step of a block's int8 is worth; never 0, so that it divides."""
    exact = np.multiply(scales, np.float64(unit), dtype=np.float64) / 127
    step = exact.astype(np.float32)
    # Below float32's normal numbers rounding down would lose much: 127 steps would not reach the block's largest.
    short = (step == 0) | ((step < exact) & (exact < np.finfo(np.float32).smallest_normal))
    return np.where(short, np.nextafter(step, np.float32(np.inf)), step)
