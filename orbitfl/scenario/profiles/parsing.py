"""From a parsed YAML document to a profile, with errors that name the key and the cure."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from reprlib import repr as shown
from typing import Any, TypeVar

from orbitfl.errors import ScenarioError
from orbitfl.scenario.profiles.figure import Figure, Steps, require_number, require_source
from orbitfl.scenario.profiles.kinds import Board, Bus, Terminal
from orbitfl.scenario.wording import suggestion

Profile = TypeVar("Profile", Board, Bus, Terminal)

KINDS: dict[str, type[Board] | type[Bus] | type[Terminal]] = {"board": Board, "bus": Bus, "terminal": Terminal}

SERIES = "steps_bps"


def from_document(document: object, wanted: type[Profile]) -> Profile:
    """The profile of the kind `wanted` that `document` describes. Raises ScenarioError naming the key."""
    if not isinstance(document, Mapping):
        raise ScenarioError(f"it holds {shown(document)}; a profile is a YAML mapping that begins with `kind:`.")
    _require_kind(document, wanted)
    keys = {field.name: field.default is MISSING for field in fields(wanted)}
    _require_known(document, list(keys))
    if missing := [key for key, is_needed in keys.items() if is_needed and document.get(key) is None]:
        raise ScenarioError(f"{missing[0]} is missing; {_example(missing[0])}.")
    given = {key: value for key, value in document.items() if key != "kind" and value is not None}
    # Any, since which key takes a series and which a single number is known to `_figure` alone.
    values: dict[str, Any] = {
        key: _name(value) if key == "name" else _figure(key, value) for key, value in given.items()
    }
    return wanted(**values)


def _require_kind(document: Mapping[Any, Any], wanted: type[Profile]) -> None:
    kind = document.get("kind")
    if kind == wanted.kind:
        return
    if kind is None:
        raise ScenarioError(f"kind is missing; write kind: {wanted.kind}.")
    other = "which is another kind of profile" if kind in tuple(KINDS) else f"but the kinds are {', '.join(KINDS)}"
    raise ScenarioError(f"kind is {shown(kind)}, {other}; {wanted.kind} is needed here.")


def _require_known(document: Mapping[Any, Any], known: list[str]) -> None:
    for key in document:
        if key not in known:
            raise ScenarioError(f"{shown(key).strip(chr(39))} is not a key. {suggestion(key, known)}")


def _name(value: object) -> str:
    if not (isinstance(value, str) and value.strip()):
        raise ScenarioError(f"name is {shown(value)}; give the profile a name in letters.")
    return value


def _figure(key: str, entry: object) -> Figure | Steps:
    if not isinstance(entry, Mapping) or set(entry) != {"value", "source"}:
        raise ScenarioError(f"{key} is {shown(entry)}; it needs a value and a source: {_example(key)}.")
    value, source = entry["value"], entry["source"]
    try:
        require_source(source)
    except ScenarioError as error:
        raise ScenarioError(f"{key}: {error}") from error
    if key == SERIES:
        return Steps(_series(value), source)
    require_number(f"{key}.value", value)
    return Figure(float(value), source)


def _series(value: object) -> tuple[float, ...]:
    if not isinstance(value, list | tuple):
        raise ScenarioError(f"{SERIES}.value is {shown(value)}; it must be a list of plain numbers.")
    for each in value:
        require_number(f"{SERIES}.value", each)
    return tuple(float(each) for each in value)


def _example(key: str) -> str:
    if key == "name":
        return "write name: and what the hardware is called"
    value = "[1.0e+6, 2.0e+6]" if key == SERIES else "2.0"
    return f"write {key}: {{value: {value}, source: where it comes from}}"
