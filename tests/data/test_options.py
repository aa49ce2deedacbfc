"""Data sets as scenario components."""

import json
import subprocess
import sys

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from orbitfl.data.options import FolderData, SyntheticData
from orbitfl.data.partition import Dirichlet
from orbitfl.errors import DataError


def test_options_load_no_reader_of_images() -> None:
    """Scenarios import the options, and may load neither rasterio nor torch."""
    code = "import sys, orbitfl.data.options; print({'rasterio', 'torch', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scenes": 0}, "scenes is 0; choose a number from 1"),
        ({"size_px": 10**6}, "size_px is 1000000"),
        ({"seed": -1}, "seed is -1"),
        ({"tile_px": 8}, "tile_px is 8"),
        ({"tile_px": 1_000_000}, "tile_px is 1000000"),
        ({"bands": ("B04",)}, "bands names 1 bands; name three"),
    ],
)
def test_impossible_options(wrong: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        SyntheticData(**wrong)


class Scenario(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    data: FolderData | SyntheticData


def test_a_scenario_validates_to_these_components() -> None:
    """What pydantic makes of a scenario: unknown keys and wrong types are refused, nested ones too."""
    partition = {"kind": "dirichlet", "alpha": 0.5}
    scenario = Scenario.model_validate_json(json.dumps({"data": {"path": "x", "partition": partition}}))
    assert scenario.data == FolderData(path="x", partition=Dirichlet(alpha=0.5))
    assert Scenario.model_validate_json('{"data": {"kind": "synthetic"}}').data == SyntheticData()


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": "x", "tile": 256},
        {"path": 3},
        {"path": "x", "rule": "some"},
        {"path": "x", "kind": "synthetic"},
        {"path": "x", "partition": {"kind": "dirichlet", "beta": 1.0}},
        {"path": "x", "partition": {"kind": "dirichlet", "alpha": -1.0}},
        {"kind": "synthetic", "scenes": "2"},
    ],
)
def test_a_scenario_refuses_what_these_components_are_not(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        Scenario.model_validate_json(json.dumps({"data": wrong}))


@pytest.mark.parametrize("bands", ['"swir"', '["NDWI", "B04", "B03"]'])
def test_bands_stay_as_they_were_asked_for(bands: str) -> None:
    scenario = Scenario.model_validate_json(f'{{"data": {{"path": "x", "bands": {bands}}}}}')
    assert json.loads(scenario.model_dump_json())["data"]["bands"] == json.loads(bands)


@pytest.mark.parametrize("bands", ["3", "null", '["B04", 3, "B02"]', '{"B04": 1}', '["B04"]', '"red"'])
def test_a_complaint_about_bands_names_the_composites(bands: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Scenario.model_validate_json(f'{{"data": {{"path": "x", "kind": "folder", "bands": {bands}}}}}')
    first = refused.value.errors()[0]
    assert first["loc"][-1] == "bands" and "true_color, false_color, swir" in first["msg"]
