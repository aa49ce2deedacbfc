"""Ground stations from files: our own keys in YAML, JSON or CSV, or a saved answer of SatNOGS."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orbitfl.errors import DataError, ScenarioError
from orbitfl.orbit.station import GroundStation
from orbitfl.orbit.text_file import finite, name_of, naming, read_text, shown
from orbitfl.orbit.yaml_texts import texts_of_yaml

LARGEST_BYTE = 16_000_000
LARGEST_YAML = 500_000  # YAML is read at some 100 kB a second
KEYS = ("name", "latitude_deg", "longitude_deg", "altitude_m", "mask_deg")
REQUIRED = KEYS[:3]
NOTHING = (None, "", "~", "null")
# network.satnogs.org/api/stations/?format=json
SATNOGS = {"lat": "latitude_deg", "lng": "longitude_deg", "altitude": "altitude_m", "min_horizon": "mask_deg"}


def read_stations(path: Path) -> tuple[GroundStation, ...]:
    """A list of stations with the keys of `ground_stations` in a scenario; .csv has them as its header.

    SatNOGS's names for the same are understood, and what else it says is passed over.
    Raises StorageError for a file that cannot be read, DataError for one that holds no stations.
    """
    text = read_text(path, LARGEST_BYTE)
    with naming(path):
        rows = _csv_rows(text) if path.suffix.lower() == ".csv" else _listed(text)
        if not rows:
            raise DataError("it lists no station; give at least one.")
        return tuple(_station(row, number) for number, row in enumerate(rows, start=1))


def _csv_rows(text: str) -> list[Mapping[str, Any]]:
    try:
        lines = io.StringIO(text.lstrip())
        rows = list(csv.DictReader(lines, strict=True, skipinitialspace=True, restkey="too many values"))
    except csv.Error as error:
        raise DataError(f"it is not a table ({error}); write the names of columns, then a line per station.") from error
    return [{key: value for key, value in row.items() if value not in (None, "")} for row in rows]


def _listed(text: str) -> Sequence[Any]:
    content = _from_json(text)
    if content is None and len(text) > LARGEST_YAML:
        raise DataError(f"it is YAML of more than {LARGEST_YAML} characters; write so many stations as CSV or JSON.")
    content = texts_of_yaml(text) if content is None else content
    if isinstance(content, Mapping) and set(content) == {"ground_stations"}:
        content = content["ground_stations"]
    if not isinstance(content, list):
        raise DataError("it holds no list; write one entry per station, each with name, latitude_deg, longitude_deg.")
    return content


def _from_json(text: str) -> Any:
    """None for what is not JSON, and most likely YAML: its lists may begin alike."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _station(row: Any, number: int) -> GroundStation:
    if not isinstance(row, Mapping):
        raise DataError(f"station {number} is not a set of keys; give {', '.join(REQUIRED)}.")
    foreign = "lat" in row
    named = {SATNOGS.get(key, key): value for key, value in row.items()} if foreign else dict(row)
    values = {key: value for key, value in named.items() if key in KEYS and value not in NOTHING}
    unknown = [str(key) for key in named if key not in KEYS and not foreign]
    missing = [key for key in REQUIRED if key not in values]
    if unknown or missing:
        wrong = f"has the key {shown(unknown[0])}" if unknown else f"lacks {missing[0]}"
        raise DataError(f"station {number} {wrong}; its keys are {', '.join(KEYS)}.")
    given = values.pop("name")
    # A whole number is a name whose quotes were forgotten in JSON.
    is_number = isinstance(given, int) and not isinstance(given, bool)
    name = name_of(str(given) if is_number else given, f"station {number}")
    numbers = {key: _number(value, key, name) for key, value in values.items()}
    try:
        return GroundStation(name=name, **numbers)
    except ScenarioError as error:
        raise DataError(str(error)) from error


def _number(value: Any, key: str, name: str) -> float:
    number = None if isinstance(value, bool) else finite(str(value).strip())
    if number is None:
        raise DataError(f"{key} of station {shown(name)} is {shown(value)}, but it must be a number.")
    return number
