"""The two graphs in onnxruntime: tiles of 8-bit colour in, logits of water out."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from orbitfl_edge.bundle import DECODER, ENCODER, Bundle, Spec
from orbitfl_edge.problems import EdgeError, NoAnswerError

FLOAT = "tensor(float)"
Session = onnxruntime.InferenceSession


@dataclass(frozen=True)
class Network:
    """Its answers are finite: NoAnswerError is raised where they are not, since NaN would pass for land."""

    encoder: Session
    decoder: Session
    spec: Spec

    def logits(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Tiles (n, tile, tile, 3) → (n, tile, tile), above 0 where there is water."""
        size = self.spec.batch_size
        parts = [self._batch(tiles[first : first + size]) for first in range(0, len(tiles), size)]
        return np.concatenate(parts)

    def encode(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Exactly one batch of tiles → embeddings (batch, dim, image / 16, image / 16)."""
        return _answers(self.encoder, ["embedding"], {"image": prepared(tiles, self.spec)})[0]

    def decode(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Exactly one batch of embeddings → logits (batch, tile, tile), without prompts."""
        logits, side = self._asked(embeddings, ["logits"])[0], self.spec.tile_px
        if logits.shape != (len(embeddings), side, side):
            raise EdgeError(
                f"The bundle's network answers {len(embeddings)} tiles of {side} px with {logits.shape} numbers; "
                "export it again."
            )
        return logits

    def drawn_from(self, tiles: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What masks of the tiles (n, …) are drawn from: cells (n, g², dim) and filters (n, dim / 8)."""
        size = self.spec.batch_size
        batches = [tiles[first : first + size] for first in range(0, len(tiles), size)]
        said = [self._asked(self.encode(self._filled(batch)), ["cells", "filters"]) for batch in batches]
        (cells, filters), *others = {tuple(each.shape for each in answers) for answers in said}
        if others or (len(cells), len(filters)) != (3, 2) or not cells[0] == filters[0] == size:
            raise EdgeError(
                f"The bundle's network answers {size} tiles with cells of {cells} and filters of {filters}; export it "
                "again."
            )
        every_cell, every_filter = (np.concatenate(each)[: len(tiles)] for each in zip(*said, strict=True))
        return every_cell, every_filter

    def _asked(self, embeddings: NDArray[np.float32], names: list[str]) -> list[NDArray[np.float32]]:
        count = len(embeddings)
        prompts = {"points": np.zeros((count, 0, 2), np.float32), "labels": np.zeros((count, 0), np.int64)}
        answers = _answers(self.decoder, names, {"embedding": embeddings, **prompts})
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
    """Raises EdgeError where onnxruntime cannot take the graphs, or they are not for what the manifest says."""
    encoder, decoder = _session(bundle.path(ENCODER), threads), _session(bundle.path(DECODER), threads)
    _require_fitting(bundle, encoder, decoder)
    return Network(encoder, decoder, bundle.spec)


def _require_fitting(bundle: Bundle, encoder: Session, decoder: Session) -> None:
    size, image, tile = bundle.spec.batch_size, bundle.spec.image_px, bundle.spec.tile_px
    asked, embedded = _described(encoder.get_inputs()), _described(encoder.get_outputs())
    given, told = _described(decoder.get_inputs()), _described(decoder.get_outputs())
    fits = (
        asked == {"image": (FLOAT, [size, 3, image, image])}
        and given.keys() == {"embedding", "points", "labels"}
        and given["embedding"] == embedded.get("embedding")
        and told.get("logits") == (FLOAT, [size, tile, tile])
        and all(told.get(name, ("", []))[0] == FLOAT for name in ("cells", "filters"))
    )
    if not fits:
        raise EdgeError(
            f"The graphs in {bundle.folder} do not take {size} tiles of {tile} px seen at {image} px, as its manifest "
            "says; export the bundle again."
        )


def _described(parts: Sequence[onnxruntime.NodeArg]) -> dict[str, tuple[str, list[Any]]]:
    return {part.name: (part.type, part.shape) for part in parts}


def _answers(session: Session, names: list[str], given: dict[str, NDArray]) -> list[NDArray[np.float32]]:
    with _complained_of("compute what was asked"):
        return [np.asarray(each) for each in session.run(names, given)]


def _session(path: Path, threads: int) -> Session:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Encoder and decoder have threads of their own, which would go on to spin on each other's cores.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.log_severity_level = 4  # What it complains of is raised as well.
    with _complained_of(f"take {path}"):
        return Session(path, options, providers=["CPUExecutionProvider"])


@contextmanager
def _complained_of(work: str) -> Iterator[None]:
    try:
        yield
    except EdgeError:  # Asked to stop meanwhile.
        raise
    except Exception as error:  # onnxruntime raises exceptions of its own, one class for each of its codes.
        told = str(error).splitlines()[0][:200]
        raise EdgeError(f"onnxruntime {onnxruntime.__version__} cannot {work}: {told}") from error


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
