"""The folder data set on real scenes, and on every kind of damaged folder."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio import Affine
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.shutil import copy as gdal_copy

from orbitfl.data import folder as folder_module
from orbitfl.data.cutting import cut
from orbitfl.data.folder import read_bands, read_mask, scan
from orbitfl.data.spectra import BANDS
from orbitfl.data.tiles import Tiling
from orbitfl.errors import DataError

RGB = ("B04", "B03", "B02")


def test_six_band_scene_has_the_published_ndwi_score(shared: Path, tmp_path: Path) -> None:
    """The data's own README: NDWI > 0 has IoU 0.813 with the annotated mask, MNDWI > 0 has 0.748.

    This holds only if bands, masks and their places are read as they are.
    """
    name = "S2A_L2A_20190817_N0213_R089"
    for part, source in (("images", "sixband"), ("masks", "train/masks")):
        (tmp_path / part).mkdir()
        found = next((shared / "data" / "esw" / source).glob(f"{name}*_S2.tif"))
        shutil.copy(found, tmp_path / part / "s2.tif")
    (scene,) = scan(tmp_path)
    assert (scene.height_px, scene.width_px, scene.dtype) == (545, 625, "uint16")
    assert scene.crs is not None
    assert scene.crs.to_epsg() == 32651
    bands, valid = read_bands(scene, BANDS)
    blue, green, red, near_infrared, short_wave, _ = bands.astype(float)
    truth = read_mask(scene) == 1

    def iou(found: np.ndarray) -> float:
        return (found & truth).sum() / (found | truth).sum()

    assert valid.all()
    assert iou(green > near_infrared) == pytest.approx(0.813, abs=5e-4)
    assert iou(green > short_wave) == pytest.approx(0.748, abs=5e-4)
    with pytest.raises(DataError, match="6 bands without names"):
        read_bands(scene, RGB)
    assert red.mean() > blue.mean()


def test_real_scenes_agree_with_their_index(shared: Path) -> None:
    """Size, coordinate system and water share as the data's own index.json states them."""
    stated = {entry["id"]: entry for entry in json.loads((shared / "data/esw/val/index.json").read_text())}
    scenes = scan(shared / "data" / "esw" / "val")
    assert [scene.name for scene in scenes] == sorted(stated)
    for scene in scenes:
        entry = stated[scene.name]
        assert (scene.height_px, scene.width_px) == (entry["height"], entry["width"])
        assert scene.crs is not None
        assert scene.crs.to_epsg() == entry["epsg"]
        assert (read_mask(scene) == 1).mean() == pytest.approx(entry["water_fraction"], abs=1e-3)


def test_sen1floods11_label_with_gaps(shared: Path, tmp_path: Path) -> None:
    """-1 means no data in the hand labels, and B4 there is our B04."""
    source = shared / "data" / "sen1floods11_sample"
    for part, suffix in (("images", "S2Hand"), ("masks", "LabelHand")):
        (tmp_path / part).mkdir()
        shutil.copy(next(source.glob(f"*_{suffix}.tif")), tmp_path / part / "chip.tif")
    (scene,) = scan(tmp_path)
    with rasterio.open(scene.mask_path) as file:
        label = file.read(1)
    with rasterio.open(scene.image_path) as file:
        red = file.read(4)
    mask = read_mask(scene)
    assert np.array_equal(mask == 255, label == -1)
    assert np.array_equal(mask == 1, label == 1)
    assert np.array_equal(read_bands(scene, RGB)[0][0], red)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_any_number_type(dtype: str, tmp_path: Path, tif) -> None:
    image = np.arange(4 * 20 * 30).reshape(4, 20, 30).astype(dtype)
    tif(tmp_path / "images" / "x.tif", image, ("B08", "B04", "B03", "B02"))
    tif(tmp_path / "masks" / "x.tif", np.ones((1, 20, 30), np.uint8))
    (scene,) = scan(tmp_path)
    values, valid = read_bands(scene, ("B02", "B08"))
    assert values.dtype == np.dtype(dtype)
    assert np.array_equal(values, image[[3, 0]])
    assert valid.all()


def test_nodata_of_image_and_mask_become_unknown(tmp_path: Path, tif) -> None:
    image = np.full((3, 20, 20), 7, np.float32)
    image[:, 0, 0] = -9999
    image[1, 0, 1] = -9999
    image[2, 0, 2] = np.nan
    mask = np.zeros((1, 20, 20), np.int16)
    mask[0, 1, :5] = 1, -1, 255, 9, 0
    tif(tmp_path / "images" / "x.tif", image, nodata=-9999)
    tif(tmp_path / "masks" / "x.tif", mask, nodata=9)
    (scene,) = scan(tmp_path)
    _, valid = read_bands(scene, RGB)
    assert np.argwhere(~valid).tolist() == [[0, 0], [0, 2]]
    assert read_mask(scene)[1, :5].tolist() == [1, 255, 255, 255, 0]
    tiles = cut((scene,), RGB, Tiling(tile_px=20))
    assert np.argwhere(tiles.masks[0] == 255).tolist() == [[0, 0], [0, 2], [1, 1], [1, 2], [1, 3]]


