"""Whether a bundle draws on this machine what it drew where it was made."""

import warnings
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from orbitfl_edge.bundle import TEST_MASK, TEST_SCENE, Bundle
from orbitfl_edge.network import Network, open_network
from orbitfl_edge.problems import EdgeError

LEAST_EQUAL_PERCENT = 99.9


def check_drawing(bundle: Bundle, threads: int) -> float:
    """Percent of the test scene's pixels that are as expected. Raises EdgeError when too few are."""
    equal = equal_percent(drawn(open_network(bundle, threads), bundle.path(TEST_SCENE)), bundle)
    if equal < LEAST_EQUAL_PERCENT:
        raise EdgeError(
            f"{bundle.folder} draws {equal:.2f} % of its test scene as it did where it was made, and "
            f"{LEAST_EQUAL_PERCENT} are expected; use another version of onnxruntime, or export without --quantize."
        )
    return equal


def equal_percent(mask: NDArray[np.uint8], bundle: Bundle) -> float:
    """Of the pixels that the bundle's own test mask has."""
    expected = _read(bundle.path(TEST_MASK), 1, bundle.spec.tile_px)[0]
    return 100 * float(np.mean(mask == expected)) if mask.shape == expected.shape else 0.0


def drawn(network: Network, scene: Path) -> NDArray[np.uint8]:
    """The mask of a test scene: 8-bit colours, no larger than a tile. Raises NoAnswerError."""
    tile_px = network.spec.tile_px
    colours = np.moveaxis(_read(scene, 3, tile_px), 0, -1)
    height, width = colours.shape[:2]
    tile = np.pad(colours, ((0, tile_px - height), (0, tile_px - width), (0, 0)))
    return (network.logits(tile[None])[0, :height, :width] > 0).astype(np.uint8)


def write_mask(path: Path, mask: NDArray[np.uint8]) -> None:
    height, width = mask.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            path, "w", driver="GTiff", height=height, width=width, count=1, dtype="uint8", compress="deflate"
        ) as file:
            file.write(mask, 1)


def _read(path: Path, bands: int, most_px: int) -> NDArray[np.uint8]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path, driver="GTiff") as file:
                if file.count != bands or max(file.shape) > most_px or set(file.dtypes) != {"uint8"}:
                    raise EdgeError(
                        f"{path} is not of {bands} bands of 8 bits and at most {most_px} px, a tile; export the "
                        "bundle again."
                    )
                return file.read()
    except RasterioError as error:
        raise EdgeError(f"{path} cannot be read; copy the bundle again.") from error
