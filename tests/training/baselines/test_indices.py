"""NDWI and Otsu's threshold, against loops over all thresholds and counts by hand."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from orbitfl.data.cutting import cut
from orbitfl.data.folder import scan
from orbitfl.data.tiles import Tiling
from orbitfl.errors import DataError
from orbitfl.training.baselines.indices import CHANNELS, LEVELS, THRESHOLDS, otsu, score_index
from orbitfl.training.scores import Confusion


def write(path: Path, bands: np.ndarray, names: tuple[str, ...] = (), nodata: float | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = bands.shape
    place = {"crs": "EPSG:32722", "transform": rasterio.Affine(10, 0, 500_000, 0, -10, 6_700_000)}
    shape = {"count": count, "height": height, "width": width, "dtype": bands.dtype, "nodata": nodata}
    with rasterio.open(path, "w", driver="GTiff", **shape, **place) as file:
        file.write(bands)
        if names:
            file.descriptions = names


def folder_of(folder: Path, green: np.ndarray, infrared: np.ndarray, mask: np.ndarray, nodata: float | None = None):
    write(folder / "images/a.tif", np.stack([green, infrared]), ("B3", "B08"), nodata)
    write(folder / "masks/a.tif", mask[None])
    return scan(folder)


grey = arrays(np.float32, st.integers(2, 60), elements=st.floats(-1, 1, width=32))


def between(index: np.ndarray, threshold: float) -> float:
    """Otsu's criterion by its definition, with every value at the middle of its grey level."""
    edges = np.arange(1, LEVELS) * 2 / LEVELS - 1
    level = np.searchsorted(edges, index.astype(float), "right")
    middle = (level + 0.5) * 2 / LEVELS - 1
    low, high = middle[middle <= threshold], middle[middle > threshold]
    if not low.size or not high.size:
        return 0.0
    return low.size * high.size * (high.mean() - low.mean()) ** 2


@given(grey)
@example(np.array([-7e-26, 1], np.float32))
def test_no_threshold_parts_better_than_otsus(index: np.ndarray) -> None:
    best = max(between(index, -1 + 2 * step / LEVELS) for step in range(LEVELS + 1))
    assert between(index, otsu(index)) == pytest.approx(best, rel=1e-9, abs=1e-12)


def test_otsu_falls_between_two_humps() -> None:
    rng = np.random.default_rng(5)
    index = np.concatenate([rng.normal(-0.5, 0.05, 3000), rng.normal(0.4, 0.05, 1000)]).astype(np.float32)
    assert np.array_equal(index > otsu(index), np.arange(4000) >= 3000)


def test_otsu_of_one_value_or_none_is_a_number() -> None:
    assert -1 <= otsu(np.full(9, 0.25, np.float32)) <= 1
    assert -1 <= otsu(np.zeros(0, np.float32)) <= 1


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.float32])
def test_ndwi_counts_the_pixels_of_the_tiles(tmp_path: Path, dtype: type) -> None:
    rng = np.random.default_rng(1)
    green, infrared = rng.integers(0, 3000, (2, 40, 50)).astype(dtype)
    mask = rng.integers(0, 2, (40, 50)).astype(np.uint8)
    mask[3:9, 4:20] = 255
    green[20:24, :9] = infrared[20:24, :9] = 0
    scenes = folder_of(tmp_path, green, infrared, mask, nodata=0)
    counts = score_index(scenes, cut(scenes, CHANNELS, Tiling(tile_px=16)), THRESHOLDS["ndwi"])
    inside, known = np.zeros((40, 50), bool), (mask != 255) & ((green != 0) | (infrared != 0))
    inside[:32, :48] = True
    wet, true = green > infrared, mask == 1
    assert counts == Confusion(
        int((inside & known & wet & true).sum()),
        int((inside & known & wet & ~true).sum()),
        int((inside & known & ~wet & true).sum()),
        int((inside & known & ~wet & ~true).sum()),
    )


def test_a_scene_smaller_than_a_tile_counts(tmp_path: Path) -> None:
    green = np.full((20, 30), 500, np.uint16)
    infrared = np.where(np.arange(30) < 10, 100, 900).astype(np.uint16) + np.zeros((20, 1), np.uint16)
    scenes = folder_of(tmp_path, green, infrared, (infrared < green).astype(np.uint8))
    for threshold in THRESHOLDS.values():
        counts = score_index(scenes, cut(scenes, CHANNELS, Tiling(tile_px=32)), threshold)
        assert counts == Confusion(true_water=200, true_land=400)


def test_otsu_is_of_each_scene_alone(tmp_path: Path) -> None:
    """Two scenes whose land and water lie elsewhere, both parted right."""
    wet = np.arange(32) < 8
    for name, low, high in (("a", 100, 300), ("b", 700, 1500)):
        green, infrared = np.full((32, 32), 500, np.uint16), np.tile(np.where(wet, low, high), (32, 1))
        write(tmp_path / f"images/{name}.tif", np.stack([green, infrared.astype(np.uint16)]), ("B03", "B08"))
        write(tmp_path / f"masks/{name}.tif", np.tile(wet.astype(np.uint8), (32, 1))[None])
    scenes = scan(tmp_path)
    tiles = cut(scenes, CHANNELS, Tiling(tile_px=32))
    assert score_index(scenes, tiles, THRESHOLDS["otsu"]).miou == 100
    assert score_index(scenes, tiles, THRESHOLDS["ndwi"]).miou < 50


def test_the_real_scene_with_six_bands_agrees_with_what_is_known_of_it(shared: Path, tmp_path: Path) -> None:
    """shared/data/README.md: NDWI > 0 has an IoU of 0.813 on it. Here whole tiles of 64 px, all but a margin, count."""
    with rasterio.open(shared / "data/esw/sixband/S2A_L2A_20190817_N0213_R089_6Bands_S2.tif") as file:
        values = file.read()
    with rasterio.open(shared / "data/esw/train/masks/S2A_L2A_20190817_N0213_R089_S2.tif") as file:
        mask = file.read(1).astype(np.uint8)
    scenes = folder_of(tmp_path, values[1], values[3], mask)
    counts = score_index(scenes, cut(scenes, CHANNELS, Tiling(tile_px=64)), THRESHOLDS["ndwi"])
    assert counts.iou_water == pytest.approx(81.3, abs=2)


def test_colours_and_missing_bands_are_refused(tmp_path: Path, shared: Path) -> None:
    scenes = scan(shared / "data/esw/val")
    with pytest.raises(DataError, match="8-bit colours, not reflectances"):
        cut(scenes[:1], CHANNELS, Tiling())
    bands = np.ones((2, 32, 32), np.uint16)
    write(tmp_path / "images/a.tif", bands, ("B03", "B04"))
    write(tmp_path / "masks/a.tif", np.zeros((1, 32, 32), np.uint8))
    with pytest.raises(DataError, match="no band B08; it has B03, B04"):
        cut(scan(tmp_path), CHANNELS, Tiling(tile_px=32))
    write(tmp_path / "images/a.tif", bands)
    with pytest.raises(DataError, match="without names"):
        cut(scan(tmp_path), CHANNELS, Tiling(tile_px=32))
