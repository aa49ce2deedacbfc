"""What a scene shows the network, against orbitfl's own reading of the same file."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from orbitfl_edge.bundle import Spec
from orbitfl_edge.network import prepared
from orbitfl_edge.problems import EdgeError
from orbitfl_edge.scene import open_scene
from rasterio.env import get_gdal_config

from orbitfl.data.cutting import cut
from orbitfl.data.folder import scan
from orbitfl.data.tiles import Stretch, Tiling
from orbitfl.models.preprocess import DEVIATION, MEAN, prepare


def _spec(stretch: Stretch = "auto", tile_px: int = 64, image_px: int = 64) -> Spec:
    return Spec(("B04", "B03", "B02"), stretch, tile_px, 16, image_px, 1, MEAN, DEVIATION)


def _reflectances(dtype: str) -> np.ndarray:
    rng = np.random.default_rng(1)
    values = rng.gamma(2.0, 600, (4, 128, 192))
    if dtype == "float32":
        values = values / 1e4
        values[:, 5:9, 7:20] = np.nan
        values[1, 60, 60] = np.inf
    return values.astype(dtype) if dtype != "uint8" else np.clip(values / 10, 0, 255).astype("uint8")


@pytest.mark.parametrize("stretch", ["auto", "percentile"])
@pytest.mark.parametrize(
    ("dtype", "nodata"), [("uint8", None), ("uint8", 0), ("uint16", 0), ("int16", -1), ("int32", 0), ("float32", None)]
)
def test_it_shows_what_orbitfl_cuts(write, tmp_path: Path, dtype: str, nodata: float | None, stretch: Stretch):
    values = _reflectances(dtype)
    if nodata is not None:
        values[:, 30:50, 40:80] = nodata
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    names = ("B02", "b3", "B4", "B08")
    path = write(values, "images/a.tif", names, nodata=nodata)
    write(np.zeros((1, 128, 192), np.uint8), "masks/a.tif", ("water",))
    tiles = cut(scan(tmp_path), ("B04", "B03", "B02"), Tiling(tile_px=64, stretch=stretch))
    with open_scene(path, _spec(stretch), None) as scene:
        shown, valid = (np.concatenate(each) for each in zip(scene.shown(0, 50), scene.shown(50, 78), strict=True))
    for image, mask, row, col in zip(tiles.images, tiles.masks, tiles.row, tiles.col, strict=True):
        place = slice(row, row + 64), slice(col, col + 64)
        np.testing.assert_array_equal(shown[place], image)
        np.testing.assert_array_equal(valid[place], mask == 0)


@pytest.mark.parametrize(("tile_px", "image_px"), [(64, 64), (64, 128), (128, 64), (100, 64), (64, 96)])
def test_it_prepares_tiles_as_orbitfl_does(tile_px: int, image_px: int):
    images = np.random.default_rng(0).integers(0, 256, (2, tile_px, tile_px, 3), np.uint8)
    given = prepared(images, _spec(tile_px=tile_px, image_px=image_px))
    np.testing.assert_allclose(given, prepare(images, image_px).numpy(), atol=1e-4)


@pytest.mark.parametrize("kind", ["mask", "alpha", "alpha and nodata", "five bands", "nodata by a tag"])
def test_what_the_files_mask_or_alpha_leaves_out_is_not_valid(write, tmp_path: Path, kind: str):
    values, given = np.minimum(_reflectances("uint8")[:3], 254), np.full((128, 192), 255, np.uint8)
    given[30:50, 40:80] = 0
    if "alpha" in kind:
        names, roles = ("B04", "B03", "B02", "alpha"), ("red", "green", "blue", "alpha")
        nodata = 255 if "nodata" in kind else None
        path = write(np.concatenate([values, given[None]]), names=names, colours=roles, nodata=nodata)
    elif kind == "five bands":
        names, roles = ("B04", "B03", "B02", "B08", "alpha"), ("red", "green", "blue", "undefined", "alpha")
        path = write(np.concatenate([values, values[:1], given[None]]), names=names, colours=roles)
    elif kind == "nodata by a tag":
        values[:, given == 0] = np.array([[0], [7], [7]], np.uint8)
        path = write(values)
        with rasterio.open(path, "r+") as file:
            file.update_tags(NODATA_VALUES="0 7 7")
    else:
        path = write(values)
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
            file.write_mask(given)
    with open_scene(path, _spec(), None) as scene:
        np.testing.assert_array_equal(scene.shown(10, 100)[1], given[10:110] != 0)


def test_a_scene_whose_tags_are_cut_off_is_refused(write):
    """GDAL reads the pixels, and merely warns that it has lost the names of the bands."""
    path = write(_reflectances("uint8")[:3], names=("B02", "B03", "B04"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(EdgeError, match="cut off"), open_scene(path, _spec(), None):
        pass


def test_gdal_may_keep_a_row_of_blocks_but_no_scene(write):
    """rasterio takes bytes. With a cache of next to nothing every line would unpack its blocks again."""
    with open_scene(write(_reflectances("uint8")[:3]), _spec(), None):
        assert 2**25 <= int(get_gdal_config("GDAL_CACHEMAX") or 0) <= 2**27
