"""From YAML to a Scenario and back, with errors that name the key and the cure."""

import dataclasses
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from orbitfl.errors import ScenarioError
from orbitfl.files import at_home
from orbitfl.scenario import yaml_text
from orbitfl.scenario.expansion import lifted, lowered, with_profiles
from orbitfl.scenario.schema import Mission, Scenario
from orbitfl.scenario.wording import suggestion

LARGEST_BYTE = 1_000_000
DEEPEST = 20

LEARNING_KEYS = {each.name for each in dataclasses.fields(Scenario)} - {
    each.name for each in dataclasses.fields(Mission)
}

Loc = tuple[str | int, ...]
Document = TypeVar("Document", Mission, Scenario)


def load(path: str | Path, overrides: Sequence[str] = ()) -> Scenario:
    """The scenario in a YAML file, with `key.path=value` overrides applied.

    `${NAME}` in a string is the environment variable NAME; a relative `path` counts from the file's own folder.
    Raises ScenarioError naming the file, the key, what was given and what to do.
    """
    path = Path(path)
    raw = _document(path, overrides)
    with _naming(path):
        return _validated(raw, Scenario)


def load_mission(path: str | Path, overrides: Sequence[str] = ()) -> Mission:
    """A scenario, or a file that has only the keys of a contact plan. Else as `load`."""
    path = Path(path)
    raw = _document(path, overrides)
    if LEARNING_KEYS & set(raw):
        return load(path, overrides)
    with _naming(path):
        return _validated(raw, Mission)


def mission(raw: Mapping[str, Any], overrides: Sequence[str] = ()) -> Mission:
    """A mission from its keys; relative paths count from here. Raises ScenarioError as `load` does."""
    content = dict(raw)
    for override in overrides:
        _override(content, override)
    return _validated(_complete(content, Path()), Mission)


def _document(path: Path, overrides: Sequence[str]) -> dict[str, Any]:
    if isinstance(overrides, str):
        raise ScenarioError(f"overrides is the text {overrides!r}; give a list of them: [{overrides!r}].")
    raw = _parse(yaml_text.read(path, LARGEST_BYTE, "a scenario"), str(path))
    for override in overrides:
        _override(raw, override)
    with _naming(path):
        return _complete(raw, path.parent)


def _complete(raw: dict[str, Any], folder: Path) -> dict[str, Any]:
    return with_profiles(_located(raw, folder), folder)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except ScenarioError as error:
        raise ScenarioError(f"{path}: {error}") from error