def test_scenes_without_georeference_are_read(tmp_path: Path) -> None:
    for part, bands in (("images", 3), ("masks", 1)):
        (tmp_path / part).mkdir()
        shape = {"count": bands, "height": 20, "width": 20, "dtype": "uint8"}
        with pytest.warns(NotGeoreferencedWarning):
            rasterio.open(tmp_path / part / "x.tif", "w", driver="GTiff", **shape).close()
    (scene,) = scan(tmp_path)
    assert scene.crs is None
    assert read_mask(scene).shape == (20, 20)


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"images holds no \.tif file"):
        scan(tmp_path / "nowhere")
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match=r"images holds no \.tif file"):
        scan(tmp_path)


@pytest.mark.parametrize(("extra", "lacking"), [("images", "masks"), ("masks", "images")])
def test_lonely_files(pair: Path, extra: str, lacking: str) -> None:
    shutil.copy(pair / extra / "a.tif", pair / extra / "b.tif")
    with pytest.raises(DataError, match=f"{extra}/b.tif has no counterpart in .*{lacking}"):
        scan(pair)


def test_mask_of_other_size_place_or_bands(pair: Path, tif) -> None:
    mask = pair / "masks" / "a.tif"
    for bands, corner_m, message in (
        (np.zeros((1, 40, 51), np.uint8), 500_000, r"40 × 51 pixels.*40 × 50"),
        (np.zeros((1, 40, 50), np.uint8), 500_010, "lies elsewhere"),
        (np.zeros((2, 40, 50), np.uint8), 500_000, "2 bands"),
    ):
        tif(mask, bands, corner_m=corner_m)
        with pytest.raises(DataError, match=message):
            scan(pair)


def test_bands_are_found_by_name_or_refused(pair: Path) -> None:
    (scene,) = scan(pair)
    in_order, _ = read_bands(scene, ("B02", "B03", "B04"))
    reversed_order, _ = read_bands(scene, ("b4", "B3", "B02"))
    assert np.array_equal(in_order[::-1], reversed_order)
    with pytest.raises(DataError, match=r"no band B08; it has B02, B03, B04"):
        read_bands(scene, ("B08", "B03", "B02"))


@pytest.mark.parametrize("value", [2, 200])
def test_strange_mask_values_are_refused(pair: Path, tif, value: int) -> None:
    tif(pair / "masks" / "a.tif", np.full((1, 40, 50), value, np.uint8))
    with pytest.raises(DataError, match=rf"masks/a.tif holds the value {value}.*recode"):
        read_mask(scan(pair)[0])


def test_nodata_that_is_also_a_class_is_refused(pair: Path, tif) -> None:
    tif(pair / "masks" / "a.tif", np.ones((1, 40, 50), np.uint8), nodata=0)
    with pytest.raises(DataError, match="declares 0 as nodata"):
        read_mask(scan(pair)[0])


