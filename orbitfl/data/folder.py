"""A data folder: `images/*.tif` and `masks/*.tif` of the same names, any band count and number type.

Masks hold 0 for land and 1 for water; their nodata value, -1 and 255 mean "not known". Nothing else is
accepted, because a 2 or a 200 may mean cloud, flood or probability, and guessing would train on a wrong
truth.
"""

import os
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio import Affine
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader

from orbitfl.data.tiles import IGNORE
from orbitfl.errors import DataError

MOST_PIXELS: Final = 400_000_000
"""Scenes beyond this are refused before anything is allocated; a whole Sentinel-2 granule has 121 million."""


HEADERS: Final = ("crs", "colorinterp", "transform", "gcps", "rpcs", "mask_flag_enums")
ALPHA_KINDS: Final = ("uint8", "uint16")
MASKS_BESIDE: Final = (".msk", ".MSK")


@dataclass(frozen=True, slots=True)
class Scene:
    """One georeferenced image and its mask, as their headers describe them; nothing is read yet.

    `band_names` are the image's band descriptions, "" where there is none; `crs` is None without
    georeference.
    """

    name: str
    image_path: Path
    mask_path: Path
    height_px: int
    width_px: int
    band_names: tuple[str, ...]
    dtype: str
    crs: CRS | None
    transform: Affine


def scan(folder: Path) -> tuple[Scene, ...]:
    """The scenes of a data folder, by name.

    Raises DataError when the folder is missing or empty, a scene and its mask do not stand together in name,
    size and place, or a file is not a readable GeoTIFF.
    """
    images, masks = _files(folder / "images"), _files(folder / "masks")
    for name in sorted(images.keys() ^ masks.keys()):
        have, lack = ("images", "masks") if name in images else ("masks", "images")
        raise DataError(
            f"{folder / have / name}.tif has no counterpart in {folder / lack}. "
            "Add the missing file or remove this one."
        )
    return tuple(_scene(images[name], masks[name]) for name in sorted(images))


def read_bands(scene: Scene, bands: Sequence[str]) -> tuple[NDArray, NDArray[np.bool_]]:
    """The named bands (len(bands), H, W) in the file's own numbers, and where they are valid (H, W).

    A pixel is invalid where all these bands hold nodata (a single dark zero is not a gap), any is not finite, or the
    file's own mask or alpha band leaves it out. Raises DataError when a band is not there or the file is damaged.
    """
    numbers = band_numbers(scene, bands)
    with _opened(scene.image_path) as file:
        values = file.read(numbers)
        masked = _masked(file, numbers)
        nodata = [file.nodatavals[number - 1] for number in numbers]
    empty = [_equals(band, value) for band, value in zip(values, nodata, strict=True)]
    valid = ~(np.logical_and.reduce(empty) | masked)
    return values, valid & np.isfinite(values).all(axis=0) if values.dtype.kind == "f" else valid


def read_reflectance(scene: Scene, bands: Sequence[str]) -> tuple[NDArray, NDArray[np.bool_]]:
    """As `read_bands`, for indices: by name alone, and no 8-bit colours, whose bands were stretched one by one.

    Raises DataError for such a scene, and as `read_bands` does.
    """
    if scene.dtype == "uint8":
        raise DataError(
            f"{scene.image_path} holds 8-bit colours, not reflectances, so an index of its bands means nothing. "
            "Take the scene as it was before it was stretched."
        )
    if not any(scene.band_names):
        raise DataError(
            f"{scene.image_path} has bands without names, but an index needs {', '.join(bands)}. "
            "Write the band descriptions into the file."
        )
    return read_bands(scene, bands)


def read_mask(scene: Scene) -> NDArray[np.uint8]:
    """The mask (H, W): 0 land, 1 water, IGNORE not known. Raises DataError for other values or a damaged
    file.
    """
    with _opened(scene.mask_path) as file:
        values, nodata = file.read(1), file.nodata
    if nodata in (0, 1):
        raise DataError(
            f"{scene.mask_path} declares {nodata:g} as nodata, but 0 is land and 1 is water. "
            "Unset its nodata value or choose 255."
        )
    land, water = values == 0, values == 1
    unknown = _equals(values, nodata) | (values == -1) | (values == IGNORE)
    strange = ~(land | water | unknown)
    if strange.any():
        raise DataError(
            f"{scene.mask_path} holds the value {values[strange][0]:g}. A mask has 0 for land, 1 for water "
            "and nodata, -1 or 255 for not known: recode it."
        )
    return np.where(unknown, IGNORE, water).astype(np.uint8)


def require_readable(scene: Scene) -> NDArray[np.uint8]:
    """Read every band to the last pixel, one at a time; returns the mask as `read_mask` does, and raises as it does."""
    with _opened(scene.image_path) as file:
        for number in file.indexes:
            file.read(number)
    return read_mask(scene)


def band_numbers(scene: Scene, bands: Sequence[str]) -> list[int]:
    """The 1-based numbers of `bands` in the image: by description or, without any, in order if the count
    agrees.
    """
    names = [_standard(name) for name in scene.band_names]
    if not any(names) and len(names) == len(bands):
        return list(range(1, len(bands) + 1))
    if not any(names):
        raise DataError(
            f"{scene.image_path} has {len(names)} bands without names, but {', '.join(bands)} are asked for. "
            "Write the band descriptions into the file or name all its bands in order."
        )
    missing = [band for band in bands if _standard(band) not in names]
    if missing:
        raise DataError(
            f"{scene.image_path} has no band {', '.join(missing)}; it has {', '.join(scene.band_names)}. "
            "Ask for these or correct the descriptions in the file."
        )
    return [names.index(_standard(band)) + 1 for band in bands]


