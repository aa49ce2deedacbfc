"""Areas from files: lists in YAML or JSON, and GeoJSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from orbitfl.contacts.areas import Area, point, require_areas
from orbitfl.errors import DataError, OrbitflError
from orbitfl.orbit.text_file import finite, name_of, read_text, shown
from orbitfl.orbit.yaml_texts import texts_of_yaml

LARGEST_YAML_BYTE = 1_000_000
LARGEST_JSON_BYTE = 32_000_000
# How deep the lists of positions lie in `coordinates` (RFC 7946, section 3.1).
DEPTHS: Mapping[str, int] = MappingProxyType(
    {
        "Point": 0,
        "MultiPoint": 1,
        "LineString": 1,
        "MultiLineString": 2,
        "Polygon": 2,
        "MultiPolygon": 3,
    }
)
BOX = ("south_deg", "west_deg", "north_deg", "east_deg")
PLACE = ("latitude_deg", "longitude_deg")


def read_areas(path: Path) -> tuple[Area, ...]:
    """The areas of a file, by its ending: .yaml, .yml, .json or .geojson.

    A list holds mappings of `name` and either `latitude_deg` and `longitude_deg` or `south_deg`, `west_deg`,
    `north_deg` and `east_deg`. Of GeoJSON (RFC 7946) every feature gives its bounding box and is called by its
    property `name`, by its `id`, or by its number.
    Raises StorageError for a file that cannot be read, DataError for one that holds anything else.
    """
    if path.suffix.lower() not in READERS:
        raise DataError(f"{path} ends in {shown(path.suffix)}, but areas are read from {', '.join(READERS)}.")
    text = read_text(path, LARGEST_YAML_BYTE if path.suffix.lower() in (".yaml", ".yml") else LARGEST_JSON_BYTE)
    try:
        areas = _areas(READERS[path.suffix.lower()](text))
        require_areas(areas)
    except OrbitflError as error:
        raise DataError(f"{path}: {error}") from error
    return areas


def _from_json(text: str) -> Any:
    """Numbers stay texts, as in YAML, so that one reading of them serves both."""
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise DataError(f"this is not valid JSON: {shown(str(error))}. Mend it.") from error


READERS: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {".yaml": texts_of_yaml, ".yml": texts_of_yaml, ".json": _from_json, ".geojson": _from_json}
)


def _areas(document: Any) -> tuple[Area, ...]:
    if isinstance(document, list):
        return tuple(_listed(entry, number) for number, entry in enumerate(document, start=1))
    if isinstance(document, dict) and document.get("type") == "FeatureCollection":
        features = document.get("features")
        if not isinstance(features, list):
            raise DataError("`features` of the FeatureCollection is missing or no list; add it.")
        return tuple(_of_feature(feature, number) for number, feature in enumerate(features, start=1))
    if isinstance(document, dict) and document.get("type") == "Feature":
        return (_of_feature(document, 1),)
    raise DataError("neither a list of areas nor a GeoJSON Feature or FeatureCollection was found; write one of them.")


def _listed(entry: Any, number: int) -> Area:
    keys = set(entry) if isinstance(entry, dict) else set()
    if keys not in ({"name", *BOX}, {"name", *PLACE}):
        given = ", ".join(shown(str(key)) for key in sorted(keys, key=str)[:8]) or "none"
        raise DataError(
            f"area {number} has the keys {given}, but it needs name and either {', '.join(PLACE)} or {', '.join(BOX)}."
        )
    name = name_of(entry["name"], f"area {number}")
    values = {key: _number(entry[key], f"{key} of area {name}") for key in keys - {"name"}}
    return point(name, **values) if "latitude_deg" in keys else Area(name=name, **values)


def _of_feature(feature: Any, number: int) -> Area:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise DataError(f"feature {number} is not a GeoJSON Feature; mend or remove it.")
    properties = feature.get("properties")
    given = properties.get("name") if isinstance(properties, dict) else None
    named = given if given is not None else feature.get("id")
    name = f"area-{number}" if named is None else name_of(named, f"area {number}")
    bbox = feature.get("bbox")
    west, south, east, north = _bounds(feature.get("geometry"), name) if bbox is None else _bbox(bbox, name)
    return Area(name=name, south_deg=south, west_deg=west, north_deg=north, east_deg=east)


def _number(given: Any, what: str) -> float:
    value = finite(given) if isinstance(given, str) else None
    if value is None:
        written = shown(given) if isinstance(given, str) else "not a number"
        raise DataError(f"{what} is {written}, but it must be a finite number.")
    return value


def _bbox(bbox: Any, name: str) -> tuple[float, float, float, float]:
    """West, south, east, north of an RFC 7946 section 5 bounding box; heights are left out."""
    if not isinstance(bbox, list) or len(bbox) not in (4, 6):
        raise DataError(f"bbox of {name} must be a list of 4 or 6 numbers; mend it or leave it out.")
    values = [_number(value, f"bbox of {name}") for value in bbox]
    half = len(values) // 2
    return values[0], values[1], values[half], values[half + 1]


def _bounds(geometry: Any, name: str) -> tuple[float, float, float, float]:
    """West, south, east, north of a geometry, over the antimeridian if that makes the narrower box."""
    lines = list(_lines(geometry, name))
    if not any(lines):
        raise DataError(f"geometry of {name} has no positions; add some or remove it.")
    _require_short_edges(lines, name)
    latitudes = [latitude for line in lines for _, latitude in line]
    spans = [(min(x for x, _ in line), max(x for x, _ in line)) for line in lines if line]
    west, east = _from_minus_180(*_around(spans))
    return west, min(latitudes), east, max(latitudes)


def _from_minus_180(west: float, east: float) -> tuple[float, float]:
    """The same meridians where longitudes were counted on westward, below −180."""
    if east - west >= 360:
        return west, east
    return west + 360 * (west < -180), east + 360 * (east < -180)


def _require_short_edges(lines: list[list[tuple[float, float]]], name: str) -> None:
    """An edge of more than half the Earth and less than all of it most often means the short way around."""
    for line in lines:
        for (west, _), (east, _) in pairwise(line):
            if 180 < abs(east - west) < 360:
                raise DataError(
                    f"geometry of {name} has an edge from longitude {west:g} to {east:g}; if it crosses the "
                    "antimeridian, cut it there or count on beyond 180, and if not, put a position between."
                )


def _around(spans: list[tuple[float, float]]) -> tuple[float, float]:
    """Where the widest stretch of longitudes that no span covers ends, and where it begins."""
    ordered = sorted(spans)
    west, reached = ordered[0][0], ordered[0][1]
    gaps = []
    for start, end in ordered[1:]:
        gaps.append((start - reached, start, reached))
        reached = max(reached, end)
    gaps.append((360 - (reached - west), west, reached))
    _, west, east = max(gaps)
    return west, east


def _lines(geometry: Any, name: str) -> Iterator[list[tuple[float, float]]]:
    """The longitudes and latitudes of every line, ring or group of points."""
    if isinstance(geometry, dict) and geometry.get("type") == "GeometryCollection":
        members = geometry.get("geometries")
        for member in members if isinstance(members, list) else [None]:
            yield from _simple_lines(member, name)
    else:
        yield from _simple_lines(geometry, name)


def _simple_lines(geometry: Any, name: str) -> Iterator[list[tuple[float, float]]]:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(kind, str) or kind not in DEPTHS:
        raise DataError(f"geometry of {name} must be a GeoJSON geometry: {', '.join(DEPTHS)}; mend or remove it.")
    groups = [geometry.get("coordinates")]
    for _ in range(DEPTHS[kind] - 1):
        groups = [member for group in groups for member in _list(group, name)]
    for group in groups:
        if kind == "Point":
            yield [_position(group, name)]
        elif kind == "MultiPoint":
            yield from ([_position(each, name)] for each in _list(group, name))
        else:
            yield [_position(each, name) for each in _list(group, name)]


def _list(given: Any, name: str) -> list[Any]:
    if not isinstance(given, list):
        raise DataError(f"coordinates of {name} are not nested as its type asks; mend them.")
    return given


def _position(given: Any, name: str) -> tuple[float, float]:
    if not isinstance(given, list) or not 2 <= len(given) <= 4:
        raise DataError(f"a position of {name} must be a list of longitude and latitude; mend it.")
    return _number(given[0], f"a longitude of {name}"), _number(given[1], f"a latitude of {name}")
