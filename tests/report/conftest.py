"""A mission of an hour, run once, with a ground station whose name would like to be markup."""

from pathlib import Path

import pytest

import orbitfl
from orbitfl.experiment.result import RunResult

HOSTILE = "</script><img src=x onerror=alert(1)>"
STATIONS = f"ground_stations=[{{name: '{HOSTILE}', latitude_deg: 78.9, longitude_deg: 11.9}}]"
LESS = ("exchange.controls=[isolated]", "environment={kind: battery}", STATIONS)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, repository: Path, tiny: tuple[str, ...], cache: Path) -> Path:
    scenario = orbitfl.load(repository / "constellations/first_light.yaml", [*tiny, *LESS])
    path = tmp_path_factory.mktemp("report") / "run"
    orbitfl.run(scenario, path)
    return path


@pytest.fixture(scope="session")
def result(folder: Path) -> RunResult:
    return RunResult.from_folder(folder)
