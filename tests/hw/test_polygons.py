"""Water as polygons, against the pixels that they are drawn from."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.warp
from numpy.typing import NDArray
from orbitfl_edge import segmenting
from orbitfl_edge.polygons import write_polygons
from orbitfl_edge.problems import EdgeError
from rasterio import Affine
from rasterio.crs import CRS

Write = Callable[..., Path]
Ring = list[list[float]]

LOCAL = CRS.from_wkt('LOCAL_CS["a bench",UNIT["metre",1]]')
ROUND = "+proj=geos +h=35785831 +lon_0=0 +sweep=y +datum=WGS84"
UTM_60_PLACE = Affine(500, 0, 812_000, 0, -500, 8_127_000)

PLACES: dict[str, tuple[str, Affine]] = {
    "north up": ("EPSG:32720", Affine(10, 0, 600_000, 0, -10, 6_800_000)),
    "south up": ("EPSG:32720", Affine(10, 0, 600_000, 0, 10, 6_800_000)),
    "mirrored": ("EPSG:32720", Affine(-10, 0, 600_000, 0, -10, 6_800_000)),
    "degrees": ("EPSG:4326", Affine(0.01, 0, 11, 0, -0.01, 60)),
}
PLACES_ACROSS: dict[str, tuple[str, Affine]] = {
    "UTM 60": ("EPSG:32760", UTM_60_PLACE),
    "UTM 60, south up": ("EPSG:32760", UTM_60_PLACE @ Affine(1, 0, 0, 0, -1, 0)),
    "degrees beyond 180": ("EPSG:4326", Affine(0.01, 0, 179.8, 0, -0.01, 60)),
    "degrees below -180": ("EPSG:4326", Affine(0.02, 0, -180.5, 0, -0.01, 60)),
    "from 0 to 360": ("EPSG:4326", Affine(9, 0, 0, 0, -4, 80)),
    "corners at 180": ("EPSG:4326", Affine(0.125, 0, 178, 0, -0.125, 60)),
    "Arctic": ("EPSG:3413", Affine(1000, 0, -1_170_000, 0, -1000, 1_195_000)),
    "Antarctic": ("EPSG:3031", Affine(1000, 0, -20_300, 0, -1000, -1_900_000)),
    "North Pole": ("EPSG:3413", Affine(1000, 0, -20_300, 0, -1000, 20_700)),
    "South Pole": ("EPSG:3031", Affine(1000, 0, -20_300, 0, -1000, 20_700)),
}


def _water(seed: int) -> NDArray[np.uint8]:
    """(40, 40) with everything that outlines can be: specks, islands, lakes in islands, and what is not known."""
    rng = np.random.default_rng(seed)
    coarse = np.kron(rng.integers(0, 2, (10, 10)), np.ones((4, 4), int))
    mask = np.where(rng.random((40, 40)) < 0.8, coarse, 1 - coarse).astype(np.uint8)
    mask[5:8, 3:30] = 255
    return mask


def _sea(*islands: tuple[slice, slice]) -> NDArray[np.uint8]:
    mask = np.ones((40, 40), np.uint8)
    for island in islands:
        mask[island] = 0
    return mask


def _ring(width_px: int) -> NDArray[np.uint8]:
    """Water around land in the middle, with an island in it."""
    mask = np.zeros((40, 40), np.uint8)
    mask[width_px:-width_px, width_px:-width_px] = 1
    mask[12:28, 12:28] = 0
    mask[7:10, 19:22] = 0
    return mask


MASKS = {
    "random": _water(0),
    "other": _water(1),
    "sea": _sea(),
    "islands": _sea((slice(18, 23), slice(3, 38)), (slice(2, 9), slice(20, 22)), (slice(30, 31), slice(0, 40))),
    "ring": _ring(4),
}


def _features(write: Write, mask: NDArray[np.uint8], crs: str, place: Affine) -> tuple[list[Any], Path]:
    path = write(mask[None], "mask.tif", (), crs=crs, transform=place, nodata=255)
    out = path.with_name("water.geojson")
    count = write_polygons(out, path)
    features = json.loads(out.read_text())["features"]
    assert len(features) == count
    return [feature["geometry"] for feature in features], path


def _polygons(geometry: Any) -> list[list[Ring]]:
    return [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]


def _area(ring: Ring) -> float:
    (first_x, first_y), *_ = ring
    return sum((x - first_x) * (v - first_y) - (u - first_x) * (y - first_y) for (x, y), (u, v) in pairwise(ring)) / 2


def _inside(polygon: list[Ring], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Even-odd, for points (n, 2)."""
    odd = np.zeros(len(points), bool)
    for ring in polygon:
        for (x, y), (u, v) in pairwise(ring):
            if y != v:
                odd ^= ((y > points[:, 1]) != (v > points[:, 1])) & (
                    points[:, 0] < x + (points[:, 1] - y) / (v - y) * (u - x)
                )
    return odd


def _centres(path: Path) -> NDArray[np.float64]:
    with rasterio.open(path) as file:
        rows, columns = np.indices(file.shape).reshape(2, -1) + 0.5
        found = rasterio.warp.transform(file.crs, "EPSG:4326", *(file.transform @ (columns, rows)))
    return np.stack([(np.array(found[0]) + 180) % 360 - 180, found[1]], axis=-1)


