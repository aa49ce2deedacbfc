"""What docs/api.md names is there, and it leaves out nothing that the notebooks use."""

import ast
import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PAGE = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")


def named() -> Iterator[tuple[str, str]]:
    """Modules and their names, whether each has an entry or the module lists it as a member."""
    for path, members in re.findall(r"^::: (\S+)(?:\n    options: \{members: \[(.+)\]\})?$", PAGE, re.M):
        if members:
            yield from ((path, member) for member in members.split(", "))
        else:
            module, _, name = path.rpartition(".")
            yield module, name


@pytest.mark.parametrize(("module", "name"), [*named()])
def test_is_there_and_explains_itself(module: str, name: str):
    found = getattr(import_module(module), name)
    assert found.__doc__ and not found.__doc__.startswith(f"{name}(")


@pytest.mark.parametrize("notebook", sorted(REPOSITORY.glob("notebooks/*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_use_nothing_else(notebook: Path):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    lines = [line for cell in cells if cell["cell_type"] == "code" for line in (*cell["source"], "\n")]
    code = "".join(line for line in lines if line[0] not in "%!")
    parts = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom) and node.module]
    used = {(str(part.module), alias.name) for part in parts for alias in part.names}
    own = [(module, name) for module, name in used if module.startswith("orbitfl")]
    missing = [each for each in own if not any(leads_to(*each, entry) for entry in named())]
    assert not missing


def leads_to(module: str, name: str, entry: tuple[str, str]) -> bool:
    """A room hands out what its modules define."""
    return name == entry[1] and getattr(import_module(module), name) is getattr(import_module(entry[0]), name)
