"""What a long scene leaves beside its mask until it is done, so that a loss of power costs one row of tiles."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitfl_edge.blending import Grid
from orbitfl_edge.files import cannot_write, held, replacing, sync

STATE, MASK, CARRY = "state.json", "mask.raw", "carry-{}.raw"


@dataclass(frozen=True)
class Progress:
    """tiles: rows of tiles done. carry: (rows, width) float32, what those tiles already say of rows to come."""

    tiles: int
    carry: NDArray[np.float32] | None


NOTHING = Progress(0, None)


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Raises EdgeError while another process draws `out`: a watchdog may start one too many."""
    path = out.with_name(f".{out.name}.lock")
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            stack.enter_context(held(path, f"Another process is drawing {out}; wait for it, or choose another name."))
        except OSError as error:
            raise cannot_write(path, error) from error
        stack.callback(path.unlink, missing_ok=True)
        yield


@dataclass(frozen=True)
class Work:
    """A folder. key: of scene, bundle and options; work for others is thrown away."""

    folder: Path
    key: str
    grid: Grid

    def begin(self) -> Progress:
        """What was done before, if anything was. Raises PlaceError where nothing can be written."""
        found = self._found()
        if found is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / MASK).touch()
        except OSError as error:
            raise cannot_write(self.folder, error) from error
        return found or NOTHING

    def keep(self, rows: NDArray[np.uint8], before: Progress, carry: NDArray[np.float32]) -> Progress:
        """Add finished rows of the mask (n, width), for good. Raises PlaceError on a full disk."""
        now = Progress(before.tiles + 1, carry)
        try:
            with (self.folder / MASK).open("r+b") as file:
                file.seek(self._mask_byte(before.tiles))
                file.write(rows.tobytes())
            sync(self.folder / MASK)
        except OSError as error:
            raise cannot_write(self.folder / MASK, error) from error
        with replacing(self.folder / CARRY.format(now.tiles)) as beside:
            beside.write_bytes(carry.tobytes())
        with replacing(self.folder / STATE) as beside:
            beside.write_text(json.dumps({"key": self.key, "tiles": now.tiles}), encoding="ascii")
        (self.folder / CARRY.format(before.tiles)).unlink(missing_ok=True)
        return now

    def mask(self) -> NDArray[np.uint8]:
        """The whole mask (height, width), from the disk."""
        shape = self.grid.rows.length_px, self.grid.columns.length_px
        return np.memmap(self.folder / MASK, np.uint8, "r", shape=shape)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _found(self) -> Progress | None:
        """Nothing but how many tiles is believed: what has to lie here then is known."""
        try:
            state = json.loads((self.folder / STATE).read_text(encoding="ascii"))
            key, tiles = state["key"], state["tiles"]
            if key != self.key or type(tiles) is not int or not 1 <= tiles <= len(self.grid.rows.starts):
                return None
            path, shape = self.folder / CARRY.format(tiles), self._carry_shape(tiles)
            whole = path.stat().st_size == 4 * shape[0] * shape[1]
            if not whole or (self.folder / MASK).stat().st_size < self._mask_byte(tiles):
                return None
            carry = np.fromfile(path, np.float32).reshape(shape)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return Progress(tiles, carry) if np.isfinite(carry).all() else None

    def _mask_byte(self, tiles: int) -> int:
        return self.grid.columns.length_px * (self.grid.rows.finished(tiles - 1) if tiles else 0)

    def _carry_shape(self, tiles: int) -> tuple[int, int]:
        rows, columns = self.grid.rows, self.grid.columns
        end_px = rows.starts[tiles - 1] + rows.tile_px
        return end_px - rows.finished(tiles - 1), max(columns.length_px, columns.tile_px)


def work_for(out: Path, scene: Path, grid: Grid, options: dict[str, Any]) -> Work:
    """The place beside `out` for this scene, as it is now, and these options."""
    state = scene.stat()
    told = {"scene": str(scene.resolve()), "byte": state.st_size, "time_ns": state.st_mtime_ns, **options}
    key = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    return Work(out.with_name(f".{out.name}.work"), key, grid)
