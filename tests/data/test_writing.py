"""Synthetic scenes on disk: real GeoTIFFs, equal bytes for equal seeds, whole or not at all."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

from orbitfl.data import writing
from orbitfl.data.folder import read_bands, read_mask, scan
from orbitfl.data.spectra import BANDS
from orbitfl.data.synth import synthesize
from orbitfl.errors import StorageError


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.tif"))}


def test_equal_seeds_give_equal_bytes(tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("again", 3), ("other", 4)):
        writing.write_scenes(tmp_path / name, 2, seed, 64)
    assert contents(tmp_path / "one") == contents(tmp_path / "again")
    assert contents(tmp_path / "one") != contents(tmp_path / "other")


def test_the_files_hold_the_scenes(tmp_path: Path) -> None:
    told = []
    writing.write_scenes(tmp_path / "set", 2, 3, 64, lambda done, of: told.append((done, of)))
    assert told == [(1, 2), (2, 2)]
    for index, scene in enumerate(scan(tmp_path / "set")):
        drawn = synthesize(writing.scene_seed(3, index), 64)
        values, valid = read_bands(scene, BANDS)
        np.testing.assert_array_equal(values, drawn.reflectance)
        np.testing.assert_array_equal(read_mask(scene), drawn.water)
        assert valid.all()


def test_layout_of_the_geotiff(tmp_path: Path) -> None:
    writing.write_scenes(tmp_path / "set", 2, 0, 300)
    first, second = sorted((tmp_path / "set" / "images").iterdir())
    with rasterio.open(first) as file, rasterio.open(second) as neighbour:
        assert file.descriptions == ("B02", "B03", "B04", "B08", "B11", "B12")
        assert (file.dtypes[0], file.crs.to_epsg(), file.res) == ("uint16", 32633, (10.0, 10.0))
        assert file.profile["tiled"]
        assert file.profile["compress"] == "deflate"
        assert file.bounds.right == neighbour.bounds.left


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    def full_disk(done: int, of: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="No space left on device"):
        writing.write_scenes(tmp_path / "set", 2, 0, 64, full_disk)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="could not be written: Not a directory"):
        writing.write_scenes(tmp_path / "file" / "set", 1, 0, 64)


def test_a_taken_place_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.txt").write_text("mine")
    with pytest.raises(StorageError, match="exists and is not empty"):
        writing.write_scenes(tmp_path / "set", 1, 0, 64)
    assert [path.name for path in tmp_path.rglob("*.*")] == ["mine.txt"]


def test_scenes_of_two_sets_do_not_repeat() -> None:
    seeds = {writing.scene_seed(seed, index) for seed in range(50) for index in range(50)}
    assert len(seeds) == 2500
