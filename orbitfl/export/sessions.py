"""The graphs in onnxruntime, shown tiles as the torch network is shown them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from orbitfl.errors import OrbitflError
from orbitfl.models.preprocess import prepare

ENCODER, DECODER = "encoder.onnx", "decoder.onnx"


@dataclass(frozen=True)
class Sessions:
    encoder: onnxruntime.InferenceSession
    decoder: onnxruntime.InferenceSession
    image_px: int
    batch_size: int

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Tiles (n, tile, tile, 3) without prompts → logits (n, tile, tile)."""
        size = self.batch_size
        return np.concatenate([self._batch(images[first : first + size]) for first in range(0, len(images), size)])

    def _batch(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        filled = np.concatenate([images, np.repeat(images[-1:], self.batch_size - len(images), axis=0)])
        embedding = self.encoder.run(["embedding"], {"image": prepare(filled, self.image_px).numpy()})[0]
        asked = {"points": np.zeros((len(filled), 0, 2), np.float32), "labels": np.zeros((len(filled), 0), np.int64)}
        return np.asarray(self.decoder.run(["logits"], {"embedding": embedding, **asked})[0])[: len(images)]


def open_sessions(folder: Path, threads: int) -> Sessions:
    """The graphs in `folder`. Raises OrbitflError where onnxruntime cannot take them."""
    encoder, decoder = _session(folder / ENCODER, threads), _session(folder / DECODER, threads)
    batch_size, _, image_px, _ = encoder.get_inputs()[0].shape
    return Sessions(encoder, decoder, image_px, batch_size)


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises exceptions of its own, one class for each of its codes.
        raise OrbitflError(f"onnxruntime cannot take {path}: {str(error)[:200]}. Export the bundle again.") from error


def seconds_each(works: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """The fewest seconds of each work, which a busy machine disturbs least; in turns, and once before to warm up."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(repeats):
        for name, work in works.items():
            taken[name].append(_seconds(work))
    return {name: min(each) for name, each in taken.items()}


def _seconds(work: Callable[[], object]) -> float:
    started_s = perf_counter()
    work()
    return perf_counter() - started_s
