"""The score of a bundle on scenes with masks, tile by tile as checkpoints are scored."""

import os
from pathlib import Path

import numpy as np

from orbitfl.data.loading import load
from orbitfl.data.options import FolderData
from orbitfl.data.tiles import Rule
from orbitfl.download import digest
from orbitfl.errors import OrbitflError
from orbitfl.export.bundle import MANIFEST
from orbitfl.export.reading import Bundle, read_bundle
from orbitfl.export.sessions import Frame, open_sessions
from orbitfl.progress import Notify
from orbitfl.training.appraisal import Appraisal
from orbitfl.training.scores import Confusion, confusion

CHUNK = 16


def appraise_bundle(folder: Path, path: Path, rule: Rule, cache: Path, notify: Notify) -> Appraisal:
    """Score it on the scenes of the data folder `path`, cut and shown as its manifest says; `rule` as in `Tiling`.

    Raises OrbitflError for a damaged bundle, and one whose graphs do not fit its manifest or answer NaN, DataError for
    scenes that cannot be used.
    """
    bundle = read_bundle(folder)
    data = _shown(bundle, path, rule)
    sessions, tiles = open_sessions(folder, os.cpu_count() or 1, _frame(bundle)), load(data, cache)
    counts = Confusion()
    for first in range(0, len(tiles), CHUNK):
        chunk = slice(first, first + CHUNK)
        logits = sessions.logits(tiles.images[chunk])
        if not np.isfinite(logits).all():
            raise OrbitflError(f"The network in {folder} answers with NaN or infinity; export it again.")
        counts += confusion(logits > 0, tiles.masks[chunk])
        notify("scoring", min(first + CHUNK, len(tiles)), len(tiles))
    return Appraisal(_contestant(bundle), data, tiles, counts)


def _shown(bundle: Bundle, path: Path, rule: Rule) -> FolderData:
    told = bundle.manifest["input"]
    bands = tuple(told["channels"])
    return FolderData(path=str(path), bands=bands, tile_px=told["tile_px"], rule=rule, stretch=told["stretch"])


def _frame(bundle: Bundle) -> Frame:
    told, model = bundle.manifest["input"], bundle.manifest["model"]
    mean, deviation = tuple(told["mean"]), tuple(told["deviation"])
    return Frame(told["tile_px"], model["image_px"], model["batch_size"], mean, deviation)


def _contestant(bundle: Bundle) -> dict[str, object]:
    model = bundle.manifest["model"]
    return {
        "bundle": str(bundle.folder),
        "manifest_sha256": digest(bundle.folder / MANIFEST),
        "model": model["variant"],
        "image_px": model["image_px"],
        "recipe": model["recipe"],
        "prompt": "none",
    }
