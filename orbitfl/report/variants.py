"""Runs told apart by the keys of their scenarios."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from orbitfl.errors import OrbitflError, StorageError
from orbitfl.experiment.result import CONTROLS, RunResult
from orbitfl.report.checking import require_tables
from orbitfl.scenario import resolved_yaml, yaml_text

SEED, NAME = "seed", "name"

Keys = Mapping[str, str]
"""A scenario's values by the whole path of their key."""


@dataclass(frozen=True)
class Variant:
    """Runs that differ in their seeds alone. keys: what sets it apart from the others."""

    keys: dict[str, str]
    runs: tuple[RunResult, ...]

    @property
    def label(self) -> str:
        return ", ".join(f"{_short(key)} {value}" for key, value in self.keys.items()) or "all"


def runs_in(folder: Path) -> tuple[list[RunResult], list[str]]:
    """The finished runs anywhere below `folder`, without their controls, and why others cannot be read.

    Raises StorageError if none can.
    """
    runs, problems = [], []
    for place in sorted(folder.rglob("run.json")):
        if CONTROLS not in place.relative_to(folder).parts:
            try:
                run = RunResult.from_folder(place.parent)
                require_tables(run)
                runs.append(run)
            except OrbitflError as error:
                problems.append(str(error))
    if not runs:
        why = problems[0] if problems else f"{folder} holds no finished run, nor does any folder in it; give another."
        raise StorageError(why)
    return runs, problems


def variants(runs: Sequence[RunResult]) -> list[Variant]:
    """The runs by what their scenarios say, in order of their keys; seeds and names are no difference."""
    said = [dict(_flat(yaml_text.parse(resolved_yaml(run.scenario), "scenario"))) for run in runs]
    telling = _telling(said)
    groups: dict[tuple[str, ...], list[RunResult]] = {}
    for keys, run in zip(said, runs, strict=True):
        groups.setdefault(tuple(keys.get(key, "–") for key in telling), []).append(run)
    return [
        Variant(dict(zip(telling, values, strict=True)), tuple(groups[values])) for values in sorted(groups, key=_order)
    ]


def _telling(said: Sequence[Keys]) -> list[str]:
    """As few keys as tell all apart: kinds first, then by depth; what those before it already say is left out."""
    every = {key for keys in said for key in keys} - {SEED, NAME}
    telling: list[str] = []
    for key in sorted(every, key=lambda key: (not key.endswith(".kind"), key.count("."), key)):
        if _classes(said, [*telling, key]) > _classes(said, telling):
            telling.append(key)
    return telling


def _classes(said: Sequence[Keys], telling: Sequence[str]) -> int:
    return len({tuple(keys.get(key) for key in telling) for keys in said})


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}".removeprefix("."))
    else:
        yield path, _told(value)


def _told(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _order(keys: Sequence[str]) -> list[tuple[bool, float, str]]:
    """Numbers by size, before words."""
    numbers = [number(key) for key in keys]
    return [(found is None, found or 0.0, key) for found, key in zip(numbers, keys, strict=True)]


def number(text: str) -> float | None:
    """The finite number that a text is, if it is one."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None


def _short(key: str) -> str:
    """The last name of a key; a kind goes by what it is the kind of."""
    return key.removesuffix(".kind").rpartition(".")[2]
