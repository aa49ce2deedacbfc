"""A bundle: a folder with two graphs and a manifest that says what is in it, and how scenes are shown to the graphs."""

import json
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from orbitfl_edge.files import sha256
from orbitfl_edge.problems import EdgeError

FORMAT = "orbitfl-bundle-1"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
ENCODER, DECODER, WEIGHTS = "encoder.onnx", "decoder.onnx", "decoder.safetensors"
TEST_SCENE, TEST_MASK = "test/scene.tif", "test/mask.tif"
NEEDED = (ENCODER, DECODER, WEIGHTS)

LARGEST_MANIFEST_BYTE = 2**20
LARGEST_FILE_BYTE = 2**29
MOST_FILES = 200


@dataclass(frozen=True)
class Spec:
    """How a scene becomes what the network sees.

    channels: bands shown as red, green and blue. stretch: "auto" leaves 8-bit scenes as they are and stretches others,
    "none" takes 8-bit alone, "percentile" stretches all. mean, deviation: of red, green and blue from 0 to 255.
    """

    channels: tuple[str, str, str]
    stretch: str
    tile_px: int
    overlap_px: int
    image_px: int
    batch_size: int
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


@dataclass(frozen=True)
class Bundle:
    folder: Path
    manifest: dict[str, Any]
    spec: Spec

    @property
    def fingerprint(self) -> str:
        return sha256(self.folder / MANIFEST)

    def path(self, name: str) -> Path:
        return self.folder / name


def load(folder: Path) -> Bundle:
    """The bundle in `folder`, every file of which is as the manifest says.

    Raises EdgeError for a missing, added or changed file, and for a manifest that is none.
    """
    manifest = _manifest(folder / MANIFEST)
    spec = _spec(folder, manifest)
    files = _files(folder, manifest)
    for name, told in files.items():
        _check_file(folder, name, told)
    _check_nothing_else(folder, files.keys() | {MANIFEST, SIGNATURE})
    return Bundle(folder, manifest, spec)


def _check_nothing_else(folder: Path, names: Set[str]) -> None:
    """Bytecode neither: Python would run it instead of the source that the manifest vouches for."""
    present = {path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}
    if strange := {path.relative_to(folder).as_posix() for path in present} - names:
        remedy = "start Python with -B, which writes none" if "__pycache__" in min(strange) else "or copy it again"
        raise EdgeError(f"{folder} holds {min(strange)}, which its manifest does not name; remove it, {remedy}.")


def _manifest(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_MANIFEST_BYTE:
            raise EdgeError(f"{path} is larger than {LARGEST_MANIFEST_BYTE} bytes; copy the bundle again.")
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EdgeError(f"There is no readable bundle in {path.parent}: it has no {MANIFEST}.") from error
    except (ValueError, RecursionError) as error:
        raise EdgeError(f"{path} is damaged: it is no JSON; copy the bundle again.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise EdgeError(f"{path} is no {FORMAT}; export the bundle with the orbitfl that fits this runtime.")
    return manifest


def _spec(folder: Path, manifest: dict[str, Any]) -> Spec:
    try:
        given, model = manifest["input"], manifest["model"]
        spec = Spec(
            channels=tuple(map(str, given["channels"])),  # type: ignore[arg-type]
            stretch=str(given["stretch"]),
            tile_px=int(given["tile_px"]),
            overlap_px=int(given["overlap_px"]),
            image_px=int(model["image_px"]),
            batch_size=int(model["batch_size"]),
            mean=tuple(map(float, given["mean"])),  # type: ignore[arg-type]
            deviation=tuple(map(float, given["deviation"])),  # type: ignore[arg-type]
        )
        sound = (
            len(spec.channels) == len(spec.mean) == len(spec.deviation) == 3
            and spec.stretch in ("auto", "none", "percentile")
            and 16 <= spec.tile_px <= 4096
            and 0 <= spec.overlap_px <= spec.tile_px // 2
            and 32 <= spec.image_px <= 4096
            and 1 <= spec.batch_size <= 64
            and min(spec.deviation) > 0
        )
    except (KeyError, TypeError, ValueError):
        sound, spec = False, None
    if not sound or spec is None:
        raise EdgeError(f"{folder / MANIFEST} does not say how scenes are to be shown; export the bundle again.")
    return spec


def _files(folder: Path, manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    files = manifest.get("files")
    sound = isinstance(files, dict) and len(files) <= MOST_FILES and all(map(_is_inside, files))
    if not sound or not isinstance(files, dict) or any(name not in files for name in NEEDED):
        raise EdgeError(f"{folder / MANIFEST} does not name the files of a bundle; export it again.")
    return files


def _is_inside(name: object) -> bool:
    parts = PurePosixPath(str(name)).parts
    return isinstance(name, str) and bool(parts) and not name.startswith("/") and ".." not in parts


def _check_file(folder: Path, name: str, told: Any) -> None:
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise EdgeError(f"{path} is missing; copy the whole bundle again.")
    size_byte = path.stat().st_size
    fits = isinstance(told, dict) and size_byte == told.get("size_byte") and size_byte <= LARGEST_FILE_BYTE
    if not fits or sha256(path) != told["sha256"]:
        raise EdgeError(f"{path} is not the file that the manifest names: a byte has changed; copy the bundle again.")