def _validated(raw: Mapping[str, Any], kind: type[Document]) -> Document:
    _require_finite(raw)
    try:
        document = json.dumps(lifted(raw), default=_json_time, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ScenarioError(
            f"the scenario holds a value that no key takes ({error}); write plain numbers and texts."
        ) from error
    try:
        return _adapter(kind).validate_json(document, strict=True, extra="forbid")
    except ValidationError as error:
        raise ScenarioError(_sentence(error, raw)) from error


@cache
def _adapter(kind: type[Mission]) -> TypeAdapter[Any]:
    """Once: putting one together takes longer than most scenarios take to be read."""
    return TypeAdapter(kind)


def _require_finite(value: Any, key: str = "") -> None:
    """Raises ScenarioError for infinities and what is not a number, which JSON cannot carry."""
    if isinstance(value, float) and not isfinite(value):
        raise ScenarioError(f"{key} is {value}, but every number of a scenario must be finite; write a plain number.")
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        _require_finite(each, f"{key}.{name}" if key else str(name))


def resolved_yaml(scenario: Mission) -> str:
    """The scenario as YAML with every default written out; loading it gives an equal scenario."""
    return yaml_text.dump(lowered(_adapter(type(scenario)).dump_python(scenario, warnings=False)))


def _parse(text: str, name: str) -> dict[str, Any]:
    raw = yaml_text.parse(text, name)
    if not isinstance(raw, dict):
        raise ScenarioError(f"{name} holds no keys; a scenario is a YAML mapping that starts with `name:`.")
    return raw


def _override(raw: dict[str, Any], override: str) -> None:
    """Set one dotted key in place; a number in the path counts in a list."""
    keys, equals, value = override.partition("=")
    if not equals or not keys:
        raise ScenarioError(f"--set {override} was given; write --set key.path=value.")
    *parents, last = [int(key) if key.isdigit() else key for key in keys.split(".")]
    place: Any = raw
    try:
        for key in parents:
            place = place[key] if isinstance(key, int) else place.setdefault(key, {})
        place[last] = _parse(f"value: {value}", f"--set {override}")["value"]
    except (TypeError, IndexError, AttributeError, KeyError) as error:
        raise ScenarioError(f"--set {override} points into something that holds no key {last!r}.") from error


def _located(value: Any, folder: Path, key: str = "", depth: int = 0) -> Any:
    """Environment variables filled in, and relative paths made absolute."""
    if depth > DEEPEST:
        raise ScenarioError(f"the keys are nested more than {DEEPEST} deep; a scenario is flatter than that.")
    if isinstance(value, dict):
        return {name: _located(inner, folder, str(name), depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [_located(inner, folder, key, depth + 1) for inner in value]
    if not isinstance(value, str):
        return value
    filled = re.sub(r"\$\{(\w+)\}", lambda match: _variable(match[1]), value)
    return str(_absolute(filled, folder)) if key == "path" else filled


def _absolute(path: str, folder: Path) -> Path:
    at = folder / at_home(path)
    try:
        return at.resolve()
    except (OSError, ValueError) as error:
        raise ScenarioError(f"path is {path[:60]!r}, which no file can be called ({error}); mend it.") from error


def _variable(name: str) -> str:
    if name not in os.environ:
        raise ScenarioError(
            f"the environment variable {name} is not set; run: export {name}=… with the folder it stands for."
        )
    return os.environ[name]


def _json_time(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{value!r} is a {type(value).__name__}")


def _sentence(error: ValidationError, raw: Mapping[str, Any]) -> str:
    """The first complaint in our words. A misspelt key comes before the missing one that it causes."""
    complaints = sorted(error.errors(), key=lambda each: each["type"] != "unexpected_keyword_argument")
    first = complaints[0]
    loc = _without_tags(first["loc"], raw, first["type"])
    key = ".".join(map(str, loc))
    context = first.get("ctx", {})
    match first["type"]:
        case "unexpected_keyword_argument":
            return f"{key} is not a key. {_suggestion(loc, raw)}"
        case "missing" | "missing_argument":
            return f"{key} is missing; add it."
        case "union_tag_not_found":
            return f"{key}.kind is missing; choose one of {_kinds(loc, raw)}."
        case "union_tag_invalid":
            return f"{key}.kind is {context['tag']!r}; choose one of {context['expected_tags']}."
        case "value_error":
            return f"{key}: {context['error']}" if key else str(context["error"])
        case _:
            return f"{key} is {_shown(first['input'])}; {_expected(first['msg'])}."


def _expected(message: str) -> str:
    return message.replace("Input should", "it should", 1)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _without_tags(loc: Loc, raw: Any, kind_of_error: str) -> Loc:
    """The key's path as the user wrote it: pydantic adds the `kind` of each chosen component."""
    path: list[str | int] = []
    place = raw
    for part in loc:
        names_a_key = kind_of_error in ("unexpected_keyword_argument", "missing") and part == loc[-1]
        is_tag = isinstance(place, Mapping) and part not in place and part == place.get("kind") and not names_a_key
        if is_tag:
            continue
        path.append(part)
        place = _inside(place, part)
    return tuple(path)


def _inside(place: Any, part: str | int) -> Any:
    if isinstance(place, Mapping):
        return place.get(part)
    if isinstance(place, Sequence) and isinstance(part, int) and part < len(place):
        return place[part]
    return None


def _suggestion(loc: Loc, raw: Any) -> str:
    """The nearest key that stands at this place, or all of them."""
    return suggestion(loc[-1], _keys_at(loc[:-1], raw))


def _keys_at(loc: Loc, raw: Any) -> list[str]:
    component = _component_at(loc, raw)
    return [each.name for each in dataclasses.fields(component)] if component else []


def _kinds(loc: Loc, raw: Any) -> str:
    *parents, last = loc
    owner = _component_at(tuple(parents), raw)
    hint = get_type_hints(owner, include_extras=True)[str(last)] if owner else None
    return ", ".join(get_args(get_type_hints(option)["kind"])[0] for option in _options(hint))


def _component_at(loc: Loc, raw: Any) -> Any:
    """The dataclass that describes the mapping at `loc`."""
    component: Any = Scenario
    place = raw
    for part in loc:
        place = _inside(place, part)
        if isinstance(part, int):
            continue
        hint = get_type_hints(component, include_extras=True).get(part)
        options = _options(hint)
        named = [option for option in options if _kind_of(option) == _inside(place, "kind")]
        component = (named or options or [None])[0]
        if component is None:
            return None
    return component


def _options(hint: Any) -> list[Any]:
    """The dataclasses that a type hint admits: itself, a union's members, a tuple's items."""
    if dataclasses.is_dataclass(hint):
        return [hint]
    arguments = get_args(hint)[:1] if get_origin(hint) is Annotated else get_args(hint)
    return [option for argument in arguments for option in _options(argument)]


def _kind_of(component: Any) -> str | None:
    hints = get_type_hints(component)
    return get_args(hints["kind"])[0] if "kind" in hints and get_args(hints["kind"]) else None
