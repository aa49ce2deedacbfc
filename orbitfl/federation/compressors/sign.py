"""One bit a number."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from orbitfl.federation.compressors.base import Arrays, Form, check, finite, form, sendable
from orbitfl.federation.compressors.dense import BLOCK, blocks_of
from orbitfl.federation.weights import Layout, Vector


@dataclass(frozen=True)
class Sign:
    """The sign of every number, times the mean magnitude of its block of 256.

    Scaled signs as in Karimireddy et al. 2019 (arXiv 1901.09847), which do well only if a later message tells what this
    one got wrong; so it counts as sparse. Means are told as parts of the largest, as `Int8` does.
    """

    kind: Literal["sign"] = "sign"
    sparse: ClassVar[bool] = True

    def forms(self, layout: Layout) -> dict[str, Form]:
        return {
            "signs": form(np.uint8, -(-layout.size // 8)),
            "scales": form(np.float16, -(-layout.size // BLOCK)),
            "unit": form(np.float32, 1),
        }

    def encode(self, vector: Vector, layout: Layout) -> dict[str, NDArray]:
        starts = np.arange(0, layout.size, BLOCK)
        lengths = np.diff(starts, append=layout.size)
        magnitudes = np.abs(blocks_of(sendable(vector, layout))).sum(axis=1, dtype=np.float64) / lengths
        unit = np.float32(magnitudes.max(initial=0))
        return {
            "signs": np.packbits(vector < 0, bitorder="little"),
            "scales": (magnitudes / unit if unit > 0 else magnitudes).astype("<f2"),
            "unit": np.array([unit], "<f4"),
        }

    def decode(self, arrays: Arrays, layout: Layout) -> Vector:
        check(arrays, self.forms(layout))
        scales, unit = finite(arrays["scales"]), finite(arrays["unit"]).astype(np.float32)
        with np.errstate(over="ignore"):
            magnitudes = np.repeat(scales.astype(np.float32) * unit, BLOCK)[: layout.size]
        negative = np.unpackbits(arrays["signs"], count=layout.size, bitorder="little").astype(bool)
        return finite(np.where(negative, -magnitudes, magnitudes))
