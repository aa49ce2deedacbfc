"""A commented scenario to begin with."""

import re
from pathlib import Path

from orbitfl.errors import ScenarioError, StorageError
from orbitfl.files import write_text
from orbitfl.scenario import yaml_text

TEMPLATE = Path(__file__).with_name("starter.yaml")
PLACEHOLDER = "my-mission"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


def write_starter(name: str, folder: Path) -> Path:
    """Write `folder`/`name`.yaml and return its path.

    Raises ScenarioError for a name that is not plain, StorageError if the file exists or the place cannot be written.
    """
    if not NAME.fullmatch(name):
        raise ScenarioError(
            f"{name[:80]!r} is not a name for a scenario; take up to 64 letters, digits, - and _, a letter first."
        )
    path = folder / f"{name}.yaml"
    if path.exists():
        raise StorageError(f"{path} exists; choose another name or move it away first.")
    template, key = TEMPLATE.read_text(encoding="utf-8"), yaml_text.dump({"name": name})
    # Where YAML reads a name as something else, such as `yes`, the key has quotes.
    started = template.replace(f"name: {PLACEHOLDER}\n", key, 1).replace(PLACEHOLDER, name)
    write_text(path, started)
    return path
