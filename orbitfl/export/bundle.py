"""A bundle: one folder, and a .tar of it, with everything a board needs to draw water masks."""

import hashlib
import io
import json
import math
import os
import platform
import tarfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from orbitfl.data.loading import load
from orbitfl.data.options import Data
from orbitfl.data.tiles import Tiles, content_hash
from orbitfl.errors import OrbitflError, StorageError, WeightsError
from orbitfl.experiment.machine import processor
from orbitfl.export import weights
from orbitfl.export.graphs import OPSET, Graphs, graphs
from orbitfl.export.parity import MOST_PIXELS, Logits, Parity, all_logits, compared, some, torch_logits
from orbitfl.export.recipes import INT8, RECIPES
from orbitfl.export.rounding import Batches
from orbitfl.export.runtime import runtime_files
from orbitfl.export.sessions import DECODER, ENCODER, Frame, Sessions, open_sessions, seconds_each
from orbitfl.export.signing import LONGEST_NAME_BYTE, check_key, signature
from orbitfl.export.source import Source
from orbitfl.files import cache_folder, new_folder, replacing
from orbitfl.models.identity import sha256_of
from orbitfl.models.mobile_sam import MobileSam
from orbitfl.models.preprocess import DEVIATION, MEAN, prepare
from orbitfl.progress import Notify
from orbitfl.training.threads import own_threads_kept

FORMAT = "orbitfl-bundle-1"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
TEST_SCENE, TEST_MASK = "test/scene.tif", "test/mask.tif"
TEST_PX, TEST_TILES = 256, 8
LEAST_EQUAL_PERCENT = 99.9
"""Of pixels that a float32 bundle has to draw as torch does."""
CALIBRATION_PIXELS = 2 * 2**20
"""32 tiles of 256 px."""
VERSIONED = ("orbitfl", "torch", "onnx", "onnxruntime", "numpy")


@dataclass(frozen=True, kw_only=True)
class Options:
    """quantize: what the encoder becomes. most_loss: points of mIoU that this may cost. repeats: of each timing.
    most_pixels: of the tiles that are compared on.

    overlap_px: of neighbouring tiles in a scene; None is a quarter of a tile. sign: the file of a private key.
    """

    quantize: Literal["none", "int8"] = "none"
    batch_size: int = 1
    overlap_px: int | None = None
    most_loss: float = 1.0
    sign: Path | None = None
    threads: int = 1
    repeats: int = 3
    most_pixels: int = MOST_PIXELS


@dataclass(frozen=True)
class Trial:
    """One way to store and compute the network, tried. seconds: of one tile, from image to logits, the fastest."""

    name: str
    byte: int
    seconds: float
    parity: Parity

    def told(self) -> dict[str, Any]:
        return {"variant": self.name, "byte": self.byte, "seconds": self.seconds, **self.parity.told()}


@dataclass(frozen=True)
class Exported:
    """What came of an export. torch_s: one tile in torch, on as many threads and beside the trials. manifest_sha256: of
    its file, which boards print as they verify."""

    folder: Path
    shipped: Trial
    trials: tuple[Trial, ...]
    torch_s: float
    manifest: dict[str, Any]
    manifest_sha256: str


@own_threads_kept()
def export(source: Source, out: Path, options: Options, notify: Notify) -> Exported:
    """Write the bundle to `out` and `out`.tar, which must not be there yet: both or neither.

    Raises OrbitflError when the graphs do not compute what torch does or quantisation costs too much, and StorageError
    or DataError for places and tiles that cannot be used. Nothing is written then.
    """
    overlap_px, archive = _overlap_px(source, options), _archive_path(out)
    if options.sign is not None:
        check_key(options.sign, out, archive)
    torch.set_num_threads(options.threads)
    tiles = some(load(source.evaluation, cache_folder()), options.most_pixels)
    seen = _calibration(source, options)
    made = graphs(source.model, source.tile_px, options.batch_size)
    with replacing(archive) as beside, new_folder(out) as folder, TemporaryDirectory() as scratch:
        trials, torch_s = _tried(source, made, tiles, seen, options, Path(scratch), notify)
        shipped = _chosen(trials, options)
        contents = _contents(source, Path(scratch) / shipped.name, tiles, options)
        manifest = {
            **_described(source, options, shipped, overlap_px),
            "evidence": _evidence(source, tiles, seen, trials, torch_s, options),
            "provenance": source.provenance,
            "updates": [],
            "licence": {"weights": source.provenance["licence"], "runtime": "Apache-2.0"},
            "files": {name: _proof(content) for name, content in contents.items()},
        }
        contents[MANIFEST] = json.dumps(manifest, indent=1, sort_keys=True, allow_nan=False).encode()
        if options.sign is not None:
            contents[SIGNATURE] = signature(contents[MANIFEST], options.sign)
        for name, content in contents.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        _archive(beside, out.name, contents)
    return Exported(out, shipped, trials, torch_s, manifest, _proof(contents[MANIFEST])["sha256"])


