"""A run between two happenings as one file, from which it goes on to the same bytes.

A safetensors file: arrays, and a description in JSON of the dataclasses they belong to. Nothing else is made of it.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors import numpy as safetensors_numpy

from orbitfl.errors import StorageError
from orbitfl.experiment.letters import Parcel
from orbitfl.experiment.node import Node
from orbitfl.experiment.response import WaterMap
from orbitfl.federation.rules import Letter
from orbitfl.federation.strategies import Member
from orbitfl.files import write_bytes
from orbitfl.training.flat import Moments

FORMAT = "orbitfl-state-3"
KNOWN = {each.__name__: each for each in (Node, Member, Moments, Letter, Parcel, WaterMap)}
Arrays = dict[str, NDArray]
Row = tuple[int, tuple[float, str, str, float]]


def save(path: Path, key: str, state: dict[str, Any], rows: Sequence[Row]) -> None:
    """Write `state` and the records so far in place of the file at `path`, whole or not at all.

    key: what the state is of, checked by `load`. Raises StorageError; the file that was there is then as it was.
    """
    arrays: Arrays = {}
    content = {"format": FORMAT, "key": key, "state": _described({**state, "rows": _columns(rows)}, arrays)}
    told = json.dumps(content)
    write_bytes(path, safetensors_numpy.save(arrays, {"content": told, "sha256": _sha256(told, arrays)}))


def load(path: Path, key: str) -> tuple[dict[str, Any], list[Row]]:
    """What `save` was given. Raises StorageError for a damaged file, and for the state of something else."""
    try:
        payload = path.read_bytes()
        arrays = safetensors_numpy.load(payload)
        header = json.loads(payload[8 : 8 + int.from_bytes(payload[:8], "little")])
        told = header["__metadata__"]["content"]
        content = json.loads(told)
        if (content["format"], content["key"]) != (FORMAT, key):
            raise StorageError(
                f"{path} is the state of another scenario or seed, of other tiles or launch weights, on other orbits, "
                "or of another version of orbitfl; give those that the run was begun with, or choose another folder."
            )
        if header["__metadata__"]["sha256"] != _sha256(told, arrays):
            raise ValueError("its SHA-256 is not the one it was written with")
        state = _restored(content["state"], arrays)
        return state, _rows(state.pop("rows"))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, IndexError, RecursionError) as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"{path} is damaged ({error}); delete the run's folder and begin anew.") from error


def _sha256(told: str, arrays: Arrays) -> str:
    """Of the description and of every array: a disk may give back other numbers than it was given."""
    digest = hashlib.sha256(told.encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        # Bytes, since a view of an empty array cannot be cast.
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def _described(value: Any, arrays: Arrays) -> Any:
    """`value` as JSON; arrays and bytes go to `arrays` and leave their name."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case np.ndarray():
            return {"array": _put(value, arrays)}
        case bytes():
            return {"bytes": _put(np.frombuffer(value, np.uint8), arrays)}
        case dict():
            return {"dict": [[_described(part, arrays) for part in pair] for pair in value.items()]}
        case list() | tuple() | frozenset():
            members = sorted(value) if isinstance(value, frozenset) else value
            return {type(value).__name__: [_described(each, arrays) for each in members]}
    name = type(value).__name__
    if name not in KNOWN:
        raise TypeError(f"a {name} is not part of a run's state")
    return {name: {each.name: _described(getattr(value, each.name), arrays) for each in fields(value)}}


def _put(array: NDArray, arrays: Arrays) -> str:
    name = str(len(arrays))
    arrays[name] = np.ascontiguousarray(array)
    return name


def _restored(described: Any, arrays: Arrays) -> Any:
    if not isinstance(described, dict):
        return described
    ((name, content),) = described.items()
    match name:
        case "array":
            return arrays[content]
        case "bytes":
            return arrays[content].tobytes()
        case "dict":
            return {_restored(key, arrays): _restored(value, arrays) for key, value in content}
        case "list" | "tuple" | "frozenset":
            makers = {"list": list, "tuple": tuple, "frozenset": frozenset}
            return makers[name](_restored(each, arrays) for each in content)
    return KNOWN[name](**{key: _restored(value, arrays) for key, value in content.items()})


def _columns(rows: Sequence[Row]) -> dict[str, Any]:
    """Records by column, words once each."""
    words = list(dict.fromkeys(word for _, (_, node, kind, _) in rows for word in (node, kind)))
    place = {word: number for number, word in enumerate(words)}
    whole = [(number, place[node], place[kind]) for number, (_, node, kind, _) in rows]
    return {
        "words": words,
        "whole": np.array(whole, np.int64).reshape(-1, 3),
        "broken": np.array([(t_s, value) for _, (t_s, _, _, value) in rows], np.float64).reshape(-1, 2),
    }


def _rows(columns: dict[str, Any]) -> list[Row]:
    words, pairs = columns["words"], zip(columns["whole"].tolist(), columns["broken"].tolist(), strict=True)
    return [(number, (t_s, words[node], words[kind], value)) for (number, node, kind), (t_s, value) in pairs]
