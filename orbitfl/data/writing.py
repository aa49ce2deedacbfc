"""Synthetic scenes written as a data folder of real GeoTIFFs, which `folder` reads like any other."""

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio import Affine

from orbitfl.data.spectra import BANDS
from orbitfl.data.synth import synthesize
from orbitfl.files import new_folder
from orbitfl.progress import Count, uncounted

PIXEL_M = 10.0
EPSG = 32633


def write_scenes(
    folder: Path,
    count: int,
    seed: int,
    size_px: int = 512,
    on_progress: Count = uncounted,
) -> None:
    """Write `count` synthetic scenes as images/*.tif and masks/*.tif of a new folder.

    Images are six bands of uint16 reflectance × 10⁴ (B02, B03, B04, B08, B11, B12), masks uint8 0/1, both in
    UTM zone 33N at 10 m. Equal arguments give equal bytes. The folder appears whole or not at all;
    `on_progress` is told how many of how many scenes are written. Raises StorageError when the place is taken
    or cannot be written.
    """
    with new_folder(folder) as beside:
        for part in ("images", "masks"):
            (beside / part).mkdir()
        for index in range(count):
            scene = synthesize(scene_seed(seed, index), size_px)
            name = f"synthetic_{index:05d}.tif"
            place = _place(index, size_px)
            _write(beside / "images" / name, scene.reflectance, BANDS, place)
            _write(beside / "masks" / name, scene.water[None], ("water",), place)
            on_progress(index + 1, count)


def scene_seed(seed: int, index: int) -> int:
    """The seed of scene number `index` of the set `seed`; scenes of different sets do not repeat."""
    return int(np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)[0])


def _place(index: int, size_px: int) -> Affine:
    """Scenes lie side by side without overlap, in rows of 64 so that they stay near their UTM zone."""
    row, column = divmod(index, 64)
    side_m = size_px * PIXEL_M
    return Affine(PIXEL_M, 0, 300_000 + column * side_m, 0, -PIXEL_M, 5_000_000 - row * side_m)


def _write(path: Path, bands: NDArray[np.uint8] | NDArray[np.uint16], names: tuple[str, ...], place: Affine) -> None:
    count, height_px, width_px = bands.shape
    layout = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate", "predictor": 2}
    with (
        rasterio.Env(),
        rasterio.open(
            path,
            "w",
            driver="GTiff",
            dtype=bands.dtype,
            count=count,
            height=height_px,
            width=width_px,
            crs=f"EPSG:{EPSG}",
            transform=place,
            **layout,
        ) as file,
    ):
        file.write(bands)
        file.descriptions = names
