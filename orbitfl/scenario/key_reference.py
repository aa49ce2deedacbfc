"""The keys of a scenario as a page of Markdown, from the same schema by which editors complete them."""

from collections.abc import Iterator
from typing import Any

from orbitfl.scenario.json_schema import json_schema

Schema = dict[str, Any]

HEAD = """# Scenario keys

Every key that a scenario takes, with its default; those without one have to be given. Where a `kind` chooses among
several, each is a section of its own. Written by `orbitfl schema --markdown`; the tests hold it to the code.
"""


def markdown() -> str:
    """The page."""
    schema = json_schema()
    words = {name: part for name, part in schema["$defs"].items() if "enum" in part}
    parts = [HEAD, *_section("scenario", schema, words)]
    for name, part in sorted(schema["$defs"].items()):
        if "properties" in part:
            parts.extend(_section(name, part, words))
    return "\n".join(parts)


def _section(name: str, part: Schema, words: Schema) -> Iterator[str]:
    yield f"## {name}"
    yield ""
    if name != "scenario" and "description" in part:
        # What it raises is for programs; a reader of keys is told by the error itself.
        yield part["description"].partition("Raises ")[0].strip() + "\n"
    yield "| key | takes | default | |"
    yield "|---|---|---|---|"
    for key, value in part["properties"].items():
        told = _cell(value.get("description", "") if value.get("description") != part.get("description") else "")
        yield f"| `{key}` | {_taken(value, words)} | {_default(value, key in part.get('required', []))} | {told} |"
    yield ""


def _taken(value: Schema, words: Schema) -> str:
    """Types and words, and components as links to their sections."""
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return " or ".join(f"`{each}`" for each in value["enum"])
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        if name in words:
            return _taken(words[name], words)
        return f"[{name}](#{name.lower()})"
    for choice in ("oneOf", "anyOf"):
        if choice in value:
            return " or ".join(dict.fromkeys(_taken(each, words) for each in value[choice]))
    if value.get("type") == "array":
        items = value.get("items") or {"oneOf": value.get("prefixItems", [{}])}
        return f"list of {_taken(items, words)}"
    if value.get("type") == "object" and isinstance(value.get("additionalProperties"), dict):
        return f"{_taken(value['additionalProperties'], words)} by name"
    plain = str(value.get("type", "anything"))
    return {"string": "text", "null": "nothing"}.get(plain, plain)


def _default(value: Schema, is_required: bool) -> str:
    if "const" in value or is_required:
        return ""
    if "default" not in value:
        return "see there"
    default = value["default"]
    return "none" if default is None else f"`{_cell(str(default))}`" if default != [] and default != {} else "empty"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
