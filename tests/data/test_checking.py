"""A folder is read through to the last band, whatever its bands are called."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio import Affine

from orbitfl.data.checking import read_through
from orbitfl.errors import DataError

SIDE_PX = 128


def write(path: Path, layers: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    place = {"crs": "EPSG:32651", "transform": Affine(10, 0, 300_000, 0, -10, 4_000_000)}
    shape = {"count": len(layers), "height": SIDE_PX, "width": SIDE_PX, "dtype": layers.dtype}
    with rasterio.open(path, "w", driver="GTiff", interleave="band", **shape, **place) as file:
        file.write(layers)


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """Four bands without names, two thirds of the known pixels water."""
    mask = np.zeros((1, SIDE_PX, SIDE_PX), np.uint8)
    mask[0, :64], mask[0, 96:] = 1, 255
    write(tmp_path / "images" / "a.tif", np.random.default_rng(0).integers(0, 9_000, (4, SIDE_PX, SIDE_PX), np.uint16))
    write(tmp_path / "masks" / "a.tif", mask)
    return tmp_path


def test_bands_of_any_name_are_read_and_pixels_counted(scene: Path) -> None:
    found = read_through(scene)
    assert (found.scenes, found.known_px, found.water_px) == (1, 96 * SIDE_PX, 64 * SIDE_PX)
    assert found.water_percent == pytest.approx(200 / 3)
    assert found.scenes_by_bands == {("", "", "", ""): ("a",)}


def test_scenes_are_told_apart_by_their_bands(scene: Path) -> None:
    for name in ("b", "c"):
        for kind in ("images", "masks"):
            shutil.copy(scene / kind / "a.tif", scene / kind / f"{name}.tif")
    names = ("B02", "B03", "", "B08")
    with rasterio.open(scene / "images/b.tif", "r+") as file:
        file.descriptions = names
    assert read_through(scene).scenes_by_bands == {("", "", "", ""): ("a", "c"), names: ("b",)}


def test_a_last_band_that_is_cut_short_is_damage(scene: Path) -> None:
    image = scene / "images" / "a.tif"
    image.write_bytes(image.read_bytes()[:-SIDE_PX])
    with pytest.raises(DataError, match=r"a\.tif is damaged"):
        read_through(scene)