@pytest.mark.parametrize("layout", [{"compress": "deflate"}, {}, {"compress": "jpeg", "tiled": True}])
def test_truncated_files_are_found(shared: Path, tmp_path: Path, layout: dict) -> None:
    """A real scene cut off at half, within its header, or to nothing."""
    source = shared / "data" / "esw" / "val"
    name = sorted(path.name for path in (source / "images").iterdir())[0]
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
    shutil.copy(source / "masks" / name, tmp_path / "masks" / name)
    whole, broken = tmp_path / "whole.tif", tmp_path / "images" / name
    gdal_copy(source / "images" / name, whole, driver="GTiff", **layout)
    content = whole.read_bytes()
    shutil.copy(whole, broken)
    read_bands(scan(tmp_path)[0], RGB)
    for size in (len(content) // 2, 100, 4, 0):
        broken.write_bytes(content[:size])
        with pytest.raises(DataError, match=f"{name} is damaged or no GeoTIFF. Fetch"):
            read_bands(scan(tmp_path)[0], RGB)


def test_text_under_the_name_of_a_geotiff(pair: Path) -> None:
    (pair / "images" / "a.tif").write_text("<html>404</html>")
    with pytest.raises(DataError, match=r"images/a.tif is damaged or no GeoTIFF"):
        scan(pair)


def test_a_virtual_file_cannot_pull_in_others(pair: Path) -> None:
    """GDAL would follow a VRT to any file or address it names."""
    image = pair / "images" / "a.tif"
    hidden = image.rename(pair / "elsewhere.tif")
    gdal_copy(hidden, image, driver="VRT")
    with rasterio.open(image) as file:
        assert file.count == 3
    with pytest.raises(DataError, match="damaged or no GeoTIFF"):
        scan(pair)


@pytest.mark.parametrize("part", ["images", "masks"])
@pytest.mark.parametrize("ending", [".msk", ".MSK"])
def test_nor_can_one_that_lies_beside_as_a_mask(pair: Path, part: str, ending: str) -> None:
    beside = pair / part / f"a.tif{ending}"
    gdal_copy(pair / part / "a.tif", beside, driver="VRT")
    with pytest.raises(DataError, match=f"a.tif{ending} is damaged or no GeoTIFF, as the mask of a scene"):
        scan(pair)
    gdal_copy(pair / part / "a.tif", beside.with_name("A.TIF.Msk"), driver="VRT")
    beside.unlink()
    assert len(scan(pair)) == 1


def test_huge_scenes_are_refused_unread(pair: Path, monkeypatch: pytest.MonkeyPatch, tif) -> None:
    """A sparse file of a few kilobytes may claim any number of pixels."""
    path = pair / "images" / "a.tif"
    path.unlink()
    shape = {
        "count": 3,
        "height": 30_000,
        "width": 30_000,
        "dtype": "uint8",
        "SPARSE_OK": True,
        "tiled": True,
    }
    place = {"crs": "EPSG:32722", "transform": Affine(10, 0, 500_000, 0, -10, 6_700_000)}
    rasterio.open(path, "w", driver="GTiff", **{**shape, **place}).close()
    assert path.stat().st_size < 10**6
    with pytest.raises(DataError, match="30000 × 30000 pixels, more than 400 million"):
        scan(pair)
    monkeypatch.setattr(folder_module, "MOST_PIXELS", 40 * 50 - 1)
    tif(path, np.zeros((3, 40, 50), np.uint8))
    with pytest.raises(DataError, match="40 × 50 pixels"):
        scan(pair)


@pytest.mark.parametrize(
    "kind", ["mask", "alpha", "alpha and nodata", "alpha as a fifth", "nodata by a tag", "band of 8 bits"]
)
def test_what_the_files_own_mask_leaves_out_is_not_valid(tmp_path: Path, kind: str) -> None:
    """But a fourth band that has a band's name, which GDAL takes for alpha, hides nothing."""
    inside = np.zeros((128, 128), bool)
    inside[:, 40:] = True
    names = (*RGB, "B08", "alpha") if kind == "alpha as a fifth" else (*RGB, "alpha" if "alpha" in kind else "B08")
    place = {"crs": "EPSG:32651", "transform": Affine(10, 0, 300_000, 0, -10, 4_000_000)}
    shape = {"driver": "GTiff", "height": 128, "width": 128, "dtype": "uint8", **place}
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    with rasterio.open(tmp_path / "masks" / "a.tif", "w", count=1, **shape) as file:
        file.write(inside.astype(np.uint8), 1)
    count = 3 if kind in ("mask", "nodata by a tag") else len(names)
    nodata = 1 if kind == "alpha and nodata" else None
    with rasterio.open(
        tmp_path / "images" / "a.tif", "w", count=count, photometric="RGB", nodata=nodata, **shape
    ) as file:
        file.write(np.where(inside, 90, [[[0]], [[7]], [[7]]]).astype(np.uint8), [1, 2, 3])
        file.descriptions = names[:count]
        if kind == "mask":
            file.write_mask(inside)
        elif kind == "nodata by a tag":
            file.update_tags(NODATA_VALUES="0 7 7")
        else:
            file.colorinterp = [*file.colorinterp[:-1], ColorInterp.alpha]
            file.write(255 * inside.astype(np.uint8), count)
    (scene,) = scan(tmp_path)
    _, valid = read_bands(scene, RGB)
    np.testing.assert_array_equal(valid, np.ones_like(inside) if kind == "band of 8 bits" else inside)


def test_names_that_are_not_utf_8_are_refused_but_of_masks_which_need_none(pair: Path, tif) -> None:
    def damage(part: str, values: np.ndarray) -> None:
        path = tif(pair / part / "a.tif", values, ("B04",) * len(values))
        path.write_bytes(path.read_bytes().replace(b"B04", b"B\xff4"))

    damage("masks", np.zeros((1, 40, 50), np.uint8))
    assert len(scan(pair)) == 1
    damage("images", np.zeros((3, 40, 50), np.uint16))
    with pytest.raises(DataError, match=r"images/a.tif has band descriptions that are not UTF-8"):
        scan(pair)


@pytest.mark.parametrize("part", ["images", "masks"])
def test_a_place_that_gdal_cannot_read_is_refused(pair: Path, part: str, with_damaged_place) -> None:
    points = [GroundControlPoint(row, col, 500_000 + 10 * col, 6_700_000) for row, col in ((0, 0), (0, 9), (9, 0))]
    for each, bands in (("images", 3), ("masks", 1)):
        place = {"crs": "EPSG:32722", "gcps": points, "dtype": "uint8"}
        shape = {"count": bands, "height": 40, "width": 50}
        rasterio.open(pair / each / "a.tif", "w", driver="GTiff", **shape, **place).close()
    assert len(scan(pair)) == 1
    with_damaged_place(pair / part / "a.tif")
    with pytest.raises(DataError, match=rf"{part}/a.tif is damaged"):
        scan(pair)
