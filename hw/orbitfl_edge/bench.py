"""What a bundle costs on this board: seconds, memory and, where the board counts them, joules."""

import json
import platform
import resource
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from orbitfl_edge.bundle import Bundle
from orbitfl_edge.learning import Lessons, last_layers, step_slopes
from orbitfl_edge.network import Network, open_network
from orbitfl_edge.problems import EdgeError

COUNTERS = "/sys/class/powercap"
STEP_TILES = 4
"""Of a training step."""


@dataclass(frozen=True)
class Measured:
    """tile_s: percentiles of the seconds from 8-bit tile to logits. encoder_s, decoder_s: medians of its parts. step_s:
    the median of training steps of the last layers (`learning`), each of STEP_TILES tiles whose cells are kept.

    start_s: from nothing loaded to the first mask. peak_byte: of the process, libraries included. watts: mean over the
    timing, of processor and memory; None where the board does not count them.
    """

    processor: str
    threads: int
    repeats: int
    start_s: float
    encoder_s: float
    decoder_s: float
    tile_s: dict[str, float]
    step_s: float
    peak_byte: int
    watts: float | None

    def told(self) -> dict[str, Any]:
        return asdict(self)


def measured(bundle: Bundle, threads: int, repeats: int) -> Measured:
    started_s = time.perf_counter()
    network = open_network(bundle, threads)
    tile = np.random.default_rng(0).integers(0, 256, (1, *2 * (bundle.spec.tile_px,), 3), np.uint8)
    tiles = np.repeat(tile, bundle.spec.batch_size, axis=0)
    network.logits(tiles)
    start_s = time.perf_counter() - started_s
    energy_j, began_s = _joules(), time.perf_counter()
    taken_s = [_seconds(lambda: network.logits(tiles)) / len(tiles) for _ in range(repeats)]
    watts = _watts(energy_j, _joules(), time.perf_counter() - began_s)
    embeddings = network.encode(tiles)
    encoder_s = _median_s(lambda: network.encode(tiles), repeats) / len(tiles)
    decoder_s = _median_s(lambda: network.decode(embeddings), repeats) / len(tiles)
    step_s = _step_s(bundle, network, np.repeat(tile, STEP_TILES, axis=0), repeats)
    shares = {f"p{share}": float(np.percentile(taken_s, share)) for share in (50, 90, 99)}
    times = {"start_s": start_s, "encoder_s": encoder_s, "decoder_s": decoder_s, "tile_s": shares, "step_s": step_s}
    return Measured(_processor(), threads, repeats, **times, peak_byte=_peak_byte(), watts=watts)


def require_profile(name: str, watts: float | None) -> None:
    """Raises EdgeError where `profile` could not be written whatever is measured."""
    if not (name.strip() and name.isprintable()):
        raise EdgeError(f"A profile cannot be named {name!r}; name it in letters that can be printed.")
    if watts is None and _joules() is None:
        raise _unknown_watts()


def _unknown_watts() -> EdgeError:
    return EdgeError(f"This board does not count its energy ({COUNTERS}); give --watts and --standby-watts.")


def _step_s(bundle: Bundle, network: Network, tiles: NDArray[np.uint8], repeats: int) -> float:
    masks = np.random.default_rng(1).integers(0, 2, tiles.shape[:3], np.uint8)
    lessons, weights = Lessons(*network.drawn_from(tiles), masks), last_layers(bundle)
    every = np.arange(len(masks))
    return _median_s(lambda: step_slopes(weights, lessons, every), repeats)


def _median_s(work: Callable[[], object], repeats: int) -> float:
    return median(_seconds(work) for _ in range(repeats))


def profile(found: Measured, bundle: Bundle, name: str, watts: float | None, standby_w: float | None) -> str:
    """A board profile as orbitfl's scenarios take it, as YAML. Raises EdgeError where nobody knows the watts."""
    work_w = watts if watts is not None else found.watts
    if work_w is None:
        raise _unknown_watts()
    how = (
        f"measured with orbitfl_edge bench, {bundle.manifest['model']['variant']} at {bundle.spec.image_px} px, "
        f"{bundle.manifest['model']['recipe']}, median of {found.repeats}; {found.processor}, {found.threads} threads, "
        f"onnxruntime {onnxruntime.__version__}"
    )
    of_watts = "given with --watts" if watts is not None else f"counted by the board; {how}"
    of_step = f"{STEP_TILES} tiles, the last layers alone, their input kept; {how}"
    figures = {
        "train_step_s": (found.step_s, of_step),
        "train_w": (work_w, of_watts),
        "inference_s": (found.tile_s["p50"], how),
        "inference_w": (work_w, of_watts),
        "standby_w": (work_w, f"taken as at work; {of_watts}")
        if standby_w is None
        else (standby_w, "given with --standby-watts"),
        "peak_memory_byte": (float(found.peak_byte), f"peak of the process; {how}"),
    }
    lines = [f"{key}:\n  value: {value:.4g}\n  source: {_quoted(source)}" for key, (value, source) in figures.items()]
    return "\n".join(["kind: board", f"name: {_quoted(name)}", *lines]) + "\n"


def _quoted(text: str) -> str:
    """As YAML, of which JSON's texts are a part, with what a terminal or a reader would trip over left out."""
    return json.dumps("".join(filter(str.isprintable, text)), ensure_ascii=False)


def _seconds(work: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    work()
    return time.perf_counter() - started_s


def _joules() -> float | None:
    """What the processor's counters (Linux powercap, RAPL) have counted so far."""
    try:
        counters = sorted(Path(COUNTERS).glob("intel-rapl:[0-9]*/energy_uj"))
        outer = [path for path in counters if path.parent.name.count(":") == 1]
        return sum(int(path.read_text()) for path in outer) / 1e6 if outer else None
    except (OSError, ValueError):
        return None


def _watts(before_j: float | None, after_j: float | None, seconds: float) -> float | None:
    """None also where a counter has begun anew."""
    if before_j is None or after_j is None or after_j <= before_j:
        return None
    return (after_j - before_j) / seconds


def _peak_byte() -> int:
    """Of this process alone; what getrusage says may be its parent's."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def _processor() -> str:
    """The processor's name, or the board's, or else the architecture."""
    for path, wanted in (("/proc/cpuinfo", "model name"), ("/proc/device-tree/model", "")):
        if Path(path).exists():
            lines = Path(path).read_text(encoding="utf-8", errors="replace").strip("\0\n ").splitlines()
            named = [line.partition(":")[2].strip() if wanted else line for line in lines if line.startswith(wanted)]
            if named and named[0]:
                return named[0]
    return platform.machine()
