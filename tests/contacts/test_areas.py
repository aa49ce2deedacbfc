"""Areas and the files they come from."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orbitfl.contacts.area_files import read_areas
from orbitfl.contacts.areas import Area, point
from orbitfl.errors import DataError, OrbitflError, ScenarioError, StorageError
from orbitfl.orbit.frames import geodetic_position

LIST_YAML = """
- {name: canoas, latitude_deg: -29.92, longitude_deg: -51.18}
- name: fiji
  south_deg: -18.5
  west_deg: 176.8
  north_deg: -1.6e+1
  east_deg: -179.5
"""
FIJI = Area(name="fiji", south_deg=-18.5, west_deg=176.8, north_deg=-16.0, east_deg=-179.5)
# RFC 7946, section 3.1.9: what crosses the antimeridian is cut there.
FIJI_PARTS = [
    [[[176.8, -18.5], [180, -18.5], [180, -16], [176.8, -16], [176.8, -18.5]]],
    [[[-180, -18], [-179.5, -18], [-179.5, -17, 20.0], [-180, -18]]],
]


def box(**changes: Any) -> Area:
    values: Any = {"name": "box", "south_deg": 10.0, "west_deg": 20.0, "north_deg": 12.0, "east_deg": 23.0}
    return Area(**{**values, **changes})


def collection(*features: Any) -> str:
    return json.dumps({"type": "FeatureCollection", "features": list(features)})


def feature(geometry: Any, **members: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": None, "geometry": geometry, **members}


def read(tmp_path: Path, text: str, name: str = "areas.geojson") -> tuple[Area, ...]:
    path = tmp_path / name
    path.write_text(text)
    return read_areas(path)


@pytest.mark.parametrize("spacing_km", [10.0, 33.0, 1000.0])
@pytest.mark.parametrize("area", [box(), FIJI, box(south_deg=70.0, north_deg=74.0, west_deg=-30.0, east_deg=-10.0)])
def test_points_are_nowhere_farther_apart_than_asked(area: Area, spacing_km: float):
    grid = area.points_deg(spacing_km)
    latitudes, longitudes = np.unique(grid[:, 0]), np.unique(grid[:, 1])
    assert min(len(latitudes), len(longitudes)) >= 3 and len(grid) == len(latitudes) * len(longitudes)
    ends = latitudes[0], latitudes[-1], longitudes[0], longitudes[-1] % 360
    assert ends == pytest.approx((area.south_deg, area.north_deg, area.west_deg, area.east_deg % 360))
    places_km = np.array([geodetic_position(row[0], row[1], 0.0) for row in grid.tolist()])
    places_km = places_km.reshape(len(latitudes), len(longitudes), 3)
    for axis in (0, 1):
        # A degree of latitude grows by a third of a percent beyond the equator's towards the poles.
        assert np.linalg.norm(np.diff(places_km, axis=axis), axis=-1).max() <= 1.004 * spacing_km


def test_a_point_is_one_point():
    assert point("x", 12.5, 200.0).points_deg(1.0).tolist() == [[12.5, 200.0]]
    assert FIJI.centre_deg == pytest.approx((-17.25, 178.65))
    assert box(west_deg=-180.0, east_deg=180.0).width_deg == 360


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": " "}, "name is empty"),
        ({"south_deg": -91.0}, "south_deg of area box is -91"),
        ({"north_deg": float("nan")}, "north_deg of area box is nan"),
        ({"west_deg": float("inf")}, "west_deg of area box is inf"),
        ({"east_deg": 361.0}, "east_deg of area box is 361"),
        ({"south_deg": 13.0}, "swap them"),
    ],
)
def test_impossible_areas_are_refused(changes: dict[str, Any], message: str):
    with pytest.raises(ScenarioError, match=message):
        box(**changes)


@pytest.mark.parametrize("name", ["areas.yaml", "areas.yml", "AREAS.YAML"])
def test_a_list_in_yaml(tmp_path: Path, name: str):
    assert read(tmp_path, LIST_YAML, name) == (point("canoas", -29.92, -51.18), FIJI)


def test_a_list_in_json(tmp_path: Path):
    entries = [
        {"name": "canoas", "latitude_deg": -29.92, "longitude_deg": -51.18},
        {"name": "fiji", "south_deg": -18.5, "west_deg": 176.8, "north_deg": -16, "east_deg": -179.5},
    ]
    assert read(tmp_path, json.dumps(entries), "areas.json") == (point("canoas", -29.92, -51.18), FIJI)


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        ({"type": "Point", "coordinates": [20.0, 10.0]}, (10, 20, 10, 20)),
        ({"type": "MultiPoint", "coordinates": [[179.0, 1.0], [-178.0, 2.0]]}, (1, 179, 2, -178)),
        ({"type": "LineString", "coordinates": [[20.0, 10.0], [23, 12, 300]]}, (10, 20, 12, 23)),
        ({"type": "Polygon", "coordinates": [[[-100, 0], [25, 0], [150, 0], [25, 9], [-100, 0]]]}, (0, -100, 9, 150)),
        ({"type": "Polygon", "coordinates": [[[179, 0], [181, 0], [181, 9], [179, 0]]]}, (0, 179, 9, 181)),
        ({"type": "Polygon", "coordinates": [[[-179, 0], [-181, 0], [-181, 9], [-179, 0]]]}, (0, 179, 9, -179)),
        ({"type": "Polygon", "coordinates": [[[-190, 0], [-185, 0], [-185, 9], [-190, 0]]]}, (0, 170, 9, 175)),
        ({"type": "Polygon", "coordinates": [[[-200, 0], [-60, 0], [20, 9], [-60, 9], [-200, 0]]]}, (0, 160, 9, 20)),
        ({"type": "Polygon", "coordinates": [[[-180, 60], [180, 60], [0, 80], [-180, 60]]]}, (60, -180, 80, 180)),
        ({"type": "MultiPolygon", "coordinates": FIJI_PARTS}, (-18.5, 176.8, -16, -179.5)),
        (
            {
                "type": "GeometryCollection",
                "geometries": [
                    {"type": "Point", "coordinates": [5, 5]},
                    {"type": "MultiLineString", "coordinates": [[[1, 2], [3, 4]], [[2, 7], [2, 8]]]},
                ],
            },
            (2, 1, 8, 5),
        ),
    ],
)
def test_geojson_features_give_their_bounding_boxes(tmp_path: Path, geometry: Any, expected: tuple[float, ...]):
    (area,) = read(tmp_path, json.dumps(feature(geometry)))
    assert (area.south_deg, area.west_deg, area.north_deg, area.east_deg) == expected
    assert area.name == "area-1"


def test_geojson_names_and_boxes_of_its_own(tmp_path: Path):
    here = {"type": "Point", "coordinates": [0, 0]}
    areas = read(
        tmp_path,
        collection(
            feature(here, properties={"name": "a"}, bbox=[170, -5, -170, 5]),
            feature(here, id=17, bbox=[1, 2, 0, 3, 4, 900]),
            feature(None, bbox=[1, 2, 3, 4]),
        ),
    )
    assert [area.name for area in areas] == ["a", "17", "area-3"]
    assert areas[0] == box(name="a", south_deg=-5, west_deg=170, north_deg=5, east_deg=-170)
    assert areas[1] == box(name="17", south_deg=2, west_deg=1, north_deg=4, east_deg=3)


HERE = {"type": "Point", "coordinates": [0, 0]}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("areas.txt", "", "ends in '.txt', but areas are read from .yaml"),
        ("areas.yaml", "", "neither a list"),
        ("areas.yaml", "[]", "No areas are given"),
        ("areas.yaml", "- &a {name: x}\n- *a", "aliases are not read here"),
        ("areas.yaml", "- !!python/object:os.system {name: x}", "needs name and either"),
        ("areas.yaml", '"\\UFFFFFFFF"', "not valid YAML"),
        ("areas.yaml", "[" * 5000, "not valid YAML"),
        ("areas.json", "[" * 100_000, "not valid JSON"),
        ("areas.yaml", "- {name: x, latitude_deg: .nan, longitude_deg: 0}", "latitude_deg of area x is '.nan'"),
        ("areas.yaml", "- {name: x, latitude_deg: [1], longitude_deg: 0}", "latitude_deg of area x is not a number"),
        ("areas.yaml", "- {name: x, latitude_deg: 1, longitude_deg: 0, mask: 3}", "area 1 has the keys"),
        ("areas.yaml", "- {name: [x], latitude_deg: 1, longitude_deg: 0}", "name of area 1 is not a text"),
        ("areas.yaml", '- {name: "x\\ny", latitude_deg: 1, longitude_deg: 0}', "a line of 1 to 100"),
        ("areas.yaml", "- {name: x, latitude_deg: 91, longitude_deg: 0}", "south_deg of area x is 91"),
        ("areas.yaml", 2 * "- {name: x, latitude_deg: 1, longitude_deg: 0}\n", "2 are called x"),
        ("areas.json", '[{"name": "x", "latitude_deg": NaN, "longitude_deg": 0}]', "'NaN', but it must be"),
        ("areas.json", '[{"name": "x", "latitude_deg": 1e999, "longitude_deg": 0}]', "must be a finite number"),
        ("areas.json", '[{"name": "x", "latitude_deg": true, "longitude_deg": 0}]', "is not a number"),
        ("areas.json", '{"type": "FeatureCollection"}', "`features` of the FeatureCollection"),
        ("areas.json", collection(5), "feature 1 is not a GeoJSON Feature"),
        ("areas.json", collection(feature(None)), "geometry of area-1 must be a GeoJSON geometry"),
        ("areas.json", collection(feature({"type": ["Point"]})), "must be a GeoJSON geometry"),
        ("areas.json", collection(feature({"type": "Polygon", "coordinates": [[]]})), "has no positions"),
        ("areas.json", collection(feature({"type": "Polygon", "coordinates": 3})), "not nested as its type asks"),
        ("areas.json", collection(feature({"type": "Point", "coordinates": [1]})), "list of longitude and latitude"),
        ("areas.json", collection(feature({"type": "Point", "coordinates": ["a", 1]})), "a longitude of area-1 is 'a'"),
        (
            "areas.json",
            collection(feature({"type": "Point", "coordinates": [0, 95]})),
            "south_deg of area area-1 is 95",
        ),
        (
            "areas.json",
            collection(feature({"type": "Polygon", "coordinates": [[[179, 0], [-179, 0], [-179, 9], [179, 0]]]})),
            "an edge from longitude 179 to -179",
        ),
        ("areas.yaml", "- {name: x, name: y, latitude_deg: 1, longitude_deg: 0}", "a key is given twice"),
        ("areas.json", collection(feature(HERE, bbox=[1, 2])), "bbox of area-1 must be a list"),
        ("areas.json", collection(feature(HERE, bbox=[1, 2, 3, None])), "bbox of area-1 is not a number"),
    ],
)
def test_files_that_hold_no_areas_are_refused(tmp_path: Path, name: str, text: str, message: str):
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, text, name)
    assert str(caught.value).startswith(str(tmp_path / name)) and len(str(caught.value)) < 600


def test_files_that_are_missing_or_large_or_no_text_are_refused(tmp_path: Path):
    with pytest.raises(StorageError, match="could not be read"):
        read_areas(tmp_path / "none.yaml")
    with pytest.raises(DataError, match="larger than 1000000 bytes"):
        read(tmp_path, "#" * 1_000_001, "areas.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"- {name: \xe9}")
    with pytest.raises(DataError, match="not UTF-8"):
        read_areas(tmp_path / "latin.yaml")


ODD = [
    "",
    "\x00",
    "nan",
    "1e999",
    "9" * 5000,
    "[",
    "]",
    "{",
    "}",
    '"',
    "\\uD800",
    "*a",
    "&a ",
    "!!int ",
    "null",
    "<<: ",
]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), original=st.sampled_from([("a.yaml", LIST_YAML), ("a.json", collection(feature(HERE, id=1)))]))
def test_whatever_a_file_holds_it_is_read_or_refused(tmp_path: Path, data: st.DataObject, original: tuple[str, str]):
    name, text = original
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        filling = data.draw(st.sampled_from(ODD) | st.text(max_size=5))
        text = text[:start] + filling + text[start + data.draw(st.integers(0, 20)) :]
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        read_areas(path)
    except OrbitflError as error:
        assert str(error).startswith(str(path)) and len(str(error)) < 1500 and str(error).isprintable()
