"""Scenes, and the board's command line in this process."""

import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from orbitfl_edge.commands import main
from rasterio import Affine
from rasterio.enums import ColorInterp

BANDS = ("B04", "B03", "B02")
PLACE = Affine(10, 0, 600_000, 0, -10, 6_800_000)


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@pytest.fixture
def edge(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Ended]]:
    before = signal.getsignal(signal.SIGTERM)

    def call(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["orbitfl_edge", *map(str, arguments)])
        code = main()
        told = capsys.readouterr()
        return Ended(code, told.out, told.err)

    yield call
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a scene (bands, H, W) with names, place and nodata as given."""

    def to_file(
        values: NDArray,
        name: str = "scene.tif",
        names: tuple[str, ...] = BANDS,
        colours: tuple[str, ...] = (),
        **options: object,
    ) -> Path:
        count, height, width = values.shape
        profile = {"crs": "EPSG:32720", "transform": PLACE, "dtype": values.dtype, **options}
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        with rasterio.open(path, "w", driver="GTiff", count=count, height=height, width=width, **profile) as file:
            file.write(values)
            if names:
                file.descriptions = names
            if colours:
                file.colorinterp = [ColorInterp[colour] for colour in colours]
        return path

    return to_file


@pytest.fixture(scope="session")
def colours() -> NDArray[np.uint8]:
    """A drawn scene (3, 170, 150) of water and land in 8-bit colour: no side a multiple of a tile's."""
    from orbitfl.data.loading import load
    from orbitfl.data.options import SyntheticData
    from orbitfl.files import cache_folder

    tiles = load(SyntheticData(scenes=1, size_px=192, tile_px=192, seed=9), cache_folder())
    return np.moveaxis(tiles.images[0], -1, 0)[:, :170, :150]
