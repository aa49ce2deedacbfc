"""Learning on the board without torch: the last layers of the decoder, from scenes with masks, into an update.

The layers that orbitfl calls `mask_decoder_lite`, its loss (binary cross-entropy and soft Dice, Milletari et al. 2016)
and its optimizer (AdamW, Loshchilov and Hutter 2019); tests hold loss, gradients and steps against torch.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from orbitfl_edge.bundle import WEIGHTS, Bundle
from orbitfl_edge.files import replacing
from orbitfl_edge.head import NAMES, Array, Weights, drawn, fits, slopes
from orbitfl_edge.lineage import statement
from orbitfl_edge.network import Network, open_network
from orbitfl_edge.problems import EdgeError
from orbitfl_edge.scene import GDAL_ERRORS, Scene, open_scene, read_headers, require_plain_mask
from orbitfl_edge.tensors import Tensors, packed_anew, parsed
from orbitfl_edge.update import METADATA, summed

IGNORED = 255
LEAST_KNOWN = 0.5
FOLDERS = ("images", "masks")
FIRST_DECAY, SECOND_DECAY, EPSILON = 0.9, 0.999, 1e-8

Notify = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Schooling:
    """bands: numbers in the scenes' files of those shown as red, green and blue; None finds them by name."""

    bands: tuple[int, ...] | None = None
    steps: int = 40
    batch_size: int = 4
    learning_rate: float = 1e-4
    weight_decay: float = 0.01
    seed: int = 0


@dataclass(frozen=True)
class Lessons:
    """n tiles as the graphs see them: cells (n, g², dim), filters (n, dim / 8). masks: (n, tile, tile), 255 ignored."""

    cells: Array
    filters: Array
    masks: NDArray[np.uint8]


def learn(folder: Path, bundle: Bundle, out: Path, options: Schooling, threads: int, notify: Notify) -> list[float]:
    """Learn from `folder` (images/*.tif, masks/*.tif) and write what changed as an update; returns the losses.

    Raises EdgeError where scenes cannot be used or nothing is to be learnt from.
    """
    lessons = _lessons(folder, bundle, open_network(bundle, threads), options.bands)
    base, weights = _base(bundle), last_layers(bundle)
    if not fits(weights, lessons.cells, lessons.filters):
        raise EdgeError(
            f"The graphs in {bundle.folder} answer with cells of {lessons.cells.shape} and filters of "
            f"{lessons.filters.shape}, which its {WEIGHTS} does not draw masks of; export the bundle again."
        )
    losses, taught = taught_by(weights, lessons, options, notify)
    changes = _changes(base, weights, taught, options)
    result = base.packed(summed(str(out), base, changes))
    told = json.dumps({"statement": statement(bundle.manifest, sha256(result).hexdigest())})
    with replacing(out) as beside:
        beside.write_bytes(packed_anew(changes, {METADATA: told}))
    return losses


def _changes(base: Tensors, before: Weights, after: Weights, options: Schooling) -> Weights:
    with np.errstate(over="ignore", invalid="ignore"):
        changes = {name: (after[name] - before[name]).astype(np.float16) for name in NAMES}
        kept = [after[name].astype(base.arrays[name].dtype) for name in NAMES]
    if not all(np.isfinite(value).all() for value in (*changes.values(), *kept)):
        raise EdgeError(
            f"With --learning-rate {options.learning_rate:g} the weights leave half precision, which updates have; "
            "choose a smaller one."
        )
    return changes


def _base(bundle: Bundle) -> Tensors:
    path = bundle.path(WEIGHTS)
    return parsed(path.read_bytes(), str(path))


def last_layers(bundle: Bundle) -> Weights:
    base = _base(bundle).arrays
    if missing := [name for name in NAMES if name not in base]:
        raise EdgeError(f"{bundle.path(WEIGHTS)} has no {missing[0]}, which is to learn; export the bundle again.")
    return {name: base[name].astype(np.float32) for name in NAMES}


def taught_by(weights: Weights, lessons: Lessons, options: Schooling, notify: Notify) -> tuple[list[float], Weights]:
    """The loss of each step, and the weights after the last. Raises EdgeError where they do not stay finite."""
    first, second = ({name: np.zeros_like(value) for name, value in weights.items()} for _ in range(2))
    losses, order = [], _order(len(lessons.masks), options)
    for step in range(1, options.steps + 1):
        batch = order[(step - 1) * options.batch_size : step * options.batch_size]
        with np.errstate(over="ignore", invalid="ignore"):
            loss, slope = step_slopes(weights, lessons, batch)
            first = {name: FIRST_DECAY * first[name] + (1 - FIRST_DECAY) * slope[name] for name in weights}
            second = {name: SECOND_DECAY * second[name] + (1 - SECOND_DECAY) * slope[name] ** 2 for name in weights}
            weights = {name: _stepped(weights[name], first[name], second[name], step, options) for name in weights}
        if not np.isfinite(loss):
            rate = f"{options.learning_rate:g}"
            raise EdgeError(f"With --learning-rate {rate} the loss is {loss} at step {step}; choose a smaller one.")
        losses.append(loss)
        notify(step, options.steps)
    return losses, weights


def step_slopes(weights: Weights, lessons: Lessons, batch: NDArray[np.intp]) -> tuple[float, Weights]:
    """The mean loss of a batch of tiles, and its gradient by each weight."""
    coarse, tape = drawn(weights, lessons.cells[batch], lessons.filters[batch])
    masks = lessons.masks[batch]
    back = _back_to_tile(coarse.shape[-1], masks.shape[-1])
    loss, by_logit = bce_dice(back @ coarse @ back.T, masks)
    return loss, slopes(weights, tape, back.T @ by_logit @ back)


