"""The two graphs in onnxruntime: tiles of 8-bit colour in, logits of water out."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from orbitfl_edge.bundle import DECODER, ENCODER, Bundle, Spec
from orbitfl_edge.problems import EdgeError, NoAnswerError


@dataclass(frozen=True)
class Network:
    """Its answers are finite: NoAnswerError is raised where they are not, since NaN would pass for land."""

    encoder: onnxruntime.InferenceSession
    decoder: onnxruntime.InferenceSession
    spec: Spec

    def logits(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Tiles (n, tile, tile, 3) → (n, tile, tile), above 0 where there is water."""
        size = self.spec.batch_size
        parts = [self._batch(tiles[first : first + size]) for first in range(0, len(tiles), size)]
        return np.concatenate(parts)

    def encode(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Exactly one batch of tiles → embeddings (batch, dim, image / 16, image / 16)."""
        return np.asarray(self.encoder.run(["embedding"], {"image": prepared(tiles, self.spec)})[0])

    def decode(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Exactly one batch of embeddings → logits (batch, tile, tile), without prompts."""
        return self._asked(embeddings, ["logits"])[0]

    def drawn_from(self, tiles: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What masks of the tiles (n, …) are drawn from: cells (n, g², dim) and filters (n, dim / 8)."""
        size = self.spec.batch_size
        batches = [tiles[first : first + size] for first in range(0, len(tiles), size)]
        said = [self._asked(self.encode(self._filled(batch)), ["cells", "filters"]) for batch in batches]
        cells, filters = (np.concatenate(each)[: len(tiles)] for each in zip(*said, strict=True))
        return cells, filters

    def _asked(self, embeddings: NDArray[np.float32], names: list[str]) -> list[NDArray[np.float32]]:
        count = len(embeddings)
        prompts = {"points": np.zeros((count, 0, 2), np.float32), "labels": np.zeros((count, 0), np.int64)}
        answers = [np.asarray(each) for each in self.decoder.run(names, {"embedding": embeddings, **prompts})]
        if not all(np.isfinite(each).all() for each in answers):
            raise NoAnswerError(
                "The bundle's network answers with NaN or infinity; go back to the bundle before its last update, or "
                "export it again."
            )
        return answers

    def _batch(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self.decode(self.encode(self._filled(tiles)))[: len(tiles)]

    def _filled(self, tiles: NDArray[np.uint8]) -> NDArray[np.uint8]:
        missing = self.spec.batch_size - len(tiles)
        return np.pad(tiles, ((0, missing), (0, 0), (0, 0), (0, 0)), mode="edge") if missing else tiles


def open_network(bundle: Bundle, threads: int) -> Network:
    """Raises EdgeError where onnxruntime cannot take the graphs."""
    encoder, decoder = _session(bundle.path(ENCODER), threads), _session(bundle.path(DECODER), threads)
    return Network(encoder, decoder, bundle.spec)


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except EdgeError:  # Asked to stop meanwhile.
        raise
    except Exception as error:  # onnxruntime raises exceptions of its own, one class for each of its codes.
        told = str(error).splitlines()[0][:200]
        raise EdgeError(f"onnxruntime {onnxruntime.__version__} cannot take {path}: {told}") from error


def prepared(tiles: NDArray[np.uint8], spec: Spec) -> NDArray[np.float32]:
    """(n, tile, tile, 3) of 0 to 255 → (n, 3, image, image), normalised as the network was trained."""
    planes = tiles.transpose(0, 3, 1, 2).astype(np.float32, order="C")  # Plane by plane, which is faster.
    if spec.tile_px != spec.image_px:
        resize = _resizing(spec.tile_px, spec.image_px)
        planes = resize @ planes @ resize.T
    mean, deviation = (np.array(values, np.float32)[:, None, None] for values in (spec.mean, spec.deviation))
    return (planes - mean) / deviation


@cache
def _resizing(given: int, wanted: int) -> NDArray[np.float32]:
    """The matrix (wanted, given) of linear interpolation that averages, when it makes smaller, over all it leaves out:
    a triangle as wide as two pixels of the coarser grid."""
    step = given / wanted
    width = max(step, 1.0)
    centre = step * (np.arange(wanted) + 0.5)[:, None]
    weights = np.maximum(0, 1 - np.abs(np.arange(given) + 0.5 - centre) / width)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
