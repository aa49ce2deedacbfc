"""Where a run comes from, as its folder says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orbitfl.errors import StorageError


def provenance(folder: Path) -> dict[str, Any]:
    """What run.json says. Raises StorageError if it holds no JSON object."""
    path = folder / "run.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise StorageError(f"{path} cannot be read as JSON ({error}); run it anew.") from error
    if not isinstance(told, dict):
        raise StorageError(f"{path} holds no JSON object, but the provenance of a run is one; run it anew.")
    return told


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Each value with the names of the objects that it stands in."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, f"{name} {key}".strip())
    else:
        yield name, str(value)
