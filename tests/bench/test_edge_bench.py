"""`orbitfl bench edge` measures what it says, on little."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from orbitfl.bench import edge
from orbitfl.data.options import SyntheticData
from orbitfl.export.recipes import RECIPES
from orbitfl.export.source import find


def test_it_measures_speed_bytes_start_a_scene_and_seams(taught: Path):
    drawn = SyntheticData(scenes=2, size_px=160, tile_px=64, seed=5)
    source = replace(find(str(taught), 64), evaluation=drawn, tile_px=64)
    found = edge.measured(source, edge.Bench(repeats=1, scene_px=200), lambda what, done, total: None)
    assert found["speed_up"].keys() == RECIPES.keys()
    assert all(value > 0 for value in found["speed_up"].values())
    assert found["int8_byte_share"] < 0.45
    assert found["runtime_byte"] > 10**8 and 0.05 < found["start_s"] < 60
    assert found["scene"]["side_px"] == 200 and 10**7 < found["scene"]["peak_byte"] < 2 * 10**9
    assert found["seams"]["height_px"] == 160 and 0 <= found["seams"]["differs_near_percent"] <= 100
    assert "peak" in edge.described(found)


def test_borders_are_where_tiles_begin_and_end():
    near = edge._near_borders(100, 40, 10)
    # Tiles at 0, 30 and 60: edges inside the scene at 30, 60 (begin) and 40, 70 (end).
    assert sorted({int(pixel) for pixel in np.flatnonzero(near)}) == sorted(
        pixel for edge in (30, 60, 40, 70) for pixel in range(edge - 2, edge + 2)
    )
