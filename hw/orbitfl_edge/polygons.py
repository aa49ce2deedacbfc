"""Water as polygons: GeoJSON (RFC 7946), so longitude and latitude on WGS 84, cut at the antimeridian."""

import json
from collections.abc import Iterable, Iterator
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.features import shapes
from rasterio.io import DatasetReader
from rasterio.warp import transform

from orbitfl_edge.files import replacing
from orbitfl_edge.meridian import PER_DEGREE, Polygon, Ring, parts
from orbitfl_edge.problems import EdgeError
from orbitfl_edge.scene import GDAL_ERRORS
from orbitfl_edge.segmenting import WATER

WGS_84 = "EPSG:4326"
EDGES = 64
"""As many at least has a side as long as the scene: straight there, it is not straight in longitude and latitude."""
POINTS_AT_A_TIME = 2**16
POLE, ROUNDING = 90, 0.5 / PER_DEGREE

Outline = list[tuple[float, float]]
"""A closed ring in the scene's coordinate system."""


def require_place(path: Path, file: DatasetReader) -> None:
    """Raises EdgeError unless pixels of the scene at `path` have sides, and some a longitude and a latitude."""
    if file.crs is None:
        raise EdgeError(
            f"{path} has no coordinate system to place polygons in; leave out --vector, or warp the scene first, such "
            "as by gdalwarp, where it has control points."
        )
    if not file.transform.a or not file.transform.e:
        raise EdgeError(
            f"{path} has pixels of {abs(file.transform.a):g} × {abs(file.transform.e):g} in its coordinate system, "
            "which bound no polygon; give the scene its true place, or leave out --vector."
        )
    spots = [file.xy(file.height * down / 2, file.width * across / 2) for across in range(3) for down in range(3)]
    if not any(_is_on_earth(file.crs, spot) for spot in spots):
        raise EdgeError(
            f"{path} has a coordinate system that cannot be taken to longitude and latitude; leave out --vector."
        )


def _is_on_earth(crs: CRS, spot: tuple[float, float]) -> bool:
    try:
        return bool(np.isfinite(_degrees(crs, [spot])).all())
    except GDAL_ERRORS:
        return False


def _degrees(crs: CRS, points: Outline) -> NDArray[np.float64]:
    """Points of a coordinate system → longitude and latitude (n, 2); not finite beyond the poles, where PROJ takes
    degrees for what they are told to be."""
    x, y = zip(*points, strict=True)
    degrees = np.array(transform(crs, WGS_84, x, y)).T
    return np.where(np.abs(degrees[:, 1:]) > POLE + ROUNDING, np.nan, degrees)


def write_polygons(path: Path, mask: Path) -> int:
    """The water of a mask as GeoJSON; returns how many features there are.

    mask: a GeoTIFF, which is read line by line: memory grows with the outlines, not with the pixels.
    Raises EdgeError where water has no place on Earth, PlaceError where it cannot be written.
    """
    count = 0
    with (
        rasterio.open(mask, driver="GTiff") as file,
        replacing(path) as beside,
        beside.open("w", encoding="ascii") as out,
    ):
        out.write('{"type": "FeatureCollection", "features": [')
        for count, polygon in enumerate(_placed(file), 1):
            out.write("\n" if count == 1 else ",\n")
            out.write(json.dumps({"type": "Feature", "properties": {"class": "water"}, "geometry": _geometry(polygon)}))
        out.write("\n]}\n")
    return count


def _placed(file: DatasetReader) -> Iterator[Polygon]:
    band = rasterio.band(file, 1)
    # The mask is its own mask, since land is 0. Pixels that touch at a corner alone are apart: an outline around both
    # would touch itself, which makes a polygon invalid.
    found = shapes(band, mask=band, connectivity=4)
    outlines = (geometry["coordinates"] for geometry, value in found if value == WATER)
    longest = max(abs(file.transform.a) * file.width, abs(file.transform.e) * file.height) / EDGES
    for some in _portions([_dense(ring, longest) for ring in outline] for outline in outlines):
        yield from _on_earth(file.crs, some)


def _portions(polygons: Iterable[list[Outline]]) -> Iterator[list[list[Outline]]]:
    some, points = [], 0
    for polygon in polygons:
        some.append(polygon)
        points += sum(map(len, polygon))
        if points >= POINTS_AT_A_TIME:
            yield some
            some, points = [], 0
    if some:
        yield some


def _dense(ring: Outline, longest: float) -> Outline:
    """With no edge longer than `longest`."""
    dense = [ring[0]]
    for (x, y), (next_x, next_y) in pairwise(ring):
        steps = ceil(max(abs(next_x - x), abs(next_y - y)) / longest)
        dense += [(x + (next_x - x) * k / steps, y + (next_y - y) * k / steps) for k in range(1, steps)]
        dense.append((next_x, next_y))
    return dense


def _on_earth(crs: CRS, polygons: list[list[Outline]]) -> Iterator[Polygon]:
    """Polygons of a coordinate system → in longitude and latitude."""
    try:
        degrees = _degrees(crs, [point for polygon in polygons for ring in polygon for point in ring])
    except GDAL_ERRORS:
        degrees = np.array([[np.nan, np.nan]])
    if not np.isfinite(degrees).all():
        raise EdgeError(
            "Some water lies where the scene's coordinate system has no longitude and latitude; write nodata into the "
            "pixels beside the Earth, or leave out --vector."
        )
    points = iter(map(tuple, np.rint(degrees * PER_DEGREE).astype(np.int64).tolist()))
    for polygon in polygons:
        yield [[next(points) for _ in ring] for ring in polygon]


def _geometry(polygon: Polygon) -> dict[str, Any]:
    found = [[_in_degrees(ring) for ring in part] for part in parts(polygon)]
    if len(found) == 1:
        return {"type": "Polygon", "coordinates": found[0]}
    return {"type": "MultiPolygon", "coordinates": found}


def _in_degrees(ring: Ring) -> list[tuple[float, float]]:
    return [(longitude / PER_DEGREE, latitude / PER_DEGREE) for longitude, latitude in ring]
