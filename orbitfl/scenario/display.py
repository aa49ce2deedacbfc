"""A scenario as a notebook shows it: what was chosen, and all of it on demand."""

import dataclasses
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orbitfl.scenario.schema import Mission

MOST_LISTED = 6


def html(mission: "Mission") -> str:
    """A table of the keys that are not left at their defaults; below it, folded, the whole as YAML."""
    from orbitfl.scenario.reader import resolved_yaml  # it imports the schema, which shows itself by this

    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in _chosen(mission))
    folded = f"<details><summary>every key</summary><pre>{escape(resolved_yaml(mission))}</pre></details>"
    return f"<table>{rows}</table>{folded}"


def _chosen(component: Any) -> Iterator[tuple[str, str]]:
    """Each key that differs from its default, and its value in words; those without a default among them."""
    for key in dataclasses.fields(component):
        value = getattr(component, key.name)
        if key.name == "kind" or value != _default(key):
            yield key.name, _told(value)


def _default(key: "dataclasses.Field[Any]") -> Any:
    return key.default_factory() if key.default_factory is not dataclasses.MISSING else key.default


def _told(value: Any) -> str:
    if dataclasses.is_dataclass(value):
        parts = [text if name == "kind" else f"{name} {_bracketed(text)}" for name, text in _chosen(value)]
        return ", ".join(parts) or "as by default"
    if isinstance(value, tuple | list):
        told = [each.name if hasattr(each, "name") else _told(each) for each in value[:MOST_LISTED]]
        return ", ".join(told) + (f" and {len(value) - MOST_LISTED} more" if len(value) > MOST_LISTED else "")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _bracketed(text: str) -> str:
    return f"({text})" if ", " in text else text
