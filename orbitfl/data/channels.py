"""The three channels that a tile shows: bands, composites of them by name, and water and plant indices.

An index is (a - b) / (a + b) of two bands, in the file's own numbers: it means what its authors meant where these are
reflectances, and is off where a constant was added to them (Sentinel-2 products since baseline 04.00 add 1000).
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from orbitfl.errors import DataError

COMPOSITES: Final[dict[str, tuple[str, str, str]]] = {
    "true_color": ("B04", "B03", "B02"),
    "false_color": ("B08", "B04", "B03"),
    "swir": ("B12", "B08", "B04"),
}
"""Shown as red, green and blue. `swir` is Sentinel Hub's SWIR composite (B12, B8A, B04), in which water is near black
and wet ground dark, with B08 for its neighbour B8A, since scenes at 10 m often carry B08 alone. WorldFloods' own tools
(ml4floods) draw floods likewise, with B11 for B12.
"""


class Index(NamedTuple):
    """(plus - minus) / (plus + minus)."""

    plus: str
    minus: str


INDICES: Final = {
    "NDWI": Index("B03", "B08"),
    "MNDWI": Index("B03", "B11"),
    "NDVI": Index("B08", "B04"),
}
"""McFeeters 1996 (Int. J. Remote Sensing 17, 1425), Xu 2006 (ibid. 27, 3025), Rouse et al. 1974 (NASA SP-351, 309)."""


def shown(bands: str | Sequence[str]) -> tuple[str, ...]:
    """The three channels by name, of a composite's name or a list. Raises DataError for another name or number."""
    if isinstance(bands, str) and bands in COMPOSITES:
        return COMPOSITES[bands]
    if isinstance(bands, str) or not isinstance(bands, Sequence) or not all(isinstance(band, str) for band in bands):
        raise DataError(f"bands is {bands!r}; name three bands, or one of {', '.join(COMPOSITES)}.")
    if len(bands) != 3:
        raise DataError(
            f"bands names {len(bands)} bands; name three, for red, green and blue, or one of {', '.join(COMPOSITES)}."
        )
    return tuple(bands)


def checked(bands: Any) -> str | tuple[str, ...]:
    """`bands` as asked for, of whatever a scenario holds. Raises DataError as `shown` does."""
    listed = shown(bands)
    return bands if isinstance(bands, str) else listed


def sources(channels: Iterable[str]) -> tuple[str, ...]:
    """The bands to be read for these channels, each once."""
    return tuple(dict.fromkeys(band for channel in channels for band in INDICES.get(channel, (channel,))))


def has_index(channels: Iterable[str]) -> bool:
    return any(channel in INDICES for channel in channels)


def ratio(index: Index, values: NDArray[np.generic], names: Sequence[str]) -> NDArray[np.float32]:
    """The index (H, W) in -1..1 of `values` (bands, H, W), whose bands are `names`; 0 where they sum to 0 or less."""
    plus, minus = (values[names.index(band)].astype(np.float32) for band in index)
    total = plus + minus
    quotient = np.divide(plus - minus, total, out=np.zeros_like(total), where=total > 0)
    return np.clip(np.nan_to_num(quotient), -1, 1)


def to_8_bit(index: NDArray[np.float32]) -> NDArray[np.uint8]:
    """-1..1 mapped linearly to 0..255, in every scene alike: an index needs no stretch."""
    return np.rint((index + 1) * 127.5).astype(np.uint8)
