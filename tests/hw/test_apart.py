"""The board's runtime stands alone."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ALLOWED = {"numpy", "onnxruntime", "rasterio", "cryptography", "orbitfl_edge"} | set(sys.stdlib_module_names)


def _imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    named = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in plain | named}


def test_it_imports_numpy_onnxruntime_and_rasterio_alone(repository: Path):
    files = list((repository / "hw/orbitfl_edge").glob("*.py"))
    assert len(files) > 10
    assert {name for path in files for name in _imported(path)} <= ALLOWED


def test_orbitfl_never_imports_it(repository: Path):
    files = list((repository / "orbitfl").rglob("*.py"))
    assert "orbitfl_edge" not in {name for path in files for name in _imported(path)}


@pytest.mark.parametrize("command", ["verify", "info"])
def test_no_torch_and_no_orbitfl_is_loaded(bundle: Path, command: str):
    code = (
        "import sys; from orbitfl_edge.commands import main; code = main();"
        "print([name for name in ('torch', 'orbitfl', 'onnx', 'pandas') if name in sys.modules]); sys.exit(code)"
    )
    environment = {**os.environ, "PYTHONPATH": str(bundle / "runtime"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, command, "--bundle", bundle], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_what_it_needs_is_pinned_to_what_the_tests_run_on(repository: Path, bundle: Path):
    def pins(path: Path) -> set[str]:
        return {line for line in path.read_text().splitlines() if "==" in line}

    needed = pins(bundle / "runtime/orbitfl_edge/requirements.txt")
    assert {pin.split("==")[0] for pin in needed} >= {"numpy", "onnxruntime", "rasterio"}
    assert needed <= pins(repository / "requirements.txt")


def test_it_has_a_licence_of_its_own(repository: Path, bundle: Path):
    licence = (repository / "hw/orbitfl_edge/LICENSE").read_text()
    assert "Apache License" in licence and "Version 2.0" in licence
    assert (bundle / "runtime/orbitfl_edge/LICENSE").read_text() == licence


def test_running_from_a_bundle_leaves_nothing_in_it(bundle: Path):
    environment = {**os.environ, "PYTHONPATH": str(bundle / "runtime")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    for command in (["verify"], ["verify", "--files-only"]):
        words = [sys.executable, "-P", "-B", "-m", "orbitfl_edge", *command, "--bundle", bundle]
        assert subprocess.run(words, env=environment, capture_output=True).returncode == 0
    assert not list(bundle.rglob("__pycache__"))
