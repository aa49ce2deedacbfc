"""The JSON schema, judged by a validator of another house, against what the reader takes."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from orbitfl.errors import ScenarioError
from orbitfl.scenario import load, load_mission, resolved_yaml, yaml_text
from orbitfl.scenario.descriptions import described
from orbitfl.scenario.exchange import Transfer
from orbitfl.scenario.json_schema import json_schema
from orbitfl.scenario.key_reference import markdown

SHIPPED = sorted((Path(__file__).parents[2] / "constellations").glob("*.yaml"))


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json_schema()


@pytest.fixture(scope="module")
def validator(schema: dict[str, Any]) -> Draft202012Validator:
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.fixture(autouse=True)
def data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ORBITFL_DATA", str(tmp_path))


def as_json(text: str) -> Any:
    """YAML as an editor sees it, where a time is a text."""
    return json.loads(json.dumps(yaml_text.parse(text, "text"), default=datetime.isoformat))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios_are_valid_as_written_and_resolved(validator: Draft202012Validator, path: Path):
    for text in (path.read_text(encoding="utf-8"), resolved_yaml(load_mission(path))):
        assert [error.message for error in validator.iter_errors(as_json(text))] == []


WRONG = (
    "sead=1",
    "duration_s=long",
    "constellation.total=8.5",
    "constellation.kind=ring",
    "constellation={total: 8, planes: 1, phasing: 0, altitude_km: 700, inclination_deg: 98}",
    "environment.bus=3",
    "environment.batery_j=3",
    "links.isl.rate=3",
    "bus=unibap_ix10",
    "compute=3",
    "exchange.strategy.kind=gosip",
    "exchange.controls=[alone]",
    "evaluation={every_s: 900}",
    "model.trainable=encoder",
    "data.partition.alpha=0.3",
    "ground_stations=[{name: pole}]",
)
RIGHT = (
    "environment.bus=cubesat_6u",
    "links.isl={kind: terminal, profile: s_band_isl}",
    "links.ground=null",
    "data.partition={kind: dirichlet, alpha: 0.3}",
    "exchange.strategy={kind: fedavg}",
    "duration_s=7200",
    "faults.stragglers={walker-1: 2.0}",
)


@pytest.mark.parametrize("override", [*WRONG, *RIGHT])
def test_it_judges_as_the_reader_does(validator: Draft202012Validator, repository: Path, tmp_path: Path, override: str):
    path = repository / "constellations/first_light.yaml"
    key, _, value = override.partition("=")
    document = as_json(path.read_text(encoding="utf-8"))
    place, (*parents, last) = document, key.split(".")
    for parent in parents:
        place = place.setdefault(parent, {})
    place[last] = as_json(f"value: {value}")["value"]
    assert validator.is_valid(document) == (override in RIGHT)
    try:
        load(path, [override])
    except ScenarioError:
        assert override in WRONG
    else:
        assert override in RIGHT


def test_every_key_of_a_scenario_and_most_of_their_components_are_described(schema: dict[str, Any]):
    keys = {name: key for name, key in schema["properties"].items() if "description" in key}
    assert keys.keys() == schema["properties"].keys()
    parts = [(name, key) for part in schema["$defs"].values() for name, key in part.get("properties", {}).items()]
    told = ["description" in key for name, key in parts if name != "kind"]
    assert sum(told) > 0.75 * len(told)


def test_descriptions_come_from_docstrings_and_fall_back_on_units():
    told = described(Transfer)
    assert told["keep_s"] == "a message that old is written anew."
    assert told["loss"].startswith("the share of chunks") and "relays" not in told["loss"]


def test_the_page_of_keys_is_what_the_code_says(repository: Path, schema: dict[str, Any]):
    page = (repository / "docs/scenario.md").read_text(encoding="utf-8")
    assert page == markdown(), "run: orbitfl schema --markdown > docs/scenario.md"
    links = set(re.findall(r"\]\(#(\w+)\)", page))
    assert links <= {name.lower() for name in re.findall(r"^## (\w+)$", page, re.M)}
    for part in [schema, *schema["$defs"].values()]:
        assert all(f"| `{key}` |" in page for key in part.get("properties", {}))
