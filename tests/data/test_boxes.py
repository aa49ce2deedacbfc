"""Where scenes lie: against the boxes that the real scenes' index gives, and by hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rasterio import Affine
from rasterio.crs import CRS

from orbitfl.data.boxes import box_of
from orbitfl.data.folder import Scene, scan
from orbitfl.errors import DataError

UTM = Scene(
    name="s",
    image_path=Path("images/s.tif"),
    mask_path=Path("masks/s.tif"),
    height_px=1000,
    width_px=1000,
    band_names=("B04",),
    dtype="uint8",
    crs=CRS.from_epsg(32601),
    transform=Affine(10, 0, 160_000, 0, -10, 10_000),
)


def test_real_scenes_lie_where_their_index_says(shared: Path):
    folder = shared / "data/esw/val"
    boxes = {entry["id"]: entry["bbox_wgs84"] for entry in json.loads((folder / "index.json").read_text())}
    for scene in scan(folder):
        south, west, north, east = box_of(scene)
        assert [west, south, east, north] == pytest.approx(boxes[scene.name], abs=2e-5)


def test_a_box_over_the_antimeridian_begins_in_the_east():
    # Zone 1 begins at 180° W; 500 km false easting less half a zone of 3° (333.96 km) is its western edge.
    box = box_of(UTM)
    assert 179.9 < box.west_deg < 180 and -180 < box.east_deg < -179.9
    assert box.south_deg == pytest.approx(0.0, abs=1e-3) and box.north_deg == pytest.approx(0.09, abs=1e-3)


def test_a_scene_without_georeference_is_refused():
    with pytest.raises(DataError, match=r"images/s.tif has no coordinate system.*Georeference it"):
        box_of(replace(UTM, crs=None))
