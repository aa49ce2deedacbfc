"""A received update put into a bundle, which becomes a new one: the decoder's numbers change, and nothing else."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitfl_edge import bundle as bundles
from orbitfl_edge.bundle import MANIFEST, SIGNATURE, TEST_MASK, TEST_SCENE, WEIGHTS, Bundle
from orbitfl_edge.checking import drawn, equal_percent, write_mask
from orbitfl_edge.files import new_folder, sha256
from orbitfl_edge.network import open_network
from orbitfl_edge.problems import EdgeError, NoAnswerError
from orbitfl_edge.tensors import Tensors, parsed

SCHEMA = "orbitfl-bundle-update-1"
METADATA = "orbitfl"
LARGEST_BYTE = 2**28


def apply_update(update: Path, bundle: Bundle, out: Path, threads: int) -> float:
    """Write the updated bundle to `out`, which must not be there yet. It is unsigned: only the ground can sign.

    Returns the percent of the test scene's pixels that it draws otherwise. Raises EdgeError for an update of another
    base, of other shapes, with numbers that are none, or that makes a network answer with such numbers.
    """
    given = parsed(_read(update), str(update))
    _check_base(update, given, bundle)
    base = parsed(bundle.path(WEIGHTS).read_bytes(), str(bundle.path(WEIGHTS)))
    content = base.packed(_sums(update, base, given))
    with new_folder(out) as folder:
        left_out = shutil.ignore_patterns(SIGNATURE)
        shutil.copytree(bundle.folder, folder, dirs_exist_ok=True, ignore=left_out)
        (folder / WEIGHTS).write_bytes(content)
        mask = _test_mask(update, Bundle(folder, bundle.manifest, bundle.spec), threads)
        write_mask(folder / TEST_MASK, mask)
        manifest = _manifest(bundle, folder, update)
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True), encoding="ascii")
        bundles.load(folder)
    return 100 - equal_percent(mask, bundle)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_BYTE:
            raise EdgeError(f"{path} is larger than {LARGEST_BYTE} bytes, which no update is.")
        return path.read_bytes()
    except OSError as error:
        raise EdgeError(f"There is no readable update {path}; fetch it again.") from error


def _check_base(path: Path, given: Tensors, bundle: Bundle) -> None:
    try:
        told = json.loads(given.metadata[METADATA])
        schema, base = told["schema"], told["base"]
    except (KeyError, TypeError, ValueError) as error:
        raise EdgeError(f"{path} is no update of a bundle; make one with orbitfl export --update-for.") from error
    if schema != SCHEMA:
        raise EdgeError(f"{path} is of the schema {str(schema)[:40]!r}, where {SCHEMA!r} is expected.")
    own = sha256(bundle.path(WEIGHTS))
    if base != own:
        raise EdgeError(
            f"{path} is an update for decoder {str(base)[:12]}, but {bundle.folder} has {own[:12]}; give the bundle "
            "that it was made for."
        )


def _sums(path: Path, base: Tensors, given: Tensors) -> dict[str, NDArray]:
    for name, array in given.arrays.items():
        if name not in base.arrays or base.arrays[name].shape != array.shape:
            raise EdgeError(f"{path} changes {name[:80]} of shape {array.shape}, which the bundle does not have.")
    sums = {name: _sum(array, given.arrays.get(name)) for name, array in base.arrays.items()}
    if sick := [name for name, array in sums.items() if not np.isfinite(array).all()]:
        raise EdgeError(f"{path} takes {sick[0]} beyond what its {sums[sick[0]].dtype} can hold; refuse its sender.")
    return sums


def _sum(array: NDArray, change: NDArray | None) -> NDArray:
    if change is None:
        return array
    with np.errstate(over="ignore"):
        return (array.astype(np.float32) + change.astype(np.float32)).astype(array.dtype)


def _test_mask(update: Path, updated: Bundle, threads: int) -> NDArray[np.uint8]:
    try:
        return drawn(open_network(updated, threads), updated.path(TEST_SCENE))
    except NoAnswerError as error:
        raise EdgeError(f"{update} makes the network answer with NaN or infinity; refuse its sender.") from error


def _manifest(bundle: Bundle, folder: Path, update: Path) -> dict[str, Any]:
    """What was shown of the bundle was shown before its updates, and the new manifest says so."""
    changed = {name: _proof(folder / name) for name in (WEIGHTS, TEST_MASK)}
    step = {"update_sha256": sha256(update), "from_manifest_sha256": bundle.fingerprint}
    return bundle.manifest | {
        "files": bundle.manifest["files"] | changed,
        "updates": [*bundle.manifest.get("updates", []), step],
        "evidence": {**bundle.manifest.get("evidence", {}), "of": "the bundle before its updates"},
    }


def _proof(path: Path) -> dict[str, Any]:
    return {"size_byte": path.stat().st_size, "sha256": sha256(path)}