def _assert_valid(polygon: list[Ring]) -> None:
    """By RFC 7946, and as simple features have it: no ring touches itself."""
    for ring in polygon:
        assert ring[0] == ring[-1] and len(ring) >= 4
        assert len({tuple(point) for point in ring[:-1]}) == len(ring) - 1, "a ring touches itself"
        assert all(-180 <= longitude <= 180 and -90 <= latitude <= 90 for longitude, latitude in ring)
    assert _area(polygon[0]) > 0, "outer rings run counterclockwise"
    assert all(_area(hole) < 0 for hole in polygon[1:]), "holes run clockwise"


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("where", [*PLACES, *PLACES_ACROSS])
def test_they_are_valid_and_hold_the_water_alone(write, where: str, name: str):
    crs, place = (PLACES | PLACES_ACROSS)[where]
    geometries, path = _features(write, MASKS[name], crs, place)
    polygons = [polygon for geometry in geometries for polygon in _polygons(geometry)]
    for polygon in polygons:
        _assert_valid(polygon)
        assert all(abs(x - u) <= 180 for ring in polygon for (x, _), (u, _) in pairwise(ring)) or "Pole" in where
    centres = _centres(path)
    held = sum((_inside(polygon, centres).astype(int) for polygon in polygons), np.zeros(len(centres), int))
    np.testing.assert_array_equal(held.reshape(40, 40), MASKS[name] == 1)
    cut = [geometry for geometry in geometries if geometry["type"] == "MultiPolygon"]
    assert bool(cut) == (where in PLACES_ACROSS) or "Pole" in where


def test_of_degrees_the_areas_are_those_of_the_pixels(write):
    for place in (PLACES["degrees"][1], PLACES_ACROSS["degrees beyond 180"][1]):
        geometries, _ = _features(write, MASKS["random"], "EPSG:4326", place)
        area = sum(_area(ring) for geometry in geometries for polygon in _polygons(geometry) for ring in polygon)
        assert area == pytest.approx(1e-4 * np.sum(MASKS["random"] == 1), rel=1e-6)


def test_of_a_dry_scene_there_are_none(write):
    assert _features(write, np.zeros((40, 40), np.uint8), *PLACES["north up"])[0] == []


def test_a_scene_whose_places_are_not_on_earth_is_refused_before_it_is_drawn(
    edge, write, colours, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(segmenting, "_said", lambda *told: pytest.fail("drawn in vain"))
    scene, vector = write(colours, crs=LOCAL), tmp_path / "water.geojson"
    ended = edge("segment", scene, "-o", tmp_path / "mask.tif", "--bundle", bundle, "--vector", vector)
    assert ended.code == 2 and "cannot be taken to longitude and latitude" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["scene.tif"]


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (Affine(0, 0, 11, 0, 0, 60), "pixels of 0 × 0 in its coordinate system"),
        (Affine(0.01, 0, 11, 0, 0, 60), "pixels of 0.01 × 0 in its coordinate system"),
        (Affine(1, 0, 11, 0, -1, 300), "cannot be taken to longitude and latitude"),
    ],
)
def test_so_is_one_whose_pixels_have_no_sides_or_lie_beyond_the_poles(
    edge, write, colours, bundle: Path, tmp_path: Path, place: Affine, told: str
):
    scene, vector = write(colours, crs="EPSG:4326", transform=place), tmp_path / "water.geojson"
    ended = edge("segment", scene, "-o", tmp_path / "mask.tif", "--bundle", bundle, "--vector", vector)
    assert ended.code == 2 and told in ended.err, ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["scene.tif"]


def test_water_beyond_a_pole_is_told_of_and_up_to_it_is_drawn(write, tmp_path: Path):
    water = np.ones((40, 40), np.uint8)
    geometries, _ = _features(write, water, "EPSG:4326", Affine(1, 0, 0, 0, -1, 90))
    assert max(latitude for _, latitude in geometries[0]["coordinates"][0]) == 90
    with pytest.raises(EdgeError, match="no longitude and latitude"):
        _features(write, water, "EPSG:4326", Affine(1, 0, 0, 0, -1, 90.5))


def test_such_a_scene_has_a_mask(edge, write, colours, bundle: Path, tmp_path: Path):
    out = tmp_path / "mask.tif"
    assert edge("segment", write(colours, crs=LOCAL), "-o", out, "--bundle", bundle).code == 0
    with rasterio.open(out) as file:
        assert "a bench" in file.crs.to_wkt()


def test_water_beside_the_earth_is_told_of(edge, write, colours, bundle: Path, tmp_path: Path):
    """The middle of the scene is on the disk that a geostationary satellite sees, its corners are not."""
    side_m = 12e6 / 150
    scene = write(
        np.tile(colours[:, :75, :50], (1, 2, 3)), crs=ROUND, transform=Affine(side_m, 0, -6e6, 0, -side_m, 6e6)
    )
    out, vector = tmp_path / "mask.tif", tmp_path / "water.geojson"
    ended = edge("segment", scene, "-o", out, "--bundle", bundle, "--vector", vector)
    assert ended.code == 2 and "no longitude and latitude" in ended.err and not vector.exists()
    assert edge("segment", scene, "-o", out, "--bundle", bundle).code == 0
