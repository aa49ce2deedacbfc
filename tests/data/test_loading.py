"""Loading data sets by their options."""

from pathlib import Path

import numpy as np

from orbitfl.data.cutting import cut
from orbitfl.data.folder import scan
from orbitfl.data.loading import load
from orbitfl.data.options import FolderData, SyntheticData
from orbitfl.data.tiles import Tiling, content_hash


def test_folder_data_cuts_its_folder(pair: Path, tmp_path: Path) -> None:
    data = FolderData(path=str(pair), tile_px=16)
    expected = cut(scan(pair), ("B04", "B03", "B02"), Tiling(tile_px=16))
    assert content_hash(load(data, tmp_path / "unused")) == content_hash(expected)
    assert not (tmp_path / "unused").exists()


def test_synthetic_data_is_written_once_and_read_again(tmp_path: Path) -> None:
    data = SyntheticData(scenes=2, size_px=64, seed=1, tile_px=32)
    first = load(data, tmp_path)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.tif")}
    assert len(first) == 8
    assert len(files) == 4
    assert content_hash(load(data, tmp_path)) == content_hash(first)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.tif")} == files
    other = load(SyntheticData(scenes=2, size_px=64, seed=2, tile_px=32), tmp_path)
    assert content_hash(other) != content_hash(first)


def test_bands_choose_the_colours(tmp_path: Path) -> None:
    data = SyntheticData(scenes=1, size_px=64, tile_px=64, bands=("B08", "B03", "B02"))
    natural = SyntheticData(scenes=1, size_px=64, tile_px=64)
    infrared, rgb = load(data, tmp_path).images, load(natural, tmp_path).images
    assert np.array_equal(infrared[..., 1:], rgb[..., 1:])
    assert not np.array_equal(infrared[..., 0], rgb[..., 0])
