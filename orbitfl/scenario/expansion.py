"""Profiles that a scenario names, written out in their places: what is left depends on no other file.

A profile stands at `compute`, `environment.bus` and, for a link of kind `terminal`, `links.isl.profile` and
`links.ground.profile`; each as a name, a path, or the profile itself.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from reprlib import repr as shown
from typing import Any

from orbitfl.errors import ScenarioError
from orbitfl.scenario.profiles import Board, Bus, Terminal, from_document, known, read_profile, shipped_profiles
from orbitfl.scenario.profiles.parsing import Profile


def with_profiles(raw: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """`raw` with every profile written out, and the bus's values where the environment has none of its own.

    Relative paths count from `folder`. Raises ScenarioError naming the key.
    """
    content = dict(raw)
    if "compute" in raw:
        content["compute"] = asdict(_profile(raw["compute"], "compute", Board, folder))
    if isinstance(environment := raw.get("environment"), Mapping) and "bus" in environment:
        bus = _profile(environment["bus"], "environment.bus", Bus, folder)
        content["environment"] = _filled(environment, bus)
    if isinstance(links := raw.get("links"), Mapping):
        content["links"] = {name: _link(link, f"links.{name}.profile", folder) for name, link in links.items()}
    return content


def lifted(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The bus beside the environment, which knows nothing of profiles, as `Scenario` has it."""
    if "bus" in raw:
        raise ScenarioError("bus is not a key. Did you mean environment.bus?")
    environment = raw.get("environment")
    if not isinstance(environment, Mapping) or "bus" not in environment:
        return dict(raw)
    rest = {key: value for key, value in environment.items() if key != "bus"}
    return {**raw, "environment": rest, "bus": environment["bus"]}


def lowered(document: Mapping[str, Any]) -> dict[str, Any]:
    """The reverse of `lifted`, for people to read: profiles without the keys that they do not say."""
    rest = {key: value for key, value in document.items() if key != "bus"}
    rest["links"] = {name: _readable(link) for name, link in document["links"].items()}
    if "compute" in document:
        rest["compute"] = known(document["compute"])
    if document.get("bus") is not None:
        rest["environment"] = {**document["environment"], "bus": known(document["bus"])}
    return rest


def _readable(link: dict[str, Any] | None) -> dict[str, Any] | None:
    return {**link, "profile": known(link["profile"])} if link and "profile" in link else link


def _filled(environment: Mapping[str, Any], bus: Bus) -> dict[str, Any]:
    given = environment.get("thermal", {})
    thermal = {**bus.thermal(), **given} if isinstance(given, Mapping) else given
    return {**bus.power(), **environment, "thermal": thermal, "bus": asdict(bus)}


def _link(link: Any, key: str, folder: Path) -> Any:
    if not isinstance(link, Mapping) or link.get("kind") != "terminal" or "profile" not in link:
        return link
    return {**link, "profile": asdict(_profile(link["profile"], key, Terminal, folder))}


def _profile(given: Any, key: str, wanted: type[Profile], folder: Path) -> Profile:
    try:
        if isinstance(given, str):
            return read_profile(given, wanted, folder)
        if isinstance(given, Mapping):
            return from_document(given, wanted)
    except ScenarioError as error:
        raise ScenarioError(f"{key}: {error}") from error
    raise ScenarioError(
        f"{key} is {shown(given)}; give a {wanted.kind} profile by name ({', '.join(shipped_profiles(wanted))}), "
        "by path, or written out."
    )
