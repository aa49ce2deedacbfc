"""From a scene of any size to its mask, one row of tiles at a time."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from orbitfl_edge.blending import Axis
from orbitfl_edge.network import Network
from orbitfl_edge.scene import Scene
from orbitfl_edge.work import Progress, Work

LAND, WATER, UNKNOWN = 0, 1, 255

Notify = Callable[[int, int], None]


def segment(scene: Scene, network: Network, work: Work, notify: Notify) -> NDArray[np.uint8]:
    """The mask (height, width): 0 land, 1 water, 255 not known; what `work` kept is not computed again.

    Raises EdgeError for a damaged file and a network that does not answer with numbers, PlaceError on a full disk.
    """
    total = len(work.grid.rows.starts)
    progress = work.begin()
    while progress.tiles < total:
        progress = _next_row(scene, network, work, progress)
        notify(progress.tiles, total)
    return work.mask()


def _next_row(scene: Scene, network: Network, work: Work, progress: Progress) -> Progress:
    rows, columns = work.grid.rows, work.grid.columns
    tile, first = progress.tiles, rows.starts[progress.tiles]
    stripe, valid = scene.shown(first, min(rows.tile_px, scene.height_px - first))
    said = _said(network, _filled(stripe, rows.tile_px, columns), valid, columns) * rows.weights[tile][:, None]
    if progress.carry is not None:
        said[: len(progress.carry)] += progress.carry
    done = rows.finished(tile) - first
    mask = np.where(valid[:done], said[:done, : scene.width_px] > 0, UNKNOWN).astype(np.uint8)
    return work.keep(mask, progress, said[done:])


def _filled(stripe: NDArray[np.uint8], height_px: int, columns: Axis) -> NDArray[np.uint8]:
    """With zeros to the right and below where the scene is smaller than a tile."""
    height, width = stripe.shape[:2]
    return np.pad(stripe, ((0, height_px - height), (0, max(0, columns.tile_px - width)), (0, 0)))


def _said(network: Network, stripe: NDArray[np.uint8], valid: NDArray[np.bool_], columns: Axis) -> NDArray[np.float32]:
    """The blended logits of one row of tiles (tile, width); tiles without a valid pixel are not looked at."""
    tile_px = columns.tile_px
    said = np.zeros(stripe.shape[:2], np.float32)
    wanted = [k for k, start in enumerate(columns.starts) if valid[:, start : start + tile_px].any()]
    batch = network.spec.batch_size
    for first in range(0, len(wanted), batch):
        chosen = wanted[first : first + batch]
        places = [slice(columns.starts[k], columns.starts[k] + tile_px) for k in chosen]
        logits = network.logits(np.stack([stripe[:, place] for place in places]))
        for k, place, each in zip(chosen, places, logits, strict=True):
            said[:, place] += each * columns.weights[k]
    return said
