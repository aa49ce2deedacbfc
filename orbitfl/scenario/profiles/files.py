"""Profiles in files: the shipped ones by name, others by path."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from orbitfl.errors import ScenarioError
from orbitfl.files import at_home
from orbitfl.scenario import yaml_text
from orbitfl.scenario.profiles.kinds import Board, Bus, Terminal
from orbitfl.scenario.profiles.parsing import Profile, from_document

SHIPPED = (Path(__file__).parents[2] / "profiles", Path(__file__).parents[3] / "hw" / "profiles")
"""Where the wheel carries the profiles, and where they lie in the repository."""

LARGEST_BYTE = 100_000


def read_profile(name_or_path: str, wanted: type[Profile], folder: Path = Path()) -> Profile:
    """The shipped profile of this name, or the one in this file; a relative path counts from `folder`.

    Raises ScenarioError naming file and key, what was given and what to do.
    """
    path = _find(name_or_path, wanted, folder)
    text = yaml_text.read(path, LARGEST_BYTE, f"a {wanted.kind} profile")
    document = yaml_text.parse(text, str(path))
    try:
        return from_document(document, wanted)
    except ScenarioError as error:
        raise ScenarioError(f"{path}: {error}") from error


def shipped_profiles(wanted: type[Board] | type[Bus] | type[Terminal]) -> list[str]:
    """The names of the shipped profiles of one kind."""
    kinds = {name: yaml_text.parse(path.read_text(encoding="utf-8"), name)["kind"] for name, path in _shipped().items()}
    return sorted(name for name, kind in kinds.items() if kind == wanted.kind)


def to_text(profile: Board | Bus | Terminal) -> str:
    """The YAML that `read_profile` reads back; keys that are not known are left out."""
    return yaml_text.dump(known(asdict(profile)))


def known(profile: Mapping[str, Any]) -> dict[str, Any]:
    """A profile as a mapping, without the keys that are not known."""
    return {key: value for key, value in profile.items() if value is not None}


def _shipped() -> dict[str, Path]:
    return {path.stem: path for folder in SHIPPED for path in folder.glob("*.yaml")}


def _find(name_or_path: str, wanted: type[Profile], folder: Path) -> Path:
    if shipped := _shipped().get(name_or_path):
        return shipped
    try:
        path = folder / at_home(name_or_path)
        if path.is_file():
            return path
    except (ValueError, RuntimeError, OSError):
        # A null byte, an unknown ~user or a name beyond the system's length: no file in any case.
        pass
    raise ScenarioError(
        f"{name_or_path[:200]} was given, which is neither a file nor a shipped {wanted.kind} profile: "
        f"{', '.join(shipped_profiles(wanted))}."
    )
