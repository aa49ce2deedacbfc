"""Composites and indices: what a tile shows, against the bands themselves."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from orbitfl.data.channels import COMPOSITES, INDICES, ratio, shown, sources, to_8_bit
from orbitfl.data.folder import scan
from orbitfl.data.loading import load
from orbitfl.data.options import FolderData, SyntheticData
from orbitfl.data.tiles import content_hash
from orbitfl.errors import DataError


@pytest.mark.parametrize(("name", "bands"), COMPOSITES.items())
def test_a_composite_is_its_three_bands_to_the_bit(tmp_path: Path, name: str, bands: tuple[str, str, str]) -> None:
    by_name = load(SyntheticData(scenes=1, size_px=64, tile_px=32, bands=name), tmp_path)
    by_band = load(SyntheticData(scenes=1, size_px=64, tile_px=32, bands=bands), tmp_path)
    assert content_hash(by_name) == content_hash(by_band)


def test_embeddings_of_one_composite_are_never_taken_for_another(tmp_path: Path) -> None:
    asked = [*COMPOSITES, ("NDWI", "B04", "B03"), ("MNDWI", "B04", "B03"), ("NDWI", "MNDWI", "NDVI")]
    tiles = [load(SyntheticData(scenes=1, size_px=64, tile_px=32, bands=bands), tmp_path) for bands in asked]
    assert len({content_hash(each) for each in tiles}) == len(asked)


@pytest.mark.parametrize(("name", "plus", "minus"), [("NDWI", 0, 2), ("MNDWI", 0, 3), ("NDVI", 2, 1)])
def test_index_bands_are_the_formula_mapped_to_a_byte(tmp_path: Path, tif, name: str, plus: int, minus: int) -> None:
    bands = np.random.default_rng(2).integers(1, 9000, (4, 32, 32)).astype(np.uint16)
    tif(tmp_path / "images/a.tif", bands, ("B03", "B04", "B08", "B11"))
    tif(tmp_path / "masks/a.tif", np.zeros((1, 32, 32), np.uint8))
    data = FolderData(path=str(tmp_path), bands=("B03", name, "B04"), tile_px=32)
    image = load(data, tmp_path).images[0]
    a, b = bands[plus].astype(float), bands[minus].astype(float)
    expected = 255 * ((a - b) / (a + b) + 1) / 2
    assert np.abs(image[..., 1] - expected).max() <= 0.5 + 1e-4
    plain = load(FolderData(path=str(tmp_path), bands=("B03", "B08", "B04"), tile_px=32), tmp_path).images[0]
    assert np.array_equal(image[..., [0, 2]], plain[..., [0, 2]])


def test_unknown_pixels_show_nothing_and_do_not_count(tmp_path: Path, tif) -> None:
    bands = np.full((3, 32, 32), 700, np.uint16)
    bands[:, :5] = 0
    tif(tmp_path / "images/a.tif", bands, ("B03", "B08", "B04"), nodata=0)
    tif(tmp_path / "masks/a.tif", np.ones((1, 32, 32), np.uint8))
    tiles = load(FolderData(path=str(tmp_path), bands=("NDWI", "NDVI", "B04"), tile_px=32), tmp_path)
    assert (tiles.masks[0, :5] == 255).all() and (tiles.masks[0, 5:] == 1).all()
    assert (tiles.images[0, :5] == 0).all() and (tiles.images[0, 5:, :, :2] == 128).all()


wide = arrays(np.int32, (2, 3, 4), elements=st.integers(-2000, 20000))


@given(wide)
def test_an_index_is_always_a_number_from_minus_one_to_one(values: np.ndarray) -> None:
    index = ratio(INDICES["NDWI"], values, ("B03", "B08"))
    assert np.isfinite(index).all() and (np.abs(index) <= 1).all()
    exact = values[0] + values[1] > 0
    assert np.array_equal(index[exact] > 0, (values[0] > values[1])[exact])
    assert (index[~exact] == 0).all()


def test_the_ends_of_an_index_are_the_ends_of_a_byte() -> None:
    assert to_8_bit(np.array([-1, 0, 1], np.float32)).tolist() == [0, 128, 255]


def test_bands_behind_channels_are_read_once() -> None:
    assert sources(("NDWI", "B08", "MNDWI")) == ("B03", "B08", "B11")


@pytest.mark.parametrize(
    ("bands", "told"),
    [
        ("false_colour", "bands is 'false_colour'; name three bands, or one of true_color, false_color, swir"),
        (("B04", "B03"), "names 2 bands"),
    ],
)
def test_bands_that_cannot_be_shown(bands: str | tuple[str, ...], told: str) -> None:
    with pytest.raises(DataError, match=told):
        shown(bands)
    with pytest.raises(DataError, match=told):
        FolderData(path="x", bands=bands)


@pytest.mark.parametrize(
    ("bands", "told"),
    [
        ("swir", "no band B12, B08; it has B02, B03, B04"),
        ("false_color", "no band B08"),
        (("MNDWI", "B03", "B02"), "no band B11"),
        (("NDWI", "NDVI", "B02"), "no band B08"),
    ],
)
def test_what_is_missing_is_named(pair: Path, bands: str | tuple[str, ...], told: str) -> None:
    with pytest.raises(DataError, match=told):
        load(FolderData(path=str(pair), bands=bands, tile_px=16), pair)
    assert len(scan(pair)) == 1


def test_an_index_of_stretched_colours_is_refused(tmp_path: Path, tif) -> None:
    tif(tmp_path / "images/a.tif", np.ones((3, 32, 32), np.uint8), ("B03", "B08", "B04"))
    tif(tmp_path / "masks/a.tif", np.ones((1, 32, 32), np.uint8))
    with pytest.raises(DataError, match="8-bit colours, not reflectances"):
        load(FolderData(path=str(tmp_path), bands=("NDWI", "B04", "B03"), tile_px=32), tmp_path)
