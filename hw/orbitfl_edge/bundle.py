"""A bundle: a folder with two graphs and a manifest that says what is in it, and how scenes are shown to the graphs."""

import hashlib
import json
import os
import re
from collections.abc import Set
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from orbitfl_edge.files import require_text, sha256
from orbitfl_edge.problems import EdgeError
from orbitfl_edge.reading import read_file

FORMAT = "orbitfl-bundle-1"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
ENCODER, DECODER, WEIGHTS = "encoder.onnx", "decoder.onnx", "decoder.safetensors"
TEST_SCENE, TEST_MASK = "test/scene.tif", "test/mask.tif"
NEEDED = (ENCODER, DECODER, WEIGHTS, TEST_SCENE, TEST_MASK)

LARGEST_MANIFEST_BYTE = 2**20
SIGNATURE_BYTE = 64
LARGEST_FILE_BYTE = 2**29
MOST_FILES = 200
MOST_LEVELS = 20
LONGEST_TEXT = 100
LARGEST_COLOUR = 1e4
"""Means and deviations are of numbers up to 255."""
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._/-]{1,200}")


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

    @property
    def network(self) -> str:
        """A hash of all that a mask depends on: exported again, the same network has other timings in its manifest."""
        graphs = {name: self.manifest["files"][name]["sha256"] for name in (ENCODER, DECODER, WEIGHTS)}
        return hashlib.sha256(json.dumps([graphs, asdict(self.spec)], sort_keys=True).encode()).hexdigest()

    def path(self, name: str) -> Path:
        return self.folder / name


def load(folder: Path) -> Bundle:
    """The bundle in `folder`, every file of which is as the manifest says.

    Raises EdgeError for a missing, added or changed file, and for a manifest that is none.
    """
    require_text(folder)
    manifest = read_manifest(folder / MANIFEST)
    spec = _spec(folder, manifest)
    for name, told in manifest["files"].items():
        _check_file(folder, name, told)
    _check_nothing_else(folder, manifest["files"].keys() | {MANIFEST, SIGNATURE})
    if os.path.lexists(folder / SIGNATURE):
        read_signature(folder)
    return Bundle(folder, manifest, spec)


def _check_nothing_else(folder: Path, names: Set[str]) -> None:
    """Bytecode neither: Python would run it instead of the source that the manifest vouches for. It also imports from
    folders that may not be listed, so those could hold anything."""
    parents = {parent for name in names for parent in PurePosixPath(name).parents}
    for place, folders, files in os.walk(folder, onerror=_cannot_be_listed):
        inside = PurePosixPath(Path(place).relative_to(folder).as_posix())
        strange = [name for name in files if str(inside / name) not in names]
        strange += [name for name in folders if inside / name not in parents or Path(place, name).is_symlink()]
        if strange:
            remedy = "start Python with -B, which writes none" if "__pycache__" in strange else "or copy it again"
            first = inside / min(strange)
            raise EdgeError(f"{folder} holds {first}, which its manifest does not name; remove it, {remedy}.")


def _cannot_be_listed(error: OSError) -> NoReturn:
    raise EdgeError(f"{error.filename} cannot be looked into ({error.strerror}); copy the bundle again.")