def _tried(
    source: Source, made: Graphs, tiles: Tiles, seen: Tiles | None, options: Options, scratch: Path, notify: Notify
) -> tuple[tuple[Trial, ...], float]:
    """Each variant that may be shipped or compared, measured in one go with torch."""

    def asked(what: str, one_batch: Callable[[NDArray[np.uint8]], Logits]) -> Logits:
        return all_logits(one_batch, tiles.images, options.batch_size, lambda done, all_: notify(what, done, all_))

    reference = asked("torch", lambda images: torch_logits(source.model, images))
    if not np.isfinite(reference).all():
        raise WeightsError(
            "The checkpoint's network answers with NaN or infinity, which would pass for land. Give an earlier one."
        )
    names = ["fp32"] if options.quantize == "none" else list(RECIPES)
    batches = [] if seen is None else _batches(seen, source.model.image_size, options.batch_size)
    bytes_of = {name: _write_graphs(made, name, batches, scratch / name) for name in names}
    frame = _frame(source, options)
    sessions = {name: open_sessions(scratch / name, options.threads, frame) for name in names}
    parities = {name: compared(reference, asked(name, each.logits), tiles.masks) for name, each in sessions.items()}
    seconds = _timed(source, sessions, tiles.images[: options.batch_size], options)
    trials = tuple(Trial(name, bytes_of[name], seconds[name], parities[name]) for name in names)
    return trials, seconds["torch"]


def _frame(source: Source, options: Options) -> Frame:
    return Frame(source.tile_px, source.model.image_size, options.batch_size)


