"""Board profiles: the seconds and watts of a computer, each number with its source."""

from dataclasses import dataclass, fields
from pathlib import Path

import yaml

from orbitfl.errors import ScenarioError

SHIPPED = (Path(__file__).parents[1] / "profiles", Path(__file__).parents[2] / "hw" / "profiles")
"""Where the wheel carries the profiles, and where they lie in the repository."""


@dataclass(frozen=True)
class BoardProfile:
    """Seconds per training batch and per inference pass, watts in each activity."""

    train_step_s: float
    inference_s: float
    train_w: float
    exchange_w: float
    inference_w: float
    standby_w: float


def board_profile(name_or_path: str) -> BoardProfile:
    """The profile with this name among the shipped ones, or in this file. Raises ScenarioError naming what is wrong."""
    path = _find(name_or_path)
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return BoardProfile(**{field.name: _positive(document, field.name) for field in fields(BoardProfile)})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScenarioError(f"{path} could not be read as a board profile: {' '.join(str(error).split())}.") from error
    except ScenarioError as error:
        raise ScenarioError(f"{path}: {error}") from error


def shipped_profiles() -> list[str]:
    return sorted(path.stem for folder in SHIPPED for path in folder.glob("*.yaml"))


def _find(name_or_path: str) -> Path:
    shipped = [folder / f"{name_or_path}.yaml" for folder in SHIPPED]
    for path in [*shipped, Path(name_or_path)]:
        if path.is_file():
            return path
    raise ScenarioError(
        f"compute is {name_or_path}, which is neither a file nor a shipped board profile: "
        f"{', '.join(shipped_profiles())}."
    )


def _positive(document: object, name: str) -> float:
    entry = document.get(name) if isinstance(document, dict) else None
    if not isinstance(entry, dict) or "value" not in entry or not str(entry.get("source", "")).strip():
        raise ScenarioError(f"{name} needs a value and a source, such as {{value: 2.0, source: measured with …}}.")
    value = entry["value"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ScenarioError(f"{name}.value is {value!r}; it must be a number greater than 0.")
    return float(value)
