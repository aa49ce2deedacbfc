"""A bundle on the ground: proven by the board's own runtime, then read."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orbitfl.errors import OrbitflError
from orbitfl.export.bundle import MANIFEST
from orbitfl.export.runtime import call


@dataclass(frozen=True)
class Bundle:
    """A folder, every file of which is as its manifest says."""

    folder: Path
    manifest: dict[str, Any]


def read_bundle(folder: Path) -> Bundle:
    """Raises OrbitflError for a folder that is not a whole bundle."""
    call(["verify", "--bundle", folder, "--files-only"])
    try:
        return Bundle(folder, json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise OrbitflError(f"{folder / MANIFEST} cannot be read; copy the bundle again.") from error
