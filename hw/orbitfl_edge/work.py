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

from orbitfl_edge.files import cannot_write, held, replacing, sync

STATE, MASK, CARRY = "state.json", "mask.raw", "carry-{}.npy"


@dataclass(frozen=True)
class Progress:
    """tiles: rows of tiles done. rows_px: rows of the mask done. carry: (rows, width), what those tiles already say of
    rows to come."""

    tiles: int
    rows_px: int
    carry: NDArray[np.float32] | None


NOTHING = Progress(0, 0, None)


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
    width_px: int

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
        now = Progress(before.tiles + 1, before.rows_px + len(rows), carry)
        try:
            with (self.folder / MASK).open("r+b") as file:
                file.seek(before.rows_px * self.width_px)
                file.write(rows.tobytes())
            sync(self.folder / MASK)
        except OSError as error:
            raise cannot_write(self.folder / MASK, error) from error
        with replacing(self.folder / CARRY.format(now.tiles)) as beside, beside.open("wb") as file:
            np.save(file, carry, allow_pickle=False)
        state = {"key": self.key, "tiles": now.tiles, "rows_px": now.rows_px}
        with replacing(self.folder / STATE) as beside:
            beside.write_text(json.dumps(state), encoding="ascii")
        (self.folder / CARRY.format(before.tiles)).unlink(missing_ok=True)
        return now

    def mask(self, height_px: int) -> NDArray[np.uint8]:
        """All finished rows (height, width), from the disk."""
        return np.memmap(self.folder / MASK, np.uint8, "r", shape=(height_px, self.width_px))

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _found(self) -> Progress | None:
        try:
            state = json.loads((self.folder / STATE).read_text(encoding="ascii"))
            if state["key"] != self.key:
                return None
            tiles, rows_px = int(state["tiles"]), int(state["rows_px"])
            carry = np.load(self.folder / CARRY.format(tiles), allow_pickle=False)
            whole = (self.folder / MASK).stat().st_size >= rows_px * self.width_px
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return Progress(tiles, rows_px, carry) if whole and carry.dtype == np.float32 else None


def work_for(out: Path, scene: Path, width_px: int, options: dict[str, Any]) -> Work:
    """The place beside `out` for this scene, as it is now, and these options."""
    state = scene.stat()
    told = {"scene": str(scene.resolve()), "byte": state.st_size, "time_ns": state.st_mtime_ns, **options}
    key = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    return Work(out.with_name(f".{out.name}.work"), key, width_px)