def _calibration(source: Source, options: Options) -> Tiles | None:
    """Of what the network was trained on, evenly chosen, to whole batches; None where nothing is calibrated."""
    if options.quantize == "none":
        return None
    tiles = some(load(source.calibration, cache_folder()), CALIBRATION_PIXELS)
    count = -(-len(tiles) // options.batch_size) * options.batch_size
    return tiles.take(np.arange(count) % len(tiles))


def _batches(tiles: Tiles, image_px: int, batch_size: int) -> list[NDArray[np.float32]]:
    chunks = (tiles.images[first : first + batch_size] for first in range(0, len(tiles), batch_size))
    return [prepare(images, image_px).numpy() for images in chunks]


def _write_graphs(made: Graphs, recipe: str, batches: Batches, folder: Path) -> int:
    """The bytes of both graphs and the decoder's weights, written as a board has them."""
    folder.mkdir()
    decoder = weights.apart(made.decoder, "F32" if recipe == "fp32" else "F16")
    contents = {
        ENCODER: RECIPES[recipe](made.encoder, batches).SerializeToString(deterministic=True),
        DECODER: decoder.graph.SerializeToString(deterministic=True),
        weights.FILE: decoder.weights,
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return sum(map(len, contents.values()))


def _timed(
    source: Source, sessions: dict[str, Sessions], images: NDArray[np.uint8], options: Options
) -> dict[str, float]:
    works: dict[str, Callable[[], object]] = {"torch": lambda: torch_logits(source.model, images)}
    works |= {name: lambda each=each: each.logits(images) for name, each in sessions.items()}
    return {name: taken / len(images) for name, taken in seconds_each(works, options.repeats).items()}


def _chosen(trials: tuple[Trial, ...], options: Options) -> Trial:
    by_name = {trial.name: trial for trial in trials}
    exact = by_name["fp32"].parity
    if not exact.equal_percent >= LEAST_EQUAL_PERCENT:
        raise WeightsError(
            f"The exported graphs draw {exact.equal_percent:.2f} % of pixels as torch does, where "
            f"{LEAST_EQUAL_PERCENT} are expected; the network's numbers may be beyond float32. Give another checkpoint."
        )
    if options.quantize == "none":
        return _finite(by_name["fp32"])
    lossy = _finite(by_name[INT8]).parity
    if not lossy.loss <= options.most_loss:
        raise WeightsError(
            f"INT8 costs this network {lossy.loss:.2f} points of mIoU ({lossy.miou_torch:.2f} to {lossy.miou:.2f}), "
            f"more than {options.most_loss:g}. Export it without --quantize, or allow the loss with --most-loss."
        )
    return by_name[INT8]


def _finite(trial: Trial) -> Trial:
    if not math.isfinite(trial.parity.largest_difference):
        raise WeightsError(
            f"This network answers with NaN or infinity as {trial.name}, though not in torch. Give another checkpoint, "
            "or leave out --quantize."
        )
    return trial


def _contents(source: Source, graphs_folder: Path, tiles: Tiles, options: Options) -> dict[str, bytes]:
    """Every file but the manifest, by its path."""
    sessions = open_sessions(graphs_folder, options.threads, _frame(source, options))
    contents = {path.name: path.read_bytes() for path in sorted(graphs_folder.iterdir())}
    image, mask = _test_case(sessions, tiles)
    contents[TEST_SCENE] = _geotiff(np.moveaxis(image, -1, 0), source.channels)
    contents[TEST_MASK] = _geotiff(mask[None], ("water",))
    return contents | {f"runtime/{name}": content for name, content in runtime_files().items()}


def _test_case(sessions: Sessions, tiles: Tiles) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A corner of a tile and its mask, as a scene smaller than a tile is drawn.

    Of the tiles with the most even share of water, the one that is drawn most evenly: a mask of nothing but land would
    be drawn by a broken machine as well. Its mask is drawn alone, as boards do: scales that int8 finds as it goes are
    of a whole batch, so a tile's neighbours in it change the tile's mask.
    """
    likely = np.argsort(np.abs(tiles.water_share() - 0.5))[:TEST_TILES]
    corners = tiles.images[likely, :TEST_PX, :TEST_PX]
    padded = np.zeros_like(tiles.images[likely])
    padded[:, : corners.shape[1], : corners.shape[2]] = corners
    masks = sessions.logits(padded)[:, :TEST_PX, :TEST_PX] > 0
    best = int(np.argmin(np.abs(masks.mean(axis=(1, 2)) - 0.5)))
    height, width = masks.shape[1:]
    alone = sessions.logits(padded[best : best + 1])[0, :height, :width] > 0
    return corners[best], alone.astype(np.uint8)


def _geotiff(bands: NDArray[np.uint8], names: tuple[str, ...]) -> bytes:
    count, height, width = bands.shape
    with warnings.catch_warnings(), MemoryFile() as memory:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with memory.open(
            driver="GTiff", height=height, width=width, count=count, dtype="uint8", compress="deflate"
        ) as file:
            file.write(bands)
            file.descriptions = names
        return memory.read()


def _overlap_px(source: Source, options: Options) -> int:
    overlap_px = source.tile_px // 4 if options.overlap_px is None else options.overlap_px
    if not 0 <= overlap_px <= source.tile_px // 2:
        raise OrbitflError(f"--overlap-px is {overlap_px}; choose from 0 to half a tile, {source.tile_px // 2}.")
    return overlap_px


def _described(source: Source, options: Options, shipped: Trial, overlap_px: int) -> dict[str, Any]:
    """What the bundle is, and how scenes are to be shown to it."""
    return {
        "format": FORMAT,
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in VERSIONED}},
        "model": {
            "variant": source.model.variant.name,
            "image_px": source.model.image_size,
            "batch_size": options.batch_size,
            "opset": OPSET,
            "recipe": shipped.name,
            "encoder_sha256": encoder_sha256(source.model),
        },
        "input": {
            "channels": list(source.channels),
            "stretch": source.stretch,
            "percentiles": [2, 98],
            "tile_px": source.tile_px,
            "overlap_px": overlap_px,
            "mean": list(MEAN),
            "deviation": list(DEVIATION),
        },
    }


def _evidence(
    source: Source, tiles: Tiles, seen: Tiles | None, trials: tuple[Trial, ...], torch_s: float, options: Options
) -> dict[str, Any]:
    return {
        **_origin(source.evaluation, tiles),
        "calibration": None if seen is None else {"tiles": len(seen), **_origin(source.calibration, seen)},
        "processor": processor(),
        "threads": options.threads,
        "torch_seconds": torch_s,
        "variants": [trial.told() for trial in trials],
    }


def _origin(data: Data, tiles: Tiles) -> dict[str, str]:
    return {"data": f"{data.kind}: {getattr(data, 'path', 'drawn scenes')}", "tiles_sha256": content_hash(tiles)}


def _proof(content: bytes) -> dict[str, Any]:
    return {"size_byte": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def encoder_sha256(model: MobileSam) -> str:
    """Of the frozen encoder's numbers, names included: bundles that differ in it cannot share updates."""
    return sha256_of(model.image_encoder.state_dict())


def _archive_path(out: Path) -> Path:
    if out.name in ("", "..") or len(os.fsencode(out.name)) > LONGEST_NAME_BYTE:
        raise StorageError(f"'{str(out)[:80]}' cannot be the name of a bundle; give a folder that is not there yet.")
    archive = out.with_name(f"{out.name}.tar")
    if archive.exists():
        raise StorageError(f"{archive} exists; choose another folder or move this file away first.")
    return archive


def _archive(path: Path, folder_name: str, contents: dict[str, bytes]) -> None:
    """The same bytes for the same bundle: no times, no owners."""
    with tarfile.open(path, "w") as archive:
        for name in sorted(contents):
            entry = tarfile.TarInfo(f"{folder_name}/{name}")
            entry.size = len(contents[name])
            archive.addfile(entry, io.BytesIO(contents[name]))