def _masked(file: DatasetReader, numbers: Sequence[int]) -> NDArray[np.bool_] | bool:
    """Where the file's own mask or alpha band leaves a pixel out; masks that GDAL makes up of nodata are none."""
    own = [number for number in numbers if _has_mask(file.mask_flag_enums[number - 1])]
    masked = (file.read_masks(own) == 0).any(axis=0) if own else False
    alpha = _alpha(file)
    return masked if alpha is None else masked | (file.read(alpha) == 0)


def _has_mask(flags: list[MaskFlags]) -> bool:
    """One of the file's own, or of its tag NODATA_VALUES, which leaves out where every band has its value."""
    return MaskFlags.alpha not in flags and flags not in ([MaskFlags.all_valid], [MaskFlags.nodata])


def _alpha(file: DatasetReader) -> int | None:
    """The number of the alpha band, the last, where there is one. GDAL hides it from whoever asks for masks beside
    nodata, and knows it as a mask beside one or three other bands alone.

    A fourth band of 8 bits is written as alpha by default: one that has a band's name is not a mask.
    """
    known = file.count > 1 and file.colorinterp[-1] == ColorInterp.alpha and file.dtypes[-1] in ALPHA_KINDS
    return file.count if known and _standard(file.descriptions[-1] or "ALPHA") == "ALPHA" else None


def _standard(name: str) -> str:
    """B4, b04 and B04 are one band."""
    return re.sub(r"^B(\d)$", r"B0\1", name.strip().upper())


def _files(folder: Path) -> dict[str, Path]:
    found = {path.stem: path for path in sorted(folder.glob("*.tif")) if not path.name.startswith(".")}
    if not found:
        raise DataError(
            f"{folder} holds no .tif file. A data folder has images/*.tif and masks/*.tif of the same names."
        )
    return found


def _scene(image_path: Path, mask_path: Path) -> Scene:
    with _opened(image_path) as image, _opened(mask_path) as mask:
        _check_alike(image_path, image, mask_path, mask)
        return Scene(
            name=image_path.stem,
            image_path=image_path,
            mask_path=mask_path,
            height_px=image.height,
            width_px=image.width,
            band_names=_band_names(image_path, image),
            dtype=image.dtypes[0],
            crs=image.crs,
            transform=image.transform,
        )


def _band_names(path: Path, file: DatasetReader) -> tuple[str, ...]:
    try:
        return tuple(name or "" for name in file.descriptions)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} has band descriptions that are not UTF-8. Write them anew.") from error


def _check_alike(image_path: Path, image: DatasetReader, mask_path: Path, mask: DatasetReader) -> None:
    if mask.count != 1:
        raise DataError(f"{mask_path} has {mask.count} bands. A mask has one: write the water band alone.")
    if image.shape != mask.shape:
        raise DataError(
            f"{mask_path} has {mask.height} × {mask.width} pixels, "
            f"{image_path} has {image.height} × {image.width}. Resample the mask to the grid of its image."
        )
    hundredth = abs(image.transform.a) / 100
    if image.crs != mask.crs or not image.transform.almost_equals(mask.transform, hundredth):
        raise DataError(
            f"{mask_path} lies elsewhere than {image_path}: their coordinate systems or transforms differ. "
            "Reproject the mask to the grid of its image."
        )


@contextmanager
def _opened(path: Path) -> Iterator[DatasetReader]:
    """Open a GeoTIFF, and turn what GDAL finds wrong with it, now or in reading, into a DataError.

    Only the GeoTIFF driver may open it: other formats under this name could point to further files or the
    network.
    """
    try:
        # Without the list of a folder GDAL looks for no mask but by the names in MASKS_BESIDE.
        with warnings.catch_warnings(), rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN=True):
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            _require_plain_mask(path)
            with rasterio.open(path, driver="GTiff") as file:
                _read_headers(file)
                _check_size(path, file)
                yield file
    except (RasterioError, CPLE_BaseError, OSError) as error:
        raise DataError(f"{path} is damaged or no GeoTIFF. Fetch or write it again.") from error


def _require_plain_mask(path: Path) -> None:
    """GDAL would open it by any driver."""
    for beside in (path.with_name(path.name + ending) for ending in MASKS_BESIDE):
        # Not exists(), which fails where the name is longer than one may be.
        if os.path.lexists(beside):
            try:
                rasterio.open(beside, driver="GTiff").close()
            except RasterioError as error:
                raise DataError(
                    f"{beside} is damaged or no GeoTIFF, as the mask of a scene has to be. Remove or fetch it again."
                ) from error


def _read_headers(file: DatasetReader) -> None:
    """GDAL reads where a scene lies when it is asked, and rasterio raises what was wrong with that in the next look at
    the bands' colours, unless other questions come between."""
    for name in HEADERS:
        getattr(file, name)


def _check_size(path: Path, file: DatasetReader) -> None:
    if file.height * file.width > MOST_PIXELS:
        raise DataError(
            f"{path} has {file.height} × {file.width} pixels, more than {MOST_PIXELS // 10**6} million. "
            "Cut it into several scenes."
        )


def _equals(values: NDArray, nodata: float | None) -> NDArray[np.bool_]:
    if nodata is None:
        return np.zeros(values.shape, bool)
    return np.isnan(values) if np.isnan(nodata) else values == nodata
