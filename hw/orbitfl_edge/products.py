"""What becomes of a mask: a cloud-optimised GeoTIFF, polygons, and the few bytes that are sent to the ground."""

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.features import shapes
from rasterio.io import DatasetReader
from rasterio.shutil import copy
from rasterio.warp import transform_geom
from rasterio.windows import Window

from orbitfl_edge.files import cannot_write, replacing
from orbitfl_edge.problems import EdgeError
from orbitfl_edge.scene import GDAL_ERRORS
from orbitfl_edge.segmenting import UNKNOWN, WATER

STRIPE_PX = 512
Mask = NDArray[np.uint8]


def write_geotiff(path: Path, mask: Mask, like: DatasetReader, scratch: Path) -> None:
    """`mask` (height, width) at the place of `like`, cloud-optimised. Raises PlaceError; `path` appears whole or not.

    It is read back before it takes its name: on a full disk GDAL does not always tell.
    """
    plain, optimised = scratch / "plain.tif", scratch / "optimised.tif"
    try:
        _write_plain(plain, mask, like)
        copy(plain, optimised, driver="COG", compress="DEFLATE", blocksize=STRIPE_PX, overview_resampling="NEAREST")
        if not _holds(optimised, mask):
            raise OSError("what was written reads otherwise")
        with replacing(path) as beside:
            optimised.replace(beside)
    except (*GDAL_ERRORS, OSError) as error:
        raise cannot_write(path, error) from error
    finally:
        for left in (plain, optimised):
            left.unlink(missing_ok=True)


def _write_plain(path: Path, mask: Mask, like: DatasetReader) -> None:
    height, width = mask.shape
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "height": height, "width": width, "nodata": UNKNOWN}
    place = {"crs": like.crs, "transform": like.transform} if like.crs or not like.transform.is_identity else {}
    tiles = {"tiled": True, "blockxsize": STRIPE_PX, "blockysize": STRIPE_PX, "compress": "deflate"}
    with rasterio.open(path, "w", BIGTIFF="IF_SAFER", **profile, **place, **tiles) as file:
        file.descriptions = ("water",)
        for row, stripe in _stripes(mask):
            file.write(stripe, 1, window=Window(0, row, width, len(stripe)))  # type: ignore[call-arg]


def _holds(path: Path, mask: Mask) -> bool:
    with rasterio.open(path, driver="GTiff") as file:
        return file.shape == mask.shape and all(
            np.array_equal(file.read(1, window=Window(0, row, mask.shape[1], len(stripe))), stripe)  # type: ignore[call-arg]
            for row, stripe in _stripes(mask)
        )


def _stripes(mask: Mask) -> Iterator[tuple[int, Mask]]:
    return ((row, np.asarray(mask[row : row + STRIPE_PX])) for row in range(0, len(mask), STRIPE_PX))


def write_polygons(path: Path, mask: Mask, like: DatasetReader) -> int:
    """Water as GeoJSON (RFC 7946: longitude and latitude on WGS 84); returns how many polygons there are.

    Raises EdgeError for a scene without a coordinate system, PlaceError where it cannot be written.
    """
    if like.crs is None:
        raise EdgeError(f"{like.name} has no coordinate system, so there is no place for polygons; leave out --vector.")
    water = np.asarray(mask == WATER)
    found = shapes(water.astype(np.uint8), mask=water, connectivity=8, transform=like.transform)
    count = 0
    with replacing(path) as beside, beside.open("w", encoding="ascii") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for geometry, _ in found:
            file.write("\n" if count == 0 else ",\n")
            file.write(json.dumps(_feature(transform_geom(like.crs, "EPSG:4326", geometry, precision=7))))
            count += 1
        file.write("\n]}\n")
    return count


def _feature(geometry: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"class": "water"}, "geometry": geometry}


def write_packed(path: Path, mask: Mask) -> int:
    """One bit a pixel, row by row and most significant bit first, through DEFLATE (RFC 1950); returns the bytes.

    Its shape has to be known to read it, and what is not known is land in it.
    """
    packer = zlib.compressobj(9)
    with replacing(path) as beside, beside.open("wb") as file:
        for _, stripe in _stripes(mask):  # A whole number of bytes each, but for the last.
            file.write(packer.compress(np.packbits(stripe == WATER).tobytes()))
        file.write(packer.flush())
    return path.stat().st_size
