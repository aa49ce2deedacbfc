"""How an update is written to bytes for the link, and read back by a peer that does not trust it.

The bytes are safetensors: names, shapes and numbers, nothing that could run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray
from safetensors import SafetensorError
from safetensors import numpy as safetensors_numpy

from orbitfl.errors import WeightsError
from orbitfl.federation.weights import Weights


class Compressor(Protocol):
    def encode(self, update: Weights) -> bytes: ...

    def decode(self, payload: bytes, like: Weights) -> Weights:
        """The update, with the names and shapes of `like`. Raises WeightsError for anything else."""
        ...


@dataclass(frozen=True)
class Float32:
    """Four bytes a number, exact."""

    kind: Literal["fp32"] = "fp32"

    def encode(self, update: Weights) -> bytes:
        return _encode(update, np.float32)

    def decode(self, payload: bytes, like: Weights) -> Weights:
        return _decode(payload, like, np.float32)


@dataclass(frozen=True)
class Float16:
    """Two bytes a number, relative rounding 2^-11."""

    kind: Literal["fp16"] = "fp16"

    def encode(self, update: Weights) -> bytes:
        return _encode(update, np.float16)

    def decode(self, payload: bytes, like: Weights) -> Weights:
        return _decode(payload, like, np.float16)


def _encode(update: Weights, dtype: DTypeLike) -> bytes:
    return safetensors_numpy.save({name: np.ascontiguousarray(value, dtype=dtype) for name, value in update.items()})


def _decode(payload: bytes, like: Weights, dtype: DTypeLike) -> Weights:
    expected_byte = len(_encode(like, dtype))
    if len(payload) != expected_byte:
        raise WeightsError(
            f"An update of {len(payload)} bytes arrived where {expected_byte} were expected; it is refused."
        )
    try:
        arrays: Mapping[str, NDArray] = safetensors_numpy.load(payload)
    except SafetensorError as error:
        raise WeightsError(f"An update arrived that is not safetensors ({error}); it is refused.") from error
    if {name: array.shape for name, array in arrays.items()} != {name: array.shape for name, array in like.items()}:
        raise WeightsError("An update arrived whose parameters differ from this model's; it is refused.")
    update = {name: arrays[name].astype(np.float32) for name in like}
    if not all(np.isfinite(array).all() for array in update.values()):
        raise WeightsError("An update arrived with numbers that are not finite; it is refused.")
    return update
