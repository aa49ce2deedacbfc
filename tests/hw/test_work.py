"""What is left of a scene that was not finished is believed only where it can be right."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from orbitfl_edge.blending import Grid, grid
from orbitfl_edge.work import NOTHING, Progress, Work, work_for

STATE, MASK, CARRY = "state.json", "mask.raw", "carry-2.raw"
GRID = grid(100, 70, 32, 8)


def _kept(tmp_path: Path, tiles: Grid = GRID) -> tuple[Work, Progress]:
    """Two rows of tiles done."""
    (tmp_path / "scene.tif").touch()
    work = work_for(tmp_path / "mask.tif", tmp_path / "scene.tif", tiles, {})
    progress, rng = work.begin(), np.random.default_rng(0)
    assert progress == NOTHING
    for tile in range(2):
        start, done = tiles.rows.starts[tile], tiles.rows.finished(tile)
        carry = rng.normal(size=(start + tiles.rows.tile_px - done, max(tiles.columns.length_px, 32)))
        progress = work.keep(
            np.full((done - start, tiles.columns.length_px), 1, np.uint8), progress, carry.astype(np.float32)
        )
    return work, progress


@pytest.mark.parametrize("overlap_px", [0, 8, 16])
@pytest.mark.parametrize("width_px", [20, 70])
def test_what_was_kept_is_found(tmp_path: Path, overlap_px: int, width_px: int):
    work, progress = _kept(tmp_path, grid(100, width_px, 32, overlap_px))
    found = work.begin()
    assert found.tiles == progress.tiles == 2 and found.carry is not None
    np.testing.assert_array_equal(found.carry, progress.carry)
    assert sorted(path.name for path in work.folder.iterdir()) == [CARRY, MASK, STATE]


def _say(tiles: object) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        state = json.loads((folder / STATE).read_text())
        for name in ("carry-2.raw", "carry-2.npy"):
            if isinstance(tiles, int) and (folder / name).exists():
                (folder / name).rename(folder / name.replace("2", str(tiles)))
        (folder / STATE).write_text(json.dumps({**state, "tiles": tiles}))

    return change


def _cut(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-1])


def _numbers(number: float) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        content = np.fromfile(folder / CARRY, np.float32)
        content[7] = number
        content.tofile(folder / CARRY)

    return change


DAMAGES: dict[str, Callable[[Path], object]] = {
    "no state": lambda folder: (folder / STATE).unlink(),
    "empty state": lambda folder: (folder / STATE).write_text(""),
    "half a state": _cut(STATE),
    "a list": lambda folder: (folder / STATE).write_text("[]"),
    "deep": lambda folder: (folder / STATE).write_text("[" * 100_000),
    "a folder": lambda folder: ((folder / STATE).unlink(), (folder / STATE).mkdir()),
    "no tiles": _say(None),
    "none done": _say(0),
    "fewer than none": _say(-1),
    "more than there are": _say(5),
    "absurd": _say(10**30),
    "infinite": _say(math.inf),
    "half a row": _say(2.5),
    "true": _say(True),
    "text": _say("2"),
    "no carry": lambda folder: (folder / CARRY).unlink(),
    "empty carry": lambda folder: (folder / CARRY).write_bytes(b""),
    "half a carry": _cut(CARRY),
    "too long a carry": lambda folder: (folder / CARRY).write_bytes((folder / CARRY).read_bytes() + bytes(4)),
    "not a number": _numbers(math.nan),
    "no number": _numbers(math.inf),
    "no mask": lambda folder: (folder / MASK).unlink(),
    "empty mask": lambda folder: (folder / MASK).write_bytes(b""),
    "half a mask": _cut(MASK),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_what_is_damaged_is_begun_anew(tmp_path: Path, case: str):
    work, _ = _kept(tmp_path)
    DAMAGES[case](work.folder)
    assert work.begin() == NOTHING
    assert [path.name for path in work.folder.iterdir()] == [MASK] and not (work.folder / MASK).stat().st_size


def test_work_for_other_tiles_is_begun_anew(tmp_path: Path):
    _kept(tmp_path)
    other = work_for(tmp_path / "mask.tif", tmp_path / "scene.tif", GRID, {"overlap_px": 9})
    assert other.begin() == NOTHING
