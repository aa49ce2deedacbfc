"""A georeferenced scene, read stripe by stripe and shown as the network was shown its tiles.

What is shown, where it is valid and how it is stretched agree with orbitfl's own reading of a data folder; a test of
orbitfl holds both together.
"""

import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp, Interleaving, MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from orbitfl_edge.bundle import Spec
from orbitfl_edge.files import require_text
from orbitfl_edge.percentiles import KINDS, percentiles
from orbitfl_edge.problems import EdgeError

GDAL_ERRORS = (RasterioError, CPLE_BaseError)
"""rasterio wraps most of GDAL's own errors, but lets some through, on a full disk for one."""

MOST_PIXELS = 2_000_000_000
MOST_WIDTH_PX = 2**18
"""A row of tiles has to fit into memory."""
STRIPE_PX = 256
LARGEST_BLOCK_BYTE = 2**28
GDAL_CACHE_BYTE = 64 * 2**20
DARKEST = 16
"""8-bit colours that never exceed it are not colours over 0 to 255."""
MOST_DIRECTORIES = 64
"""Of a file with a mask of its own: the scene, its overviews, and as many masks."""
MASKS_BESIDE = (".msk", ".MSK")
HEADERS = ("crs", "colorinterp", "transform", "gcps", "rpcs", "mask_flag_enums", "colorinterp")
ALPHA_KINDS = ("uint8", "uint16")
IN_ORDER = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


