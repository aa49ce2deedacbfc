"""The board's side measured on this machine: `orbitfl bench edge`."""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.windows import Window

from orbitfl.data.loading import load, scenes
from orbitfl.errors import OrbitflError
from orbitfl.export.bundle import Exported, Options, export
from orbitfl.export.runtime import PACKAGE, runtime_folder, started
from orbitfl.export.source import Source
from orbitfl.files import cache_folder
from orbitfl.process import peak_byte
from orbitfl.progress import Notify

NEEDED = ("numpy", "onnxruntime", "rasterio")
"""What the runtime imports; what these need is looked up."""
NEAR_PX = 2
"""How far from a tile's border a seam would show."""

LOOK_S = 0.01


@dataclass(frozen=True, kw_only=True)
class Bench:
    """scene_px: the side of the large scene; 10 980 is that of a Sentinel-2 tile."""

    threads: int = 1
    repeats: int = 5
    scene_px: int = 10_980


def measured(source: Source, options: Bench, notify: Notify) -> dict[str, Any]:
    """Every figure as one object of JSON. Raises OrbitflError where the network cannot be exported."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        trying = Options(quantize="int8", threads=options.threads, repeats=options.repeats, most_loss=float("inf"))
        small = export(source, folder / "int8", trying, notify)
        plain = export(source, folder / "fp32", Options(threads=options.threads, repeats=1, most_pixels=0), notify)
        return {
            "model": small.manifest["model"],
            "evidence": small.manifest["evidence"],
            "speed_up": {trial.name: small.torch_s / trial.seconds for trial in small.trials},
            "int8_byte_share": _graph_byte(small) / _graph_byte(plain),
            "runtime_byte": installed_byte(),
            "start_s": _start_s(source, plain.folder, folder, options),
            "scene": _large_scene(source, plain.folder, folder, options, notify),
            "seams": _seams(source, plain.folder, folder, notify),
        }


def described(found: dict[str, Any]) -> str:
    """The same for people."""
    evidence, scene, seams = found["evidence"], found["scene"], found["seams"]
    lines = [
        f"{found['model']['variant']} at {found['model']['image_px']} px, {evidence['processor']}, "
        f"{evidence['threads']} threads; torch takes {1e3 * evidence['torch_seconds']:.1f} ms a tile",
        f"{'variant':<14}{'MB':>8}{'ms a tile':>11}{'× torch':>9}{'mIoU':>8}{'equal pixels':>14}",
    ]
    for each in evidence["variants"]:
        miou = "–" if each["miou"] is None else f"{each['miou']:.2f}"
        lines.append(
            f"{each['variant']:<14}{each['byte'] / 1e6:>8.2f}{1e3 * each['seconds']:>11.1f}"
            f"{found['speed_up'][each['variant']]:>9.2f}{miou:>8}{each['equal_percent']:>12.3f} %"
        )
    return "\n".join(
        [
            *lines,
            f"int8 takes {found['int8_byte_share']:.1%} of the bytes of fp32",
            f"runtime installed {found['runtime_byte'] / 1e6:.0f} MB, first tile after {found['start_s']:.2f} s",
            f"scene of {scene['side_px']} px: {scene['seconds']:.0f} s, peak {scene['peak_byte'] / 1e6:.0f} MB",
            f"against twice the overlap {seams['differs_near_percent']:.3f} % of pixels differ within {NEAR_PX} px of "
            f"tile borders, {seams['differs_elsewhere_percent']:.3f} % elsewhere",
        ]
    )


def installed_byte() -> int:
    """The runtime and everything it needs, as it is installed here."""
    names, todo = set(), list(NEEDED)
    while todo:
        name = todo.pop()
        if name in names:
            continue
        names.add(name)
        wanted = [each for each in metadata.requires(name) or () if ";" not in each or "extra" not in each]
        todo += [each.split(";")[0].strip().split(" ")[0].split("=")[0].rstrip("<>!~") for each in wanted]
    files = [file for name in names for file in _files(name)]
    return sum(files) + sum(path.stat().st_size for path in (runtime_folder() / PACKAGE).glob("*.py"))


def _files(name: str) -> Iterator[int]:
    try:
        listed = metadata.files(name) or ()
    except metadata.PackageNotFoundError:
        return
    for file in listed:
        path = Path(str(file.locate()))
        if path.is_file() and path.suffix != ".pyc":
            yield path.stat().st_size


def _graph_byte(exported: Exported) -> int:
    return next(trial.byte for trial in exported.trials if trial.name == exported.shipped.name)


def _start_s(source: Source, bundle: Path, folder: Path, options: Bench) -> float:
    """From the start of the process to the written mask of a scene of one tile, the best of three."""
    scene = folder / "tile.tif"
    _write_mosaic(scene, source, source.tile_px)
    return min(_segmented(scene, bundle, options)[0] for _ in range(3))


def _large_scene(source: Source, bundle: Path, folder: Path, options: Bench, notify: Notify) -> dict[str, float]:
    scene = folder / "large.tif"
    _write_mosaic(scene, source, options.scene_px)
    notify("large scene", 0, 1)
    seconds, most_byte = _segmented(scene, bundle, options)
    notify("large scene", 1, 1)
    return {"side_px": options.scene_px, "seconds": seconds, "peak_byte": most_byte}


def _segmented(scene: Path, bundle: Path, options: Bench) -> tuple[float, int]:
    """Seconds and the most memory in bytes, from the start of the process to a mask beside the scene."""
    mask = scene.with_suffix(".mask.tif")
    mask.unlink(missing_ok=True)
    started_s = time.perf_counter()
    most_byte = _run(["segment", scene, "-o", mask, "--bundle", bundle, "--threads", options.threads])
    return time.perf_counter() - started_s, most_byte


def _seams(source: Source, bundle: Path, folder: Path, notify: Notify) -> dict[str, float]:
    """How the mask of the largest scene differs from one with twice the overlap, near its tiles' borders and between.

    A seam is a difference that is larger near the borders.
    """
    scene = max(scenes(source.evaluation, cache_folder()), key=lambda scene: scene.height_px * scene.width_px)
    overlaps = (source.tile_px // 4, source.tile_px // 2)
    masks = []
    for done, overlap_px in enumerate(overlaps):
        out = folder / f"seams-{overlap_px}.tif"
        _run(["segment", scene.image_path, "-o", out, "--bundle", bundle, "--overlap-px", str(overlap_px)])
        with rasterio.open(out) as file:
            masks.append(file.read(1))
        notify("seams", done + 1, len(overlaps))
    differs = masks[0] != masks[1]
    rows, columns = (_near_borders(side, source.tile_px, overlaps[0]) for side in differs.shape)
    near = rows[:, None] | columns
    return {
        "height_px": scene.height_px,
        "width_px": scene.width_px,
        "differs_near_percent": 100 * float(differs[near].mean()) if near.any() else 0.0,
        "differs_elsewhere_percent": 100 * float(differs[~near].mean()),
    }


def _near_borders(side_px: int, tile_px: int, overlap_px: int) -> NDArray[np.bool_]:
    """(side,): within NEAR_PX of where a tile begins or ends inside the scene."""
    last = max(side_px - tile_px, 0)
    starts = np.array([*range(0, last, tile_px - overlap_px), last])
    edges = np.concatenate([starts[starts > 0], (starts + tile_px)[starts + tile_px < side_px]])
    near = np.zeros(side_px, bool)
    for edge in edges:
        near[max(0, edge - NEAR_PX) : edge + NEAR_PX] = True
    return near


def _write_mosaic(path: Path, source: Source, side_px: int) -> None:
    """A large scene of the evaluation's own images, one beside the other."""
    images = load(source.evaluation, cache_folder()).images
    tile_px, rng = images.shape[1], np.random.default_rng(0)
    profile = {"driver": "GTiff", "height": side_px, "width": side_px, "count": 3, "dtype": "uint8"}
    place = {"crs": "EPSG:32632", "transform": Affine(10, 0, 6e5, 0, -10, 5e6)}
    with rasterio.open(path, "w", **profile, **place, tiled=True, compress="deflate", zlevel=1) as file:
        file.descriptions = source.channels
        for row in range(0, side_px, tile_px):
            chosen = images[rng.integers(0, len(images), -(-side_px // tile_px))]
            stripe = np.concatenate(list(chosen), axis=1)[: side_px - row, :side_px]
            window = Window(0, row, side_px, len(stripe))  # type: ignore[call-arg]
            file.write(np.moveaxis(stripe, -1, 0), window=window)


def _run(words: list[Any]) -> int:
    """The most memory in bytes that the runtime takes for a command. Raises OrbitflError where it refuses."""
    process, most_byte = started(words, subprocess.DEVNULL), 0
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        most_byte = max(most_byte, peak_byte(status) or 0)
        time.sleep(LOOK_S)
    if process.returncode:
        raise OrbitflError(f"The board's runtime ended with {process.returncode} at {words[0]}; run it alone to see.")
    return most_byte
