"""Scenes cut into square tiles of 8-bit colour with their masks."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from orbitfl.data.channels import INDICES, has_index, ratio, sources, to_8_bit
from orbitfl.data.folder import Scene, read_bands, read_mask, read_reflectance
from orbitfl.data.regions import large_boxes
from orbitfl.data.tiles import IGNORE, Stretch, Tiles, Tiling
from orbitfl.errors import DataError

REGION_PX: Final = 20
"""Least height and width of the one region of rule "single_region" (arXiv 2411.17831, data preparation)."""

LEAST_KNOWN: Final = 0.5
"""Tiles of which a smaller share of pixels is known are left out."""


def cut(scenes: Sequence[Scene], channels: Sequence[str], tiling: Tiling) -> Tiles:
    """Read `scenes` and cut them into tiles of three `channels`, shown as red, green and blue in this order: bands of
    the files, or indices of them.

    Raises DataError for a damaged file, a missing band, or when no tile is left.
    """
    pieces = [_cut_one(scene, index, channels, tiling) for index, scene in enumerate(scenes)]
    if not any(len(piece) for piece in pieces):
        raise DataError(
            f"No tile of {tiling.tile_px} px is left of {len(scenes)} scenes under the rule {tiling.rule!r}. "
            "Choose rule: all, smaller tiles or other scenes."
        )
    return Tiles(
        images=np.concatenate([piece.images for piece in pieces]),
        masks=np.concatenate([piece.masks for piece in pieces]),
        scene=np.concatenate([piece.scene for piece in pieces]),
        row=np.concatenate([piece.row for piece in pieces]),
        col=np.concatenate([piece.col for piece in pieces]),
        scene_names=tuple(scene.name for scene in scenes),
    )


def stretched(values: NDArray, valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Each band of `values` (bands, H, W) mapped linearly to 0..255 between the percentiles 2 and 98 of
    its `valid` pixels (H, W); invalid pixels and constant bands become 0.
    """
    if not valid.any():
        return np.zeros(values.shape, np.uint8)
    low, high = np.percentile(values[:, valid], [2, 98], axis=1).astype(np.float32)[:, :, None, None]
    span = np.where(high > low, high - low, 1)
    scaled = (np.clip(values.astype(np.float32), low, high) - low) * (255 / span)
    return np.where(valid, np.rint(scaled), 0).astype(np.uint8)


def has_single_region(mask: NDArray[np.uint8]) -> bool:
    """Whether exactly one 8-connected water region of `mask` (H, W) has a box of at least 20 × 20 pixels."""
    return len(large_boxes(mask == 1, REGION_PX)) == 1


def _cut_one(scene: Scene, index: int, channels: Sequence[str], tiling: Tiling) -> Tiles:
    layers, valid = _layers(scene, channels, tiling.stretch)
    mask = np.where(valid, read_mask(scene), np.uint8(IGNORE))
    colours = np.moveaxis(layers, 0, -1)
    images, masks = _squares(colours, tiling.tile_px, 0), _squares(mask, tiling.tile_px, IGNORE)
    row, col = np.indices(masks.shape[:2], np.int32).reshape(2, -1) * np.int32(tiling.tile_px)
    tiles = Tiles(
        images=images.reshape(-1, *images.shape[2:]),
        masks=masks.reshape(-1, *masks.shape[2:]),
        scene=np.full(row.size, index, np.int32),
        row=row,
        col=col,
        scene_names=(scene.name,),
    )
    return tiles.take(np.flatnonzero([_is_kept(tile, tiling) for tile in tiles.masks]))


def _layers(scene: Scene, channels: Sequence[str], stretch: Stretch) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The channels (3, H, W), and where all bands behind them are valid (H, W)."""
    if not has_index(channels):
        values, valid = read_bands(scene, channels)
        return _to_8_bit(scene, values, valid, stretch), valid
    names = sources(channels)
    values, valid = read_reflectance(scene, names)
    layers = [_layer(scene, channel, names, values, valid, stretch) for channel in channels]
    return np.where(valid, np.stack(layers), np.uint8(0)), valid


def _layer(
    scene: Scene, channel: str, names: tuple[str, ...], values: NDArray, valid: NDArray[np.bool_], stretch: Stretch
) -> NDArray[np.uint8]:
    if channel in INDICES:
        return to_8_bit(ratio(INDICES[channel], values, names))
    number = names.index(channel)
    return _to_8_bit(scene, values[number : number + 1], valid, stretch)[0]


def _to_8_bit(scene: Scene, values: NDArray, valid: NDArray[np.bool_], stretch: Stretch) -> NDArray[np.uint8]:
    if stretch == "percentile" or (stretch == "auto" and values.dtype != np.uint8):
        return stretched(values, valid)
    if values.dtype != np.uint8:
        raise DataError(f"{scene.image_path} holds {scene.dtype}, not 8-bit numbers. Choose stretch: auto for it.")
    return np.where(valid, values, np.uint8(0))


def _squares(array: NDArray[np.uint8], tile_px: int, padding: int) -> NDArray[np.uint8]:
    """(H, W, ...) as (rows, columns, tile_px, tile_px, ...), padded where a side is shorter than a tile."""
    rest = array.shape[2:]
    short = [(0, max(0, tile_px - side)) for side in array.shape[:2]]
    array = np.pad(array, [*short, *[(0, 0)] * len(rest)], constant_values=padding)
    rows, columns = array.shape[0] // tile_px, array.shape[1] // tile_px
    whole = array[: rows * tile_px, : columns * tile_px].reshape(rows, tile_px, columns, tile_px, *rest)
    return whole.swapaxes(1, 2)


def _is_kept(mask: NDArray[np.uint8], tiling: Tiling) -> bool:
    known = np.count_nonzero(mask != IGNORE)
    if known < LEAST_KNOWN * mask.size:
        return False
    if tiling.rule == "single_region":
        return has_single_region(mask)
    return tiling.rule == "all" or bool((mask == 1).any())
