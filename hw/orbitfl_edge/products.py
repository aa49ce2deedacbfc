"""What becomes of a mask: a cloud-optimised GeoTIFF, and the few bytes that are sent to the ground."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.io import DatasetReader, MemoryFile
from rasterio.shutil import copy
from rasterio.windows import Window

from orbitfl_edge.files import cannot_write, replacing
from orbitfl_edge.problems import EdgeError
from orbitfl_edge.scene import GDAL_ERRORS
from orbitfl_edge.segmenting import UNKNOWN, WATER

STRIPE_PX = 512
Mask = NDArray[np.uint8]


@contextmanager
def geotiff(path: Path, mask: Mask, like: DatasetReader, scratch: Path) -> Iterator[Path]:
    """`mask` (height, width) at the place of `like`, cloud-optimised: a file that takes the name `path` if the block
    ends well.

    It is read back first: on a full disk GDAL does not always tell. Raises PlaceError; `path` appears whole or not.
    """
    plain, optimised = scratch / "plain.tif", scratch / "optimised.tif"
    try:
        try:
            _write_plain(plain, mask, like)
            copy(plain, optimised, driver="COG", compress="DEFLATE", blocksize=STRIPE_PX, overview_resampling="NEAREST")
            if not _holds(optimised, mask):
                raise OSError("what was written reads otherwise")
            plain.unlink()
        except (*GDAL_ERRORS, OSError) as error:
            raise cannot_write(path, error) from error
        yield optimised
        with replacing(path) as beside:
            optimised.replace(beside)
    finally:
        for left in (plain, optimised):
            left.unlink(missing_ok=True)


def require_kept(path: Path, like: DatasetReader) -> None:
    """Raises EdgeError where a GeoTIFF cannot hold the place of the scene at `path`: what it cannot hold, GDAL keeps in
    a file beside it, which a mask does not have."""
    pixel = {"driver": "GTiff", "dtype": "uint8", "count": 1, "height": 1, "width": 1}
    with MemoryFile() as memory:
        with memory.open(**pixel, **_place(like)):
            pass
        with memory.open(driver="GTiff") as file:
            if len(file.files) == 1:
                return
    raise EdgeError(
        f"{path} has a coordinate system that a GeoTIFF cannot hold; warp it to one that it can, such as by gdalwarp "
        "-t_srs."
    )


def _write_plain(path: Path, mask: Mask, like: DatasetReader) -> None:
    height, width = mask.shape
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "height": height, "width": width, "nodata": UNKNOWN}
    tiles = {"tiled": True, "blockxsize": STRIPE_PX, "blockysize": STRIPE_PX, "compress": "deflate"}
    with rasterio.open(path, "w", BIGTIFF="IF_SAFER", **profile, **_place(like), **tiles) as file:
        file.descriptions = ("water",)
        for row, stripe in _stripes(mask):
            file.write(stripe, 1, window=Window(0, row, width, len(stripe)))  # type: ignore[call-arg]


def _place(like: DatasetReader) -> dict[str, Any]:
    """Corner and coordinate system, control points, or an imaging model: a scene as it was taken has no corner."""
    points, crs = like.gcps
    if points:
        place = {"gcps": points, "crs": crs or CRS()}
    else:
        place = {"crs": like.crs, "transform": like.transform} if like.crs or not like.transform.is_identity else {}
    return {**place, "rpcs": like.rpcs} if like.rpcs else place


def _holds(path: Path, mask: Mask) -> bool:
    with rasterio.open(path, driver="GTiff") as file:
        return file.shape == mask.shape and all(
            np.array_equal(file.read(1, window=Window(0, row, mask.shape[1], len(stripe))), stripe)  # type: ignore[call-arg]
            for row, stripe in _stripes(mask)
        )


def water_share(mask: Mask) -> float:
    return sum(int(np.count_nonzero(stripe == WATER)) for _, stripe in _stripes(mask)) / mask.size


def _stripes(mask: Mask) -> Iterator[tuple[int, Mask]]:
    return ((row, np.asarray(mask[row : row + STRIPE_PX])) for row in range(0, len(mask), STRIPE_PX))


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
