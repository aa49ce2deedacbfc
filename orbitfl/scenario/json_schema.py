"""The keys of a scenario file as JSON schema (draft 2020-12), by which editors complete and check them.

It describes what a person writes: profiles by name, path or written out, and the bus within the environment. What takes
more than one key to judge, such as a battery that feeds no training step, `orbitfl validate` alone finds.
"""

import dataclasses
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from orbitfl.scenario.descriptions import described
from orbitfl.scenario.schema import Mission, Scenario

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PROFILES = ("Board", "Bus", "Terminal")
ENVIRONMENTS = ("Paseos", "Battery")
BUS = "Battery, panels and heat by a profile: the name of a shipped one, the path of its file, or the profile itself."

Schema = dict[str, Any]


class _Keys(GenerateJsonSchema):
    """pydantic's schema, as strict as the reader: no other keys, and every component says its kind."""

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> Schema:
        found = super().dataclass_schema(schema)
        properties = found.get("properties", {})
        for name, text in described(schema["cls"]).items():
            properties[name] = {**properties[name], "description": text}
        for key in properties.values():
            key.pop("title", None)
        required = [*(["kind"] if "kind" in properties else []), *found.get("required", [])]
        return {**found, "required": list(dict.fromkeys(required)), "additionalProperties": False}


def json_schema() -> Schema:
    """The schema of a scenario, or of a file with the keys of a contact plan alone."""
    whole = TypeAdapter(Scenario).json_schema(schema_generator=_Keys)
    parts = {name: _with_named_profiles(part) for name, part in whole.pop("$defs").items()}
    keys = _with_named_profiles(whole)
    bus = keys["properties"].pop("bus")
    for name in ENVIRONMENTS:
        parts[name]["properties"]["bus"] = {**bus, "description": BUS}
    return {"$schema": DIALECT, **keys, **_needed(), "$defs": parts}


def _needed() -> Schema:
    """Keys that every file has, and those that come with any key for learning."""
    always, learning = _required(Mission), [name for name in _required(Scenario) if name not in _required(Mission)]
    for_learning = {each.name for each in dataclasses.fields(Scenario)} - {
        each.name for each in dataclasses.fields(Mission)
    }
    return {
        "required": always,
        "dependentRequired": dict.fromkeys(sorted(for_learning - {"bus"}), learning),
    }


def _required(document: type) -> list[str]:
    return [
        each.name
        for each in dataclasses.fields(document)
        if each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
    ]


def _with_named_profiles(part: Schema) -> Schema:
    properties = part.get("properties", {})
    return {**part, "properties": {name: _named(key) for name, key in properties.items()}} if properties else part


def _named(key: Schema) -> Schema:
    """A key that takes a profile takes its name or path as well."""
    options = key.get("anyOf", [key])
    if not any(option.get("$ref", "").removeprefix("#/$defs/") in PROFILES for option in options):
        return key
    described_only = {name: value for name, value in key.items() if name not in ("anyOf", "$ref")}
    options = [{name: value for name, value in option.items() if name != "description"} for option in options]
    return {**described_only, "anyOf": [{"type": "string"}, *options]}