@dataclass(frozen=True)
class Stretch:
    """Numbers mapped linearly to 0..255 between `low` and `high`, each (3,) float32."""

    low: NDArray[np.float32]
    high: NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """An open file. numbers: of the bands shown as red, green and blue, from 1. stretch: None leaves 8 bits alone."""

    path: Path
    file: DatasetReader
    numbers: tuple[int, ...]
    stretch: Stretch | None

    @property
    def height_px(self) -> int:
        return int(self.file.height)

    @property
    def width_px(self) -> int:
        return int(self.file.width)

    def shown(self, row: int, count: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Rows from `row` as colours (count, width, 3) and where they are valid (count, width).

        Raises EdgeError where the file is damaged.
        """
        values, valid = _read(self.file, self.numbers, self.path, row, count)
        return np.moveaxis(_to_8_bit(values, valid, self.stretch), 0, -1), valid


@contextmanager
def open_scene(path: Path, spec: Spec, bands: tuple[int, ...] | None) -> Iterator[Scene]:
    """The scene, read through once for its stretch, so that what is damaged shows before any work is done.

    bands: their numbers in the file; None finds them by name. Raises EdgeError for a file that cannot be used.
    """
    with _opened(path) as file:
        numbers = _numbers(path, file, spec.channels) if bands is None else _given(path, file, bands)
        _check(path, file, numbers, spec)
        yield Scene(path, file, numbers, _surveyed(path, file, numbers, spec))


@contextmanager
def _opened(path: Path) -> Iterator[DatasetReader]:
    require_text(path)
    if not path.is_file():
        raise EdgeError(f"There is no scene {path}; give a GeoTIFF.")
    # Without the list of a folder GDAL looks for no mask but by the names in MASKS_BESIDE.
    options = {"GDAL_CACHEMAX": GDAL_CACHE_BYTE, "GDAL_DISABLE_READDIR_ON_OPEN": True}
    with warnings.catch_warnings(), rasterio.Env(**options), ExitStack() as stack:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        require_plain_mask(path)
        try:
            file = stack.enter_context(_whole(path))
        except GDAL_ERRORS as error:
            raise EdgeError(f"{path} is damaged or no GeoTIFF; fetch it again.") from error
        yield file


def require_plain_mask(path: Path) -> None:
    """Raises EdgeError where a mask beside the GeoTIFF at `path` is none: GDAL would open it by any driver, such as one
    that fetches from the network."""
    for beside in (path.with_name(path.name + ending) for ending in MASKS_BESIDE):
        # Not exists(), which fails where the name is longer than one may be.
        if os.path.lexists(beside):
            try:
                with rasterio.open(beside, driver="GTiff") as mask:
                    _check_blocks(beside, mask)
            except GDAL_ERRORS as error:
                raise EdgeError(
                    f"{beside} is damaged or no GeoTIFF, as the mask of a scene has to be; remove or fetch it again."
                ) from error


class _Lost(logging.Handler):
    """Keeps what GDAL says of tags that it could not read: it only warns, and goes on without names or place."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if "IO error" in text or "corrupt" in text:
            self.told.append(text)


@contextmanager
def _whole(path: Path) -> Iterator[DatasetReader]:
    logger, lost = logging.getLogger("rasterio._env"), _Lost()
    logger.addHandler(lost)
    with ExitStack() as stack:
        try:
            # Only the GeoTIFF driver: other formats under this name could point to further files or the network.
            file = stack.enter_context(rasterio.open(path, driver="GTiff"))
            read_headers(file)
        finally:
            logger.removeHandler(lost)
        if lost.told:
            raise EdgeError(f"{path} is damaged or cut off, GDAL cannot read all its tags; fetch it again.")
        yield file


def read_headers(file: DatasetReader) -> None:
    """GDAL reads where a scene lies when it is asked, and rasterio raises what was wrong with that in the next look at
    the bands' colours, unless other questions come between. So those are asked for last once more: what stands beside a
    scene may be damaged, too."""
    for name in HEADERS:
        getattr(file, name)


def _numbers(path: Path, file: DatasetReader, channels: tuple[str, ...]) -> tuple[int, ...]:
    described = _described(file)
    if described is None:
        raise EdgeError(
            f"{path} has names of bands that are not UTF-8; say with --bands which are {', '.join(channels)}, such as "
            "--bands 3,2,1, or name them anew."
        )
    names = [_standard(name) for name in described]
    if any(names):
        if missing := [channel for channel in channels if _standard(channel) not in names]:
            raise EdgeError(
                f"{path} has no band {', '.join(missing)}, it has {', '.join(filter(None, names))}; give a scene with "
                "these bands, or say with --bands which numbers they have."
            )
        return tuple(names.index(_standard(channel)) + 1 for channel in channels)
    if len(names) != len(channels):
        raise EdgeError(
            f"{path} has {len(names)} bands without names; say with --bands which are {', '.join(channels)}, "
            "such as --bands 3,2,1."
        )
    if set(file.colorinterp) == set(IN_ORDER) and tuple(file.colorinterp) != IN_ORDER:
        raise EdgeError(f"{path} does not hold red, green and blue in this order; say with --bands where they are.")
    return tuple(range(1, len(channels) + 1))


def _described(file: DatasetReader) -> tuple[str, ...] | None:
    """The bands' names, "" where there is none; None where one is not UTF-8."""
    try:
        return tuple(name or "" for name in file.descriptions)
    except UnicodeDecodeError:
        return None


def _standard(name: str) -> str:
    """B4, b04 and B04 are one band."""
    return re.sub(r"^B(\d)$", r"B0\1", name.strip().upper())


def _given(path: Path, file: DatasetReader, bands: tuple[int, ...]) -> tuple[int, ...]:
    if wrong := [band for band in bands if not 1 <= band <= file.count]:
        raise EdgeError(f"{path} has no band number {wrong[0]}; it has {file.count}.")
    return bands


def _check(path: Path, file: DatasetReader, numbers: tuple[int, ...], spec: Spec) -> None:
    kinds = {file.dtypes[number - 1] for number in numbers}
    if len(kinds) > 1 or not kinds <= set(KINDS):
        raise EdgeError(f"{path} holds {', '.join(sorted(kinds))}; write it as one of {', '.join(KINDS)}.")
    if spec.stretch == "none" and kinds != {"uint8"}:
        raise EdgeError(
            f"{path} holds {min(kinds)}, but this network was shown 8-bit colours; stretch the scene first."
        )
    if ColorInterp.palette in (file.colorinterp[number - 1] for number in numbers):
        raise EdgeError(
            f"{path} holds numbers of a palette's colours; write the colours themselves first, such as by "
            "gdal_translate -expand rgb."
        )
    if file.transform.b or file.transform.d:
        raise EdgeError(
            f"{path} is rotated against its coordinate system; warp it north up first, such as by gdalwarp."
        )
    _check_blocks(path, file)
    if any(map(_has_mask, file.mask_flag_enums)):
        require_small_pieces(path)
    if file.width > MOST_WIDTH_PX:
        raise EdgeError(f"{path} is {file.width} pixels wide, more than {MOST_WIDTH_PX}; cut it into parts.")
    if file.height * file.width > MOST_PIXELS:
        raise EdgeError(f"{path} has {file.height} × {file.width} pixels, more than {MOST_PIXELS}; cut it into parts.")


def _check_blocks(path: Path, file: DatasetReader) -> None:
    if (block_byte := _block_byte(file)) > LARGEST_BLOCK_BYTE:
        raise EdgeError(
            f"{path} is stored in pieces of {block_byte} bytes, more than {LARGEST_BLOCK_BYTE}, each of which is read "
            "whole; store it in tiles first, such as by gdal_translate -co TILED=YES."
        )


def require_small_pieces(path: Path) -> None:
    """Of all images behind the first that the file holds: rasterio does not tell which is the mask. GDAL counts them
    from 1."""
    for number in range(2, MOST_DIRECTORIES + 1):
        try:
            with rasterio.open(f"GTIFF_DIR:{number}:{path}", driver="GTiff") as directory:
                _check_blocks(path, directory)
        except GDAL_ERRORS as error:
            # One that cannot be opened is not the last.
            if "not found" in str(error):
                return
    raise EdgeError(
        f"{path} has a mask and {MOST_DIRECTORIES} images or more; write the first alone, such as by gdal_translate."
    )


def _block_byte(file: DatasetReader) -> int:
    """The most of what GDAL unpacks at once: a tile or strip, of all bands where they are stored side by side."""
    together = file.count if file.interleaving == Interleaving.pixel else 1
    sizes = [np.dtype(kind).itemsize for kind in file.dtypes]
    return together * max(rows * columns * size for (rows, columns), size in zip(file.block_shapes, sizes, strict=True))


def _surveyed(path: Path, file: DatasetReader, numbers: tuple[int, ...], spec: Spec) -> Stretch | None:
    kind = file.dtypes[numbers[0] - 1]
    ends = percentiles(lambda: _valid_numbers(path, file, numbers), kind, (0, 2, 98, 100))
    least, low, high, most = ends.astype(np.float32).T
    if kind == "uint8" and spec.stretch != "percentile":
        if most.max() <= DARKEST:
            raise EdgeError(
                f"{path} holds no number above {most.max():g}, but colours from 0 to 255 are expected; check the file."
            )
        return None
    if (least == most).all():
        raise EdgeError(
            f"{path} has one number in every valid pixel, so there is nothing to stretch to colours by; give a larger "
            "part of the scene, or check the file."
        )
    return Stretch(low, high)


def _valid_numbers(path: Path, file: DatasetReader, numbers: tuple[int, ...]) -> Iterator[NDArray]:
    found = False
    for row in range(0, file.height, STRIPE_PX):
        values, valid = _read(file, numbers, path, row, min(STRIPE_PX, file.height - row))
        if valid.any():
            found = True
            yield values[:, valid]
    if not found:
        raise EdgeError(f"{path} has no valid pixel: all of it is nodata, so there is no mask to draw.")


def _read(
    file: DatasetReader, numbers: tuple[int, ...], path: Path, row: int, count: int
) -> tuple[NDArray, NDArray[np.bool_]]:
    """Bands (3, count, width), and where not all of them hold nodata, none is masked and each is finite."""
    window = Window(0, row, file.width, count)  # type: ignore[call-arg]
    try:
        values = file.read(list(numbers), window=window)
        masked = _masked(file, numbers, window)
    except GDAL_ERRORS as error:
        raise EdgeError(f"{path} is damaged or cut off near row {row}; fetch it again.") from error
    nodata = [file.nodatavals[number - 1] for number in numbers]
    empty = [_equals(band, value) for band, value in zip(values, nodata, strict=True)]
    valid = ~(np.logical_and.reduce(empty) | masked)
    return values, valid & np.isfinite(values).all(axis=0) if values.dtype.kind == "f" else valid


def _masked(file: DatasetReader, numbers: tuple[int, ...], window: Window) -> NDArray[np.bool_] | bool:
    """Where the file's own mask or alpha band leaves a pixel out; masks that GDAL makes up of nodata are none."""
    own = [number for number in numbers if _has_mask(file.mask_flag_enums[number - 1])]
    masked = (file.read_masks(own, window=window) == 0).any(axis=0) if own else False
    alpha = _alpha(file)
    return masked if alpha is None else masked | (file.read(alpha, window=window) == 0)


def _has_mask(flags: list[MaskFlags]) -> bool:
    """One of the file's own, or of its tag NODATA_VALUES, which leaves out where every band has its value."""
    return MaskFlags.alpha not in flags and flags not in ([MaskFlags.all_valid], [MaskFlags.nodata])


def _alpha(file: DatasetReader) -> int | None:
    """The number of the alpha band, the last, where there is one. GDAL hides it from whoever asks for masks beside
    nodata, and knows it as a mask beside one or three other bands alone.

    A fourth band of 8 bits is written as alpha by default: one that has a band's name is not a mask.
    """
    known = file.count > 1 and file.colorinterp[-1] == ColorInterp.alpha and file.dtypes[-1] in ALPHA_KINDS
    name = (_described(file) or ("",))[-1]
    return file.count if known and _standard(name or "ALPHA") == "ALPHA" else None


def _equals(values: NDArray, nodata: float | None) -> NDArray[np.bool_]:
    if nodata is None:
        return np.zeros(values.shape, bool)
    return np.isnan(values) if np.isnan(nodata) else values == nodata


def _to_8_bit(values: NDArray, valid: NDArray[np.bool_], stretch: Stretch | None) -> NDArray[np.uint8]:
    if stretch is None:
        return np.where(valid, values, np.uint8(0))
    low, high = stretch.low[:, None, None], stretch.high[:, None, None]
    span = np.where(high > low, high - low, np.float32(1))
    with np.errstate(invalid="ignore"):
        scaled = (np.clip(values.astype(np.float32), low, high) - low) * (np.float32(255) / span)
        return np.where(valid, np.rint(scaled), 0).astype(np.uint8)
