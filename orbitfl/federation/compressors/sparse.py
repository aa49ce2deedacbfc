"""Compressors that leave most of a vector out: what they drop, a later message must bring (see `references`)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from orbitfl.errors import ScenarioError
from orbitfl.federation.compressors.base import Arrays, Form, check, form, sendable
from orbitfl.federation.compressors.dense import Dense, Float16, Int8
from orbitfl.federation.refusals import RefusalError
from orbitfl.federation.weights import Layout, Vector, all_finite, line

CHUNK = 4096
"""Places are told within chunks, so that 12 bits suffice."""

_VALUES = "values."


@dataclass(frozen=True)
class TopK:
    """The numbers that are largest in magnitude.

    share: which part of all numbers is told. values: how the numbers told are written.

    Places take 12 bits each, and two bytes for each 4096 numbers. Of equal magnitudes the first are taken.
    """

    kind: Literal["top_k"] = "top_k"
    share: float = 0.01
    values: Dense = field(default_factory=Int8)
    sparse: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ScenarioError(f"share is {self.share}; it must be above 0 and at most 1.")

    def forms(self, layout: Layout) -> dict[str, Form]:
        kept = self._kept(layout)
        places = {"counts": form(np.uint16, -(-layout.size // CHUNK)), "places": form(np.uint8, -(-kept // 2) * 3)}
        return places | _under(_VALUES, self.values.forms(line(kept)))

    def encode(self, vector: Vector, layout: Layout) -> dict[str, NDArray]:
        kept = self._kept(layout)
        places = _largest(np.abs(sendable(vector, layout)), kept)
        counts = np.bincount(places // CHUNK, minlength=-(-layout.size // CHUNK)).astype("<u2")
        told = {"counts": counts, "places": _packed(places % CHUNK)}
        return told | _under(_VALUES, self.values.encode(vector[places], line(kept)))

    def decode(self, arrays: Arrays, layout: Layout) -> Vector:
        check(arrays, self.forms(layout))
        kept = self._kept(layout)
        places = _places(arrays["counts"], arrays["places"], kept, layout.size)
        vector = np.zeros(layout.size, np.float32)
        vector[places] = self.values.decode(_without(_VALUES, arrays), line(kept))
        return vector

    def _kept(self, layout: Layout) -> int:
        return min(layout.size, max(1, round(self.share * layout.size)))


@dataclass(frozen=True)
class LowRank:
    """Every matrix as the product of two thin ones, the best that a few power iterations find.

    rank: how many columns the thin matrices have. values: how the numbers in them are written.

    After PowerSGD (Vogels et al. 2019, arXiv 1905.13727), but from a fixed start and iterated, without its warm start:
    so that a message depends on its vector alone. Longer shapes are matrices of their first axis against the others;
    vectors, and matrices that factors would not make smaller, go whole.
    """

    kind: Literal["low_rank"] = "low_rank"
    rank: int = 4
    values: Dense = field(default_factory=Float16)
    sparse: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ScenarioError(f"rank is {self.rank}; it must be 1 or more.")

    def forms(self, layout: Layout) -> dict[str, Form]:
        return self.values.forms(line(self._told(layout)))

    def encode(self, vector: Vector, layout: Layout) -> dict[str, NDArray]:
        named = layout.named(sendable(vector, layout))
        pieces = [np.empty(0, np.float32)]
        for name, matrix in self._matrices(layout):
            whole = named[name].reshape(matrix or -1)
            pieces += [factor.ravel() for factor in _factors(whole, self.rank)] if matrix else [whole]
        return self.values.encode(np.concatenate(pieces, dtype=np.float32), line(self._told(layout)))

    def decode(self, arrays: Arrays, layout: Layout) -> Vector:
        told = self.values.decode(arrays, line(self._told(layout)))
        vector, spans, start = np.empty(layout.size, np.float32), layout.slices(), 0
        for name, matrix in self._matrices(layout):
            span = spans[name]
            end = start + (self.rank * sum(matrix) if matrix else span.stop - span.start)
            vector[span] = _product(told[start:end], matrix, self.rank) if matrix else told[start:end]
            start = end
        if not all_finite(vector):
            raise RefusalError("not finite", "the products of its factors overflow")
        return vector

    def _matrices(self, layout: Layout) -> Iterator[tuple[str, tuple[int, int] | None]]:
        """Each array's name, and its rows and columns if it goes as factors."""
        for name, shape in layout.shapes:
            rows, columns = (shape[0], prod(shape[1:])) if len(shape) > 1 else (1, 1)
            yield name, (rows, columns) if self.rank * (rows + columns) < rows * columns else None

    def _told(self, layout: Layout) -> int:
        """How many numbers are told."""
        sizes = {name: prod(shape) for name, shape in layout.shapes}
        return sum(self.rank * sum(matrix) if matrix else sizes[name] for name, matrix in self._matrices(layout))


