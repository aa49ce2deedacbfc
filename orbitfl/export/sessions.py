"""The graphs in onnxruntime, shown tiles as the torch network is shown them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from orbitfl.errors import OrbitflError, in_a_line
from orbitfl.models.preprocess import DEVIATION, MEAN, Colour, prepare

ENCODER, DECODER = "encoder.onnx", "decoder.onnx"
FLOAT = "tensor(float)"


@dataclass(frozen=True)
class Frame:
    """How tiles are shown to the graphs. mean, deviation: of red, green and blue from 0 to 255."""

    tile_px: int
    image_px: int
    batch_size: int
    mean: Colour = MEAN
    deviation: Colour = DEVIATION


@dataclass(frozen=True)
class Sessions:
    encoder: onnxruntime.InferenceSession
    decoder: onnxruntime.InferenceSession
    frame: Frame

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Tiles (n, tile, tile, 3) without prompts → logits (n, tile, tile).

        Raises OrbitflError where the graphs cannot compute them, or answer in another shape.
        """
        size = self.frame.batch_size
        return np.concatenate([self._batch(images[first : first + size]) for first in range(0, len(images), size)])

    def _batch(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        frame = self.frame
        filled = np.concatenate([images, np.repeat(images[-1:], frame.batch_size - len(images), axis=0)])
        shown = prepare(filled, frame.image_px, frame.mean, frame.deviation).numpy()
        asked = {"points": np.zeros((len(filled), 0, 2), np.float32), "labels": np.zeros((len(filled), 0), np.int64)}
        with _complained_of("compute the graphs"):
            embedding = self.encoder.run(["embedding"], {"image": shown})[0]
            logits = np.asarray(self.decoder.run(["logits"], {"embedding": embedding, **asked})[0])
        if logits.shape != filled.shape[:3]:
            raise OrbitflError(
                f"The graphs answer tiles {filled.shape[:3]} with {logits.shape} numbers. Export the bundle again."
            )
        return logits[: len(images)]


def open_sessions(folder: Path, threads: int, frame: Frame) -> Sessions:
    """The graphs in `folder`. Raises OrbitflError where onnxruntime cannot take them, or they are for other tiles."""
    encoder, decoder = _session(folder / ENCODER, threads), _session(folder / DECODER, threads)
    if not _fits(encoder, decoder, frame):
        raise OrbitflError(
            f"The graphs in {folder} do not take {frame.batch_size} tiles of {frame.tile_px} px seen at "
            f"{frame.image_px} px, as expected. Export the bundle again."
        )
    return Sessions(encoder, decoder, frame)


def _fits(encoder: onnxruntime.InferenceSession, decoder: onnxruntime.InferenceSession, frame: Frame) -> bool:
    """As the board has it, which refuses all others."""
    size, image, tile = frame.batch_size, frame.image_px, frame.tile_px
    asked, embedded = _described(encoder.get_inputs()), _described(encoder.get_outputs())
    given, told = _described(decoder.get_inputs()), _described(decoder.get_outputs())
    return (
        asked == {"image": (FLOAT, [size, 3, image, image])}
        and given.keys() == {"embedding", "points", "labels"}
        and given["embedding"] == embedded.get("embedding")
        and told.get("logits") == (FLOAT, [size, tile, tile])
        and told.keys() >= {"cells", "filters"}
    )


def _described(parts: Sequence[onnxruntime.NodeArg]) -> dict[str, tuple[str, list[Any]]]:
    return {part.name: (part.type, part.shape) for part in parts}


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Encoder and decoder have threads of their own, which would go on to spin on each other's cores.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.log_severity_level = 4  # What it complains of is raised as well.
    with _complained_of(f"take {path}"):
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


@contextmanager
def _complained_of(work: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # onnxruntime raises exceptions of its own, one class for each of its codes.
        raise OrbitflError(f"onnxruntime cannot {work}: {in_a_line(error)[:200]}. Export the bundle again.") from error


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
