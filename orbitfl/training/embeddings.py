"""The frozen encoder's view of each tile, computed once and kept on disk for every run that follows."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from orbitfl.errors import StorageError
from orbitfl.files import replacing
from orbitfl.models.identity import sha256_of
from orbitfl.models.mobile_sam import MobileSam
from orbitfl.models.preprocess import prepare
from orbitfl.progress import Count, uncounted
from orbitfl.training.threads import dealt_out

MOST_BATCH, BATCH_PIXELS = 8, 2**19
"""Tiles that are encoded together, and how many pixels they may have: each thread holds what becomes of a batch."""


def kept_embeddings(
    model: MobileSam,
    images: NDArray[np.uint8],
    content_hash: str,
    folder: Path,
    on_progress: Count = uncounted,
) -> NDArray[np.float32]:
    """Embeddings (n, dim, S/16, S/16) float32 of images (n, H, W, 3), memory-mapped from a file in `folder`.

    The file's name is a hash of the encoder's weights, the image size and the tiles, so it is never stale; it is
    written if it is not there. Raises StorageError when it cannot be.
    """
    path = folder / f"{_key(model, content_hash)}.npy"
    if not path.is_file():
        _write(path, model, images, on_progress)
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise StorageError(f"{path} is damaged ({error}); delete it, and it will be computed again.") from error


def encode(model: MobileSam, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Embeddings of a batch, without gradient."""
    with torch.inference_mode():
        return model.eval().encode(prepare(images, model.image_size)).numpy()


def _write(path: Path, model: MobileSam, images: NDArray[np.uint8], on_progress: Count) -> None:
    grid = model.image_size // 16
    shape = (len(images), model.variant.embedding_dim, grid, grid)
    size = min(max(BATCH_PIXELS // model.image_size**2, 1), MOST_BATCH)
    batches = [slice(first, min(first + size, len(images))) for first in range(0, len(images), size)]
    with replacing(path) as beside:
        kept = np.lib.format.open_memmap(beside, mode="w+", dtype=np.float32, shape=shape)
        found = dealt_out(lambda batch: encode(model, images[batch]), batches, torch.get_num_threads())
        for batch, embeddings in zip(batches, found, strict=True):
            kept[batch] = embeddings
            on_progress(batch.stop, len(images))
        kept.flush()


def _key(model: MobileSam, content_hash: str) -> str:
    told = f"{content_hash} {model.image_size} {model.variant} on one thread"
    return sha256_of(model.image_encoder.state_dict(), told)