def _under(prefix: str, content: Mapping) -> dict:
    return {prefix + name: each for name, each in content.items()}


def _without(prefix: str, arrays: Arrays) -> dict[str, NDArray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _largest(magnitudes: Vector, kept: int) -> NDArray[np.intp]:
    """Where the `kept` largest stand, ascending."""
    if kept == 0:
        return np.empty(0, np.intp)
    least = np.partition(magnitudes, -kept)[-kept]
    above = magnitudes > least
    above[np.flatnonzero(magnitudes == least)[: kept - np.count_nonzero(above)]] = True
    return np.flatnonzero(above)


def _packed(places: NDArray) -> NDArray[np.uint8]:
    """Numbers below 4096, two in three bytes."""
    first, second = np.pad(places, (0, len(places) % 2)).reshape(-1, 2).T
    return np.stack([first & 255, first >> 8 | (second & 15) << 4, second >> 4], axis=1).astype(np.uint8).ravel()


def _places(counts: NDArray, packed: NDArray, kept: int, size: int) -> NDArray[np.intp]:
    """Undo the telling. Raises RefusalError for places that are not ascending, or beyond the vector's end."""
    if counts.sum(dtype=np.int64) != kept:
        raise RefusalError("wrong places", f"it counts {counts.sum(dtype=np.int64)} numbers where {kept} are expected")
    low, middle, high = packed.reshape(-1, 3).T.astype(np.intp)
    within = np.stack([low | (middle & 15) << 8, middle >> 4 | high << 4], axis=1).ravel()[:kept]
    places = np.repeat(np.arange(len(counts)) * CHUNK, counts) + within
    if np.any(places[1:] <= places[:-1]) or np.any(places[-1:] >= size):
        raise RefusalError("wrong places", "they do not ascend, or lie beyond the last number")
    return places


def _factors(matrix: NDArray, rank: int, iterations: int = 4) -> tuple[NDArray, NDArray]:
    """(rows, rank) and (columns, rank), of equal length, so that both suffer alike from few bits."""
    # Near 1, where no square overflows or vanishes: by a power of two, which rounds nothing, and a square, whose root
    # goes to either factor.
    root = np.frexp(np.abs(matrix).max())[1] // 2
    near_one = np.ldexp(matrix, -2 * root)
    columns = np.random.default_rng(0).standard_normal((matrix.shape[1], rank), dtype=np.float32)
    rows = np.zeros((matrix.shape[0], rank), np.float32)
    for _ in range(iterations):
        rows = np.linalg.qr(near_one @ columns)[0]
        columns = near_one.T @ rows
    balance = np.sqrt(np.linalg.norm(columns) / np.linalg.norm(rows))
    return np.ldexp(rows * balance, root), np.ldexp(columns / balance if balance > 0 else columns, root)


def _product(factors: Vector, matrix: tuple[int, int], rank: int) -> Vector:
    rows, columns = factors[: rank * matrix[0]].reshape(-1, rank), factors[rank * matrix[0] :].reshape(-1, rank)
    with np.errstate(over="ignore", invalid="ignore"):
        return (rows @ columns.T).ravel()
