"""Small GeoTIFFs made by rasterio itself, not by the writer under test."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio import Affine


def write_tif(
    path: Path,
    bands: NDArray,
    names: tuple[str, ...] = (),
    nodata: float | None = None,
    corner_m: float = 500_000,
    **more,
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = bands.shape
    shape = {"count": count, "height": height, "width": width, "dtype": bands.dtype, "nodata": nodata}
    place = {"crs": "EPSG:32722", "transform": Affine(10, 0, corner_m, 0, -10, 6_700_000)}
    with rasterio.open(path, "w", driver="GTiff", **shape, **place, **more) as file:
        file.write(bands)
        if names:
            file.descriptions = names
    return path


@pytest.fixture
def tif():
    return write_tif


@pytest.fixture
def pair(tmp_path: Path):
    """A data folder with one scene of 3 × 40 × 50 random uint16 and its mask; returns the folder."""
    rng = np.random.default_rng(0)
    image = rng.integers(1, 9000, (3, 40, 50), np.uint16)
    write_tif(tmp_path / "images" / "a.tif", image, ("B02", "B03", "B04"))
    write_tif(tmp_path / "masks" / "a.tif", rng.integers(0, 2, (1, 40, 50)).astype(np.uint8))
    return tmp_path