def bce_dice(logits: Array, masks: NDArray[np.uint8]) -> tuple[float, Array]:
    """Binary cross-entropy plus soft Dice, smoothed by a pixel, mean over tiles; and the gradient by each logit."""
    valid, water = (masks != IGNORED).astype(np.float32), (masks == 1).astype(np.float32)
    sure = (1 + np.tanh(logits / 2)) / 2
    count = np.maximum(valid.sum(axis=(1, 2), keepdims=True), 1)
    entropy = (np.logaddexp(0, logits) - logits * water) * valid
    overlap = 2 * (sure * water).sum(axis=(1, 2), keepdims=True) + 1
    size = (sure * valid + water).sum(axis=(1, 2), keepdims=True) + 1
    loss = entropy.sum(axis=(1, 2), keepdims=True) / count + 1 - overlap / size
    by_sure = (overlap / size - 2 * water) / size
    by_logit = valid * ((sure - water) / count + by_sure * sure * (1 - sure))
    return float(loss.mean()), (by_logit / len(logits)).astype(np.float32)


def _stepped(value: Array, first: Array, second: Array, step: int, options: Schooling) -> Array:
    """AdamW."""
    mean, square = first / (1 - FIRST_DECAY**step), second / (1 - SECOND_DECAY**step)
    shrunk = value * (1 - options.learning_rate * options.weight_decay)
    return (shrunk - options.learning_rate * mean / (np.sqrt(square) + EPSILON)).astype(np.float32)


def _order(tiles: int, options: Schooling) -> NDArray[np.intp]:
    rng, wanted = np.random.default_rng(options.seed), options.steps * options.batch_size
    return np.concatenate([rng.permutation(tiles) for _ in range(-(-wanted // tiles))])[:wanted]


def _back_to_tile(coarse: int, tile_px: int) -> Array:
    """(tile, coarse): bilinear to four times the side, as the network's image, and from there to the tile."""
    return _linear(4 * coarse, tile_px) @ _linear(coarse, 4 * coarse)


def _linear(given: int, wanted: int) -> Array:
    place = np.clip((np.arange(wanted) + 0.5) * given / wanted - 0.5, 0, given - 1)
    return np.maximum(0, 1 - np.abs(place[:, None] - np.arange(given))).astype(np.float32)


def _lessons(folder: Path, bundle: Bundle, network: Network, bands: tuple[int, ...] | None) -> Lessons:
    images = [path for path in sorted((folder / "images").glob("*.tif")) if not path.name.startswith(".")]
    if not images:
        raise EdgeError(f"{folder} holds no images/*.tif; give a folder of scenes with masks of the same names.")
    pieces = [piece for image in images for piece in _tiles(image, folder / "masks" / image.name, bundle, bands)]
    if not pieces:
        raise EdgeError(f"{folder} holds no tile of {bundle.spec.tile_px} px that is half known; give larger scenes.")
    colours, masks = (np.stack(each) for each in zip(*pieces, strict=True))
    cells, filters = network.drawn_from(colours)
    return Lessons(cells, filters, masks)


def _tiles(
    image: Path, mask: Path, bundle: Bundle, bands: tuple[int, ...] | None
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Tiles side by side with their masks, those at least half known."""
    tile_px = bundle.spec.tile_px
    with open_scene(image, bundle.spec, bands) as scene:
        truth = _truth(mask, scene)
        for row in range(0, scene.height_px - tile_px + 1, tile_px):
            colours, valid = scene.shown(row, tile_px)
            known = np.where(valid, truth[row : row + tile_px], np.uint8(IGNORED))
            for col in range(0, scene.width_px - tile_px + 1, tile_px):
                piece = known[:, col : col + tile_px]
                if np.mean(piece != IGNORED) >= LEAST_KNOWN:
                    yield colours[:, col : col + tile_px], piece


def _truth(path: Path, scene: Scene) -> NDArray[np.uint8]:
    """The mask (H, W) of a scene: 0 land, 1 water, IGNORED not known; read and refused as orbitfl does."""
    require_plain_mask(path)
    try:
        with rasterio.open(path, driver="GTiff") as file:
            read_headers(file)
            _check_alike(path, file, scene)
            values, nodata = file.read(1), file.nodata
    except GDAL_ERRORS as error:
        raise EdgeError(f"There is no readable mask {path}; add it, or remove its image.") from error
    if nodata in (0, 1):
        raise EdgeError(f"{path} declares {nodata:g} as nodata, but 0 is land and 1 is water; choose 255.")
    missing = np.isnan(values) if nodata is not None and np.isnan(nodata) else values == nodata
    unknown = (values == IGNORED) | (values == -1) | missing
    if not np.isin(values[~unknown], (0, 1)).all():
        raise EdgeError(f"{path} holds other values than 0 for land, 1 for water, and -1, 255 or nodata; recode it.")
    return np.where(unknown, IGNORED, values == 1).astype(np.uint8)


def _check_alike(path: Path, mask: DatasetReader, scene: Scene) -> None:
    if mask.count != 1:
        raise EdgeError(f"{path} has {mask.count} bands; a mask has one, write the water band alone.")
    if mask.shape != scene.file.shape:
        raise EdgeError(
            f"{path} has {mask.shape} pixels, its image {scene.file.shape}; resample it to its image's grid."
        )
    hundredth = abs(scene.file.transform.a) / 100
    if mask.crs != scene.file.crs or not mask.transform.almost_equals(scene.file.transform, hundredth):
        raise EdgeError(
            f"{path} lies elsewhere than its image: their coordinate systems or transforms differ; reproject it to "
            "its image's grid."
        )
