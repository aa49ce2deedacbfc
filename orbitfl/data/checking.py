"""Every pixel of a data folder, read once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from orbitfl.data.folder import require_readable, scan
from orbitfl.data.tiles import IGNORE
from orbitfl.progress import Count, uncounted


@dataclass(frozen=True, slots=True)
class Contents:
    """What was found: scenes, and the pixels whose mask says land or water.

    scenes_by_bands: names of scenes by the names of their bands, in the order of the files; "" is a band without one.
    """

    scenes: int
    known_px: int
    water_px: int
    scenes_by_bands: Mapping[tuple[str, ...], tuple[str, ...]]

    @property
    def water_percent(self) -> float:
        """Of the known pixels; 0 where there are none."""
        return 100 * self.water_px / max(1, self.known_px)


def read_through(folder: Path, on_progress: Count = uncounted) -> Contents:
    """Read all bands of all scenes, and their masks. Raises DataError for the first that is damaged or cannot be."""
    scenes = scan(folder)
    known_px = water_px = 0
    for done, scene in enumerate(scenes, start=1):
        mask = require_readable(scene)
        known_px += int(np.count_nonzero(mask != IGNORE))
        water_px += int(np.count_nonzero(mask == 1))
        on_progress(done, len(scenes))
    by_bands: dict[tuple[str, ...], tuple[str, ...]] = {}
    for scene in scenes:
        by_bands[scene.band_names] = (*by_bands.get(scene.band_names, ()), scene.name)
    return Contents(len(scenes), known_px, water_px, by_bands)
