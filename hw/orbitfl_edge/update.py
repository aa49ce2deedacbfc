"""A received update put into a bundle, which becomes a new one: the decoder's numbers change, and nothing else."""

import json
import shutil
from dataclasses import dataclass
from hashlib import sha256 as hashed
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitfl_edge import bundle as bundles
from orbitfl_edge.bundle import MANIFEST, SIGNATURE, TEST_MASK, TEST_SCENE, WEIGHTS, Bundle
from orbitfl_edge.checking import drawn, equal_percent, write_mask
from orbitfl_edge.files import new_folder, sha256
from orbitfl_edge.lineage import KEPT, ORIGINAL, SCHEMA, result_stated, updated
from orbitfl_edge.network import open_network
from orbitfl_edge.problems import EdgeError, NoAnswerError
from orbitfl_edge.reading import read_file
from orbitfl_edge.tensors import Tensors, parsed

METADATA = "orbitfl"
LARGEST_BYTE = 2**28


@dataclass(frozen=True)
class Update:
    """A received file. changes: by name. step: what it states, signed or not (`lineage`), and the file's hash."""

    path: Path
    changes: dict[str, NDArray]
    step: dict[str, Any]


def read_update(path: Path) -> Update:
    """Raises EdgeError for a file that is not an update."""
    content = read_file(path, LARGEST_BYTE, "update", "fetch it again")
    given = parsed(content, str(path))
    try:
        told = json.loads(given.metadata[METADATA])
        step = {key: told[key] for key in ("statement", "signature") if isinstance(told.get(key), str)}
    except (KeyError, AttributeError, ValueError, RecursionError) as error:
        raise EdgeError(f"{path} is not {SCHEMA}; make one with orbitfl export --update-for.") from error
    return Update(path, given.arrays, step | {"update_sha256": hashed(content).hexdigest()})


def apply_update(update: Update, bundle: Bundle, out: Path, threads: int) -> float:
    """Write the updated bundle to `out`, which must not be there yet.

    Its own manifest is unsigned: only the ground can sign. That of a signed bundle goes along, for `lineage`. Returns
    the percent of the test scene's pixels that it draws otherwise. Raises EdgeError for an update of another bundle, of
    other shapes, with numbers that are none, or that makes a network answer with such numbers.
    """
    stated = result_stated(update.step, bundle.manifest, str(update.path))
    base = parsed(bundle.path(WEIGHTS).read_bytes(), str(bundle.path(WEIGHTS)))
    content = base.packed(summed(str(update.path), base, update.changes))
    if hashed(content).hexdigest() != stated:
        raise EdgeError(f"{update.path} does not lead to the decoder that it states; fetch it again.")
    with new_folder(out) as folder:
        _copy_files(bundle, folder)
        _keep_signed_manifest(folder)
        (folder / WEIGHTS).write_bytes(content)
        mask = _test_mask(update.path, Bundle(folder, bundle.manifest, bundle.spec), threads)
        write_mask(folder / TEST_MASK, mask)
        manifest = _manifest(bundle, folder, update)
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True), encoding="ascii")
        bundles.load(folder)
    return 100 - equal_percent(mask, bundle)


def _copy_files(bundle: Bundle, folder: Path) -> None:
    """Without their modes: nobody may be allowed to write the bundle, but the new one is written now."""
    signed = [SIGNATURE] if (bundle.folder / SIGNATURE).exists() else []
    for name in (*bundle.manifest["files"], MANIFEST, *signed):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle.folder / name, folder / name)


def _keep_signed_manifest(folder: Path) -> None:
    if (folder / SIGNATURE).exists():
        (folder / ORIGINAL).mkdir(exist_ok=True)
        for name in (MANIFEST, SIGNATURE):
            (folder / name).replace(folder / ORIGINAL / name)


def summed(called: str, base: Tensors, changes: dict[str, NDArray]) -> dict[str, NDArray]:
    """Every tensor of the base with its change. Raises EdgeError for others, and for sums that are not finite."""
    for name, array in changes.items():
        if name not in base.arrays or base.arrays[name].shape != array.shape:
            raise EdgeError(f"{called} changes {name[:80]!r} of shape {array.shape}, which the bundle does not have.")
    sums = {name: _sum(array, changes.get(name)) for name, array in base.arrays.items()}
    if sick := [name for name, array in sums.items() if not np.isfinite(array).all()]:
        raise EdgeError(f"{called} takes {sick[0]} beyond what its {sums[sick[0]].dtype} can hold; refuse its sender.")
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


def _manifest(bundle: Bundle, folder: Path, update: Update) -> dict[str, Any]:
    changed = [WEIGHTS, TEST_MASK, *(name for name in KEPT if (folder / name).exists())]
    step = update.step | {"from_manifest_sha256": bundle.fingerprint}
    return updated(bundle.manifest, step, {name: _proof(folder / name) for name in changed})


def _proof(path: Path) -> dict[str, Any]:
    return {"size_byte": path.stat().st_size, "sha256": sha256(path)}
