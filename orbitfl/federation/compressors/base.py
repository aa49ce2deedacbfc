"""What every compressor offers, and how the arrays of an untrusted peer are checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from orbitfl.errors import WeightsError
from orbitfl.federation.refusals import RefusalError
from orbitfl.federation.weights import Layout, Vector, all_finite

Arrays = Mapping[str, NDArray]


@dataclass(frozen=True, slots=True)
class Form:
    """What an array on the wire must be; `dtype` is little-endian where it matters."""

    dtype: np.dtype
    shape: tuple[int, ...]

    @property
    def byte(self) -> int:
        return self.dtype.itemsize * int(np.prod(self.shape, dtype=np.int64))


class Compressor(Protocol):
    """Writes a vector as a few arrays whose sizes depend on the layout and the options alone.

    sparse: whether it leaves numbers out that a later message must bring (see `references`).
    """

    sparse: ClassVar[bool]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def kind(self) -> str: ...

    def forms(self, layout: Layout) -> dict[str, Form]:
        """The arrays that `encode` makes, before they are made."""
        ...

    def encode(self, vector: Vector, layout: Layout) -> dict[str, NDArray]:
        """Raises WeightsError for a vector that is not finite: a model that has diverged is not sent."""
        ...

    def decode(self, arrays: Arrays, layout: Layout) -> Vector:
        """The vector as its reader has it. Raises RefusalError for arrays that `encode` cannot have made."""
        ...


def form(dtype: Any, *shape: int) -> Form:
    return Form(np.dtype(dtype).newbyteorder("<"), shape)


def sendable(vector: Vector, layout: Layout) -> Vector:
    """`vector` itself. Raises WeightsError if it has another length than the layout, or numbers that are not finite."""
    if vector.shape != (layout.size,):
        raise WeightsError(f"A vector of shape {vector.shape} was to be sent where {layout.size} numbers are expected.")
    if not all_finite(vector):
        raise WeightsError("A model with numbers that are not finite was to be sent; lower the learning rate.")
    return vector


def check(arrays: Arrays, forms: Mapping[str, Form]) -> None:
    """Raises RefusalError unless `arrays` have exactly the names, types and shapes of `forms`."""
    if arrays.keys() != forms.keys():
        raise RefusalError("wrong arrays", f"it holds {_listed(arrays)} where {_listed(forms)} are expected")
    for name, expected in forms.items():
        given = arrays[name]
        if given.dtype != expected.dtype:
            raise RefusalError("wrong type", f"{name} is {given.dtype} where {expected.dtype} is expected")
        if given.shape != expected.shape:
            raise RefusalError("wrong shape", f"{name} is {given.shape} where {expected.shape} is expected")


def finite(vector: NDArray) -> Vector:
    """`vector` itself. Raises RefusalError if a number of it is not finite."""
    if not all_finite(vector):
        raise RefusalError("not finite", "some of its numbers are infinite or not numbers")
    return vector


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(sorted(names)[:8]) or "nothing"
