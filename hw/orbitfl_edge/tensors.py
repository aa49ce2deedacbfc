"""Safetensors files from anywhere: nothing is believed before it is checked, and nothing in them is run."""

import json
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitfl_edge.problems import EdgeError

LARGEST_HEADER_BYTE = 2**20
TYPES = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2")}


@dataclass(frozen=True)
class Tensors:
    """arrays: by name, in the order of the file. header: as it stands in the file, with its length. metadata: texts."""

    arrays: dict[str, NDArray]
    header: bytes
    metadata: dict[str, str]

    def packed(self, arrays: dict[str, NDArray]) -> bytes:
        """A file with the same header and other numbers of the same shapes and types, at the same places."""
        return self.header + b"".join(np.ascontiguousarray(arrays[name]).tobytes() for name in self.arrays)


def parsed(content: bytes, called: str) -> Tensors:
    """Raises EdgeError unless these are safetensors of F32 or F16, whole, without gaps, and finite."""
    length_byte = int.from_bytes(content[:8], "little")
    if len(content) < 8 or not 2 <= length_byte <= min(LARGEST_HEADER_BYTE, len(content) - 8):
        raise EdgeError(f"{called} is not a safetensors file, or cut off; fetch it again.")
    start = 8 + length_byte
    try:
        header = json.loads(content[8:start], object_pairs_hook=_once)
        metadata = header.pop("__metadata__", {})
        arrays = _arrays(header, memoryview(content)[start:])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise EdgeError(f"{called} is not a sound safetensors file ({error}); fetch it again.") from error
    if sick := [name for name, array in arrays.items() if not np.isfinite(array).all()]:
        raise EdgeError(f"{called} holds NaN or infinity in {sick[0][:80]!r}; refuse its sender.")
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise EdgeError(f"{called} has metadata that are not texts; fetch it again.")
    return Tensors(arrays, content[:start], metadata)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a name occurs twice")
    return content


def _arrays(header: dict[str, Any], body: memoryview) -> dict[str, NDArray]:
    arrays, end = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        kind, shape, (first, last) = TYPES[entry["dtype"]], entry["shape"], entry["data_offsets"]
        if not all(type(side) is int and side >= 0 for side in shape):
            raise ValueError("a shape is none")
        if first != end or last != first + prod(shape) * kind.itemsize or last > len(body):
            raise ValueError("its places do not follow one another")
        arrays[name] = np.frombuffer(body[first:last], kind).reshape(shape)
        end = last
    if end != len(body):
        raise ValueError("it goes on after its last tensor")
    return arrays


def packed_anew(arrays: dict[str, NDArray], metadata: dict[str, str]) -> bytes:
    """A safetensors file of F32 or F16 arrays, in the order of their names."""
    signs = {kind: sign for sign, kind in TYPES.items()}
    header: dict[str, Any] = {"__metadata__": metadata}
    end = 0
    for name in sorted(arrays):
        start, end = end, end + arrays[name].nbytes
        kind, shape = signs[arrays[name].dtype], list(arrays[name].shape)
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text = text.ljust(-(-len(text) // 8) * 8)
    body = b"".join(np.ascontiguousarray(arrays[name]).tobytes() for name in sorted(arrays))
    return len(text).to_bytes(8, "little") + text + body
