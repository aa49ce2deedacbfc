"""The JSON schema, judged by a validator of another house, against what the reader takes."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from orbitfl.contacts.areas import Area
from orbitfl.contacts.links import LinkBudget
from orbitfl.environment.battery import Battery
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


def test_every_key_has_a_whole_sentence_of_its_own(schema: dict[str, Any]):
    """Only the kind that a section is about says nothing more."""
    for name, part in {"scenario": schema, **schema["$defs"]}.items():
        keys = {key: value for key, value in part.get("properties", {}).items() if "const" not in value}
        assert all("description" in value for value in keys.values()), name
        told = {key: value["description"] for key, value in keys.items()}
        assert [key for key, text in told.items() if not is_whole(text, told)] == [], name
        for text, times in Counter(told.values()).items():
            sharing = ", ".join(key for key in told if told[key] == text)
            assert times == 1 or f"{sharing}: " in " ".join(part["description"].split()), f"{name}: {sharing}"


def is_whole(text: str, keys: Iterable[str]) -> bool:
    """From a capital or a quotation to a full stop, nothing left open, and no other key's entry within."""
    pairs = all(text.count(first) == text.count(last) for first, last in ("()", "[]", "{}"))
    closed = all(text.count(mark) % 2 == 0 for mark in ('"', "`"))
    entry = re.search(rf"(?:^|[.;] )`?(?:{'|'.join(keys)})`?: ", text)
    return pairs and closed and entry is None and re.fullmatch(r"[A-Z\"`].*\w[\"`)]*\.", text) is not None


@pytest.mark.parametrize(
    ("component", "key", "text"),
    [
        (Transfer, "keep_s", "A message that old is written anew."),
        (Transfer, "loss", "The share of chunks that do not get through and are sent again."),
        (Area, "west_deg", "The longitude of its western edge."),
        (LinkBudget, "margin_db", "What is kept unused."),
        (Battery, "charging_w", "What the panels give in sunlight, whatever their angle to it."),
    ],
)
def test_descriptions_come_from_docstrings(component: type, key: str, text: str):
    assert described(component)[key] == text


@dataclass
class Kettle:
    """It boils: water, mostly.

    size: how much it holds, compared with this: nothing. A small size: it boils soon. fill, heat_w: as in a pot (of
    size: any; never mind).

    What follows says nothing of heat_w.
    lid: whether it
    has one.
    Raises ValueError: size is negative.
    """

    size: int
    fill: int
    heat_w: float
    lid: bool
    spout: bool


@dataclass
class Samovar(Kettle):
    """It stands about. lid: a little crown."""

    tap: str


def test_only_a_key_at_the_start_of_a_sentence_is_explained():
    assert described(Kettle) == {
        "size": "How much it holds, compared with this: nothing. A small size: it boils soon.",
        "fill": "As in a pot (of size: any; never mind).",
        "heat_w": "As in a pot (of size: any; never mind).",
        "lid": "Whether it has one.",
    }


def test_a_dataclass_says_more_of_the_keys_of_the_one_it_extends():
    assert described(Samovar) == described(Kettle) | {"lid": "A little crown."}


def test_the_page_of_keys_is_what_the_code_says(repository: Path, schema: dict[str, Any]):
    page = (repository / "docs/scenario.md").read_text(encoding="utf-8")
    assert page == markdown(), "run: orbitfl schema --markdown > docs/scenario.md"
    links = set(re.findall(r"\]\(#(\w+)\)", page))
    assert links <= {name.lower() for name in re.findall(r"^## (\w+)$", page, re.M)}
    for part in [schema, *schema["$defs"].values()]:
        assert all(f"| `{key}` |" in page for key in part.get("properties", {}))
