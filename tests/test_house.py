"""The house's own rules: style, types, layers, and what may be loaded when."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["pyright", "--pythonpath", sys.executable],
        ["lint-imports", "--no-cache"],
    ],
    ids=lambda command: command[0] + command[1],
)
def test_checks_pass(repository: Path, command: list[str]):
    done = subprocess.run([BIN / command[0], *command[1:]], cwd=repository, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


LOADED = (
    "import sys; {}; print([name for name in ('torch', 'matplotlib', 'rasterio', 'paseos') if name in sys.modules])"
)


@pytest.mark.parametrize(
    "action",
    [
        "import orbitfl; orbitfl.load; orbitfl.contact_plan",
        "import orbitfl.cli",
        "import orbitfl.orbit, orbitfl.contacts, orbitfl.environment, orbitfl.federation, orbitfl.simulation.engine",
        "import orbitfl.results, orbitfl.scenario",
        "import orbitfl; orbitfl.contact_plan(orbitfl.load('constellations/first_light.yaml')).plot()",
    ],
)
def test_the_half_that_decides_when_loads_nothing_heavy(repository: Path, action: str):
    done = subprocess.run([sys.executable, "-c", LOADED.format(action)], cwd=repository, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_shared_folder_never_enters_the_project(repository: Path):
    tracked = subprocess.run(["git", "ls-files"], cwd=repository, capture_output=True, text=True, check=True).stdout
    assert not any(line.startswith("shared/") for line in tracked.splitlines())


@pytest.mark.parametrize(
    "path", sorted(Path(__file__).parents[1].glob("notebooks/*.ipynb")), ids=lambda path: path.stem
)
def test_notebooks_are_stored_without_outputs(path: Path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
