"""Models as flat vectors: one order of all numbers, fixed by names and shapes, the same on every satellite."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from math import prod

import numpy as np
from numpy.typing import DTypeLike, NDArray

from orbitfl.errors import WeightsError

Vector = NDArray[np.float32]
"""(n,), float32: a model as its difference to the launch checkpoint, or anything of that form."""

STRETCH = 2**17
"""Numbers of a part that is worked on at once."""
ROW = 1024
"""Squares that are summed in their own precision."""


@dataclass(frozen=True)
class Layout:
    """Names and shapes of a model's arrays, in the order in which their numbers stand in a vector.

    Raises WeightsError for a name that occurs twice or a shape with a negative length.
    """

    shapes: tuple[tuple[str, tuple[int, ...]], ...]

    def __post_init__(self) -> None:
        if len({name for name, _ in self.shapes}) < len(self.shapes):
            raise WeightsError("A layout names an array twice; give every array a name of its own.")
        if any(length < 0 for _, shape in self.shapes for length in shape):
            raise WeightsError("A layout has a shape with a negative length; lengths are 0 or more.")

    @classmethod
    def of(cls, weights: Mapping[str, NDArray]) -> "Layout":
        """The layout that `weights` have, in their own order."""
        return cls(tuple((name, tuple(array.shape)) for name, array in weights.items()))

    @cached_property
    def size(self) -> int:
        """How many numbers a vector has."""
        return sum(prod(shape) for _, shape in self.shapes)

    def slices(self) -> dict[str, slice]:
        """Where each array's numbers stand in a vector."""
        edges = accumulate((prod(shape) for _, shape in self.shapes), initial=0)
        spans = (slice(*edge) for edge in pairwise(edges))
        return {name: span for (name, _), span in zip(self.shapes, spans, strict=True)}

    def flat(self, weights: Mapping[str, NDArray]) -> Vector:
        """All arrays in one vector. Raises WeightsError if names or shapes are not this layout's."""
        given, expected = {name: tuple(array.shape) for name, array in weights.items()}, dict(self.shapes)
        if given != expected:
            wrong = sorted({name for name, _ in given.items() ^ expected.items()})
            raise WeightsError(
                f"Weights do not fit the layout at {', '.join(wrong[:3])}; give the arrays of the model it belongs to."
            )
        if not self.shapes:
            return np.empty(0, np.float32)
        return np.concatenate(
            [np.ravel(weights[name]) for name, _ in self.shapes], dtype=np.float32, casting="same_kind"
        )

    def named(self, vector: Vector) -> dict[str, NDArray]:
        """Views into `vector` under their names. Raises WeightsError for a vector of another length."""
        if vector.shape != (self.size,):
            raise WeightsError(f"A vector of shape {vector.shape} was given where the layout has {self.size} numbers.")
        spans = self.slices()
        return {name: vector[spans[name]].reshape(shape) for name, shape in self.shapes}

    def fingerprint(self) -> str:
        """SHA-256 of names and shapes, in hex: equal for equal layouts alone."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        return hashlib.sha256(json.dumps(self.shapes).encode()).hexdigest()


def stretches(size: int) -> Iterator[slice]:
    """Parts of a vector for work that makes arrays on the way: of short ones the memory is at hand and used again,
    where whole ones would ask the system for fresh pages, which costs several times the sums."""
    for first in range(0, size, STRETCH):
        yield slice(first, min(first + STRETCH, size))


def line(size: int) -> Layout:
    """The layout of `size` numbers without further structure."""
    return Layout((("numbers", (size,)),))


def mean(members: Sequence[Vector]) -> Vector:
    """The average of several vectors, every one counted alike; summed in float64."""
    centre = np.empty(members[0].shape, np.float32)
    for part in stretches(len(centre)):
        centre[part] = total(members, part) / len(members)
    return centre


def consensus_distance(members: Sequence[Vector]) -> float:
    """How far the models are apart: sqrt(1/n sum ||theta_i - mean||^2) (Kong et al. 2021, arXiv 2102.04828, eq. 2)."""
    squares = 0.0
    for part in stretches(len(members[0])):
        centre = total(members, part) / len(members)
        squares += sum(_squares(member[part].astype(np.float64) - centre) for member in members)
    return float(np.sqrt(squares / len(members)))


def all_finite(vector: NDArray) -> bool:
    """Whether all numbers are."""
    return all(bool(np.isfinite(vector[part]).all()) for part in stretches(len(vector)))


def same_bits(first: Vector, second: Vector) -> bool:
    """Whether two vectors are the very same; where they differ, that is mostly seen at once."""
    parts = stretches(max(len(first), len(second)))
    return all(np.array_equal(first[part].view(np.uint32), second[part].view(np.uint32)) for part in parts)


def norm(vector: NDArray) -> float:
    """Euclidean length; rows of `ROW` squares are summed in the vector's own precision, and the rows in float64."""
    rows = vector[: len(vector) // ROW * ROW].reshape(-1, ROW)
    return float(np.sqrt(np.einsum("ij,ij->i", rows, rows).sum(dtype=np.float64) + _squares(vector[rows.size :])))


def scaled(factor: float, vector: Vector) -> Vector:
    return np.multiply(vector, factor, dtype=np.float32)


def total(members: Sequence[NDArray], part: slice, precision: DTypeLike = np.float64) -> NDArray:
    """The sum of that part of several vectors."""
    numbers = members[0][part].astype(precision)
    for member in members[1:]:
        # Two types in one sum go through numpy's small buffers, which takes longer than a copy of one type.
        numbers += member[part].astype(precision, copy=False)
    return numbers


def _squares(numbers: NDArray) -> float:
    # Not `dot`: its threads wait for each other, several times as long as one alone takes where processes share cores.
    return float(np.einsum("i,i", numbers, numbers))
