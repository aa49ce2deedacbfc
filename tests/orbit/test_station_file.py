"""Files of ground stations: ours, SatNOGS's, and what is neither."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orbitfl.errors import DataError, StorageError
from orbitfl.orbit.station import GroundStation
from orbitfl.orbit.station_file import read_stations

KIRUNA = GroundStation(name="kiruna", latitude_deg=67.86, longitude_deg=20.96, altitude_m=390.0, mask_deg=10.0)
PERTH = GroundStation(name="perth", latitude_deg=-31.8, longitude_deg=115.9)

YAML = """
- {name: kiruna, latitude_deg: 67.86, longitude_deg: 20.96, altitude_m: 390, mask_deg: 10}
- {name: perth, latitude_deg: -31.8, longitude_deg: 115.9}
"""
FLOW = """[{name: kiruna, latitude_deg: 67.86, longitude_deg: 20.96, altitude_m: 390, mask_deg: 10},
 {name: perth, latitude_deg: -31.8, longitude_deg: 115.9, altitude_m: null, mask_deg: ~}]
"""
CSV = "name,longitude_deg,latitude_deg,altitude_m,mask_deg\nkiruna,20.96,67.86,390,10\nperth,115.9,-31.8,,\n"
SATNOGS = [
    {"id": 6, "name": "kiruna", "altitude": 390, "min_horizon": 10, "lat": 67.86, "lng": 20.96, "status": "Online"},
    {"id": 7, "name": "perth", "lat": -31.8, "lng": 115.9, "antenna": [{"band": "UHF"}]},
]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", YAML),
        ("a.yaml", "ground_stations:" + YAML),
        ("a.yaml", FLOW),
        ("a.csv", CSV),
        ("a.csv", CSV.replace(",", ", ")),
        ("a.csv", "\n \t\r\n" + CSV.replace("\n", "\r\n")),
        ("a.json", json.dumps(SATNOGS)),
        ("a.json", json.dumps({"ground_stations": SATNOGS})),
    ],
)
def test_every_form_says_the_same(tmp_path: Path, name: str, text: str):
    (tmp_path / name).write_text(text)
    assert read_stations(tmp_path / name) == (KIRUNA, PERTH)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.yaml", "[]", "lists no station"),
        ("a.csv", "name,latitude_deg,longitude_deg\n", "lists no station"),
        ("a.yaml", "kiruna", "holds no list"),
        ("a.yaml", "- kiruna", "station 1 is not a set of keys"),
        ("a.yaml", "- {name: a, latitude_deg: 1}", "station 1 lacks longitude_deg"),
        ("a.yaml", "- {name: a, latitude_deg: 1, longitude_deg: 2, mask: 5}", "station 1 has the key 'mask'"),
        ("a.yaml", "- {name: a, latitude_deg: 91, longitude_deg: 2}", "latitude_deg is 91.0 at station a"),
        ("a.yaml", "- {name: a, latitude_deg: 1, longitude_deg: 2, mask_deg: 95}", "mask_deg is 95.0 at station a"),
        ("a.yaml", "- {name: a, latitude_deg: .nan, longitude_deg: 2}", "latitude_deg of station 'a' is '.nan'"),
        ("a.yaml", "- {name: a, latitude_deg: 1:30, longitude_deg: 2}", "latitude_deg of station 'a' is '1:30'"),
        ("a.yaml", "- {name: a, latitude_deg: 1, latitude_deg: 2, longitude_deg: 2}", "a key is given twice"),
        ("a.yaml", "- &a {name: a, latitude_deg: 1, longitude_deg: 2}\n- *a", "aliases are not read here"),
        ("a.yaml", "- {name: a, latitude_deg: true, longitude_deg: 2}", "must be a number"),
        ("a.yaml", "- {name: [a], latitude_deg: 1, longitude_deg: 2}", "name of station 1 is not a text"),
        (
            "a.yaml",
            '- {name: " ", latitude_deg: 1, longitude_deg: 2}',
            "name of station 1 is ' ', but it must be a line",
        ),
        ("a.yaml", '- {name: "a\\nb", latitude_deg: 1, longitude_deg: 2}', "name of station 1 is 'a\\nb'"),
        ("a.json", '[{"name": true, "latitude_deg": 1, "longitude_deg": 2}]', "name of station 1 is not a text"),
        ("a.json", '[{"name": {"a": 1}, "latitude_deg": 1, "longitude_deg": 2}]', "name of station 1 is not a text"),
        ("a.json", '[{"name": 1.5, "latitude_deg": 1, "longitude_deg": 2}]', "name of station 1 is not a text"),
        ("a.csv", f"name,latitude_deg,longitude_deg\n{'a' * 101},1,2\n", "it must be a line of 1 to 100 characters"),
        ("a.csv", 'name,latitude_deg\n"a', "not a table"),
        ("a.json", "[[[", "not valid YAML"),
        ("a.yaml", "# " + "x" * 600_000, "YAML of more than"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, text: str, told: str):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=f"{name}: ") as error:
        read_stations(tmp_path / name)
    assert told in str(error.value)


def test_names_stay_as_they_are_written(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("- {name: NO, latitude_deg: 1, longitude_deg: 2}")
    assert read_stations(tmp_path / "a.yaml")[0].name == "NO"


def test_a_whole_number_is_a_name(tmp_path: Path):
    (tmp_path / "a.json").write_text('[{"name": 7, "latitude_deg": 1, "longitude_deg": 2}]')
    assert read_stations(tmp_path / "a.json")[0].name == "7"


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(StorageError, match="could not be read"):
        read_stations(tmp_path / "none.yaml")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([("a.yaml", YAML), ("a.csv", CSV), ("a.json", json.dumps(SATNOGS))]),
    st.integers(0, 400),
    st.binary(max_size=6),
)
def test_no_bytes_raise_anything_else(tmp_path: Path, form: tuple[str, str], place: int, inserted: bytes):
    name, text = form
    content = text.encode()
    path = tmp_path / name
    path.write_bytes(content[:place] + inserted + content[place + 2 :])
    try:
        stations = read_stations(path)
    except DataError as error:
        assert str(path) in str(error)
    else:
        assert all(isinstance(station, GroundStation) for station in stations)
