"""From the options of a data set to its tiles."""

import hashlib
from pathlib import Path

import numpy as np

from orbitfl.data import landscape, regions, spectra, synth, writing
from orbitfl.data.channels import shown
from orbitfl.data.cutting import cut
from orbitfl.data.folder import Scene, scan
from orbitfl.data.options import Data, FolderData, SyntheticData, tiling
from orbitfl.data.tiles import Tiles
from orbitfl.errors import StorageError


def load(data: Data, cache: Path) -> Tiles:
    """The tiles of a data set; synthetic scenes stay as GeoTIFFs below the folder `cache` for the next time.

    Raises DataError or StorageError when the files cannot be used or written.
    """
    return cut(scenes(data, cache), shown(data.bands), tiling(data))


def scenes(data: Data, cache: Path) -> tuple[Scene, ...]:
    """The scenes of a data set by name; raises and writes as `load` does."""
    return scan(_folder(data, cache))


def _folder(data: Data, cache: Path) -> Path:
    match data:
        case FolderData():
            return Path(data.path)
        case SyntheticData():
            return _synthetic_folder(data, cache)


def _synthetic_folder(data: SyntheticData, cache: Path) -> Path:
    """The folder below `cache` with these scenes, written first if it is not there yet."""
    folder = cache / f"synthetic-{data.seed}-{data.scenes}x{data.size_px}px-{_generator_version()}"
    try:
        if not folder.exists():
            writing.write_scenes(folder, data.scenes, data.seed, data.size_px)
    except StorageError:
        # Another process may have finished the same scenes meanwhile; they are as good.
        if not folder.exists():
            raise
    return folder


def _generator_version() -> str:
    """Changes whenever the scenes may: a hash of the code that draws them and of NumPy's version."""
    modules = (landscape, regions, spectra, synth, writing)
    sources = [Path(str(module.__file__)).read_bytes() for module in modules]
    return hashlib.sha256(b"".join([*sources, np.__version__.encode()])).hexdigest()[:12]
