"""The score of a bundle on scenes with masks, tile by tile as checkpoints are scored."""

from collections.abc import Callable
from pathlib import Path

from orbitfl.data.loading import load
from orbitfl.data.options import FolderData
from orbitfl.download import digest
from orbitfl.export.bundle import MANIFEST
from orbitfl.export.reading import Bundle, read_bundle
from orbitfl.export.sessions import open_sessions
from orbitfl.training.appraisal import Appraisal
from orbitfl.training.scores import Confusion, confusion

CHUNK = 16

Notify = Callable[[str, int, int], None]


def appraise_bundle(folder: Path, data: FolderData, cache: Path, threads: int, notify: Notify) -> Appraisal:
    """Raises OrbitflError for a damaged bundle or other bands than it was made for, DataError for unusable scenes."""
    bundle = read_bundle(folder)
    tiles, sessions = load(data, cache), open_sessions(folder, threads)
    counts = Confusion()
    for first in range(0, len(tiles), CHUNK):
        chunk = slice(first, first + CHUNK)
        counts += confusion(sessions.logits(tiles.images[chunk]) > 0, tiles.masks[chunk])
        notify("scoring", min(first + CHUNK, len(tiles)), len(tiles))
    return Appraisal(_contestant(bundle), data, tiles, counts)


def bands_of(folder: Path) -> tuple[str, ...]:
    """The bands that the bundle is shown. Raises OrbitflError for a damaged one."""
    return read_bundle(folder).channels


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