def read_manifest(path: Path) -> dict[str, Any]:
    """What a manifest says: files with their hashes, updates, and the rest as it stands. Raises EdgeError for none."""
    content = read_file(path, LARGEST_MANIFEST_BYTE, "bundle manifest", "copy the whole bundle again")
    if path.is_symlink():
        raise EdgeError(f"{path} is a link, which no bundle holds; copy the bundle again.")
    try:
        manifest = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise EdgeError(f"{path} is damaged: it is not JSON; copy the bundle again.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise EdgeError(f"{path} is not {FORMAT}; export the bundle with the orbitfl that fits this runtime.")
    if _is_deeper(manifest, MOST_LEVELS) or not _is_told_of_updates(manifest):
        raise EdgeError(f"{path} does not say what the bundle is as {FORMAT} does; export the bundle again.")
    if not _names_files(manifest.get("files")):
        raise EdgeError(f"{path} does not name the files of a bundle; export it again.")
    return {"updates": [], "evidence": {}} | manifest


def read_signature(folder: Path) -> bytes:
    """Raises EdgeError where there is none, or what is larger than one."""
    return read_file(folder / SIGNATURE, SIGNATURE_BYTE, "signature", "copy the whole bundle again")


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _is_deeper(content: object, levels: int) -> bool:
    """Beyond what can be written again and be compared."""
    level = [content]
    for _ in range(levels):
        holders = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [each for holder in holders for each in holder]
    return bool(level)


def _is_told_of_updates(manifest: dict[str, Any]) -> bool:
    updates = manifest.get("updates", [])
    listed = isinstance(updates, list) and all(isinstance(step, dict) for step in updates)
    return listed and isinstance(manifest.get("evidence", {}), dict)


def _names_files(files: object) -> bool:
    if not isinstance(files, dict) or len(files) > MOST_FILES or any(name not in files for name in NEEDED):
        return False
    return all(_is_inside(name) and _is_proof(told) for name, told in files.items())


def _is_inside(name: str) -> bool:
    return _PLAIN_NAME.fullmatch(name) is not None and PurePosixPath(name).as_posix() == name and ".." not in name


def _is_proof(told: object) -> bool:
    return isinstance(told, dict) and type(told.get("size_byte")) is int and isinstance(told.get("sha256"), str)


def _spec(folder: Path, manifest: dict[str, Any]) -> Spec:
    try:
        given, model = manifest["input"], manifest["model"]
        spec = Spec(
            channels=tuple(given["channels"]),  # type: ignore[arg-type]
            stretch=given["stretch"],
            tile_px=given["tile_px"],
            overlap_px=given["overlap_px"],
            image_px=model["image_px"],
            batch_size=model["batch_size"],
            mean=tuple(given["mean"]),  # type: ignore[arg-type]
            deviation=tuple(given["deviation"]),  # type: ignore[arg-type]
        )
        sound = _is_sound(spec) and _are_texts((model["variant"], model["recipe"]))
    except (KeyError, TypeError):
        sound, spec = False, None
    if not sound or spec is None:
        raise EdgeError(f"{folder / MANIFEST} does not say how scenes are to be shown; export the bundle again.")
    return spec


def _is_sound(spec: Spec) -> bool:
    return (
        len(spec.channels) == len(spec.mean) == len(spec.deviation) == 3
        and _are_texts(spec.channels)
        and spec.stretch in ("auto", "none", "percentile")
        and _is_whole(spec.tile_px, 16, 4096)
        and _is_whole(spec.overlap_px, 0, spec.tile_px // 2)
        and _is_whole(spec.image_px, 32, 4096)
        and _is_whole(spec.batch_size, 1, 64)
        and all(_is_number(value, -LARGEST_COLOUR, LARGEST_COLOUR) for value in spec.mean)
        and all(_is_number(value, 1 / LARGEST_COLOUR, LARGEST_COLOUR) for value in spec.deviation)
    )


def _are_texts(values: tuple[object, ...]) -> bool:
    return all(isinstance(value, str) and value.isprintable() and len(value) <= LONGEST_TEXT for value in values)


def _is_whole(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _is_number(value: object, least: float, most: float) -> bool:
    return type(value) in (int, float) and least <= value <= most  # type: ignore[operator]


def _check_file(folder: Path, name: str, told: dict[str, Any]) -> None:
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise EdgeError(f"{path} is missing; copy the whole bundle again.")
    try:
        fits = path.stat().st_size == told["size_byte"] <= LARGEST_FILE_BYTE and sha256(path) == told["sha256"]
    except OSError as error:
        raise EdgeError(f"{path} cannot be read ({error.strerror}); copy the whole bundle again.") from error
    if not fits:
        raise EdgeError(f"{path} is not the file that the manifest names: a byte has changed; copy the bundle again.")
