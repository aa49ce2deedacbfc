"""What turns the decoder of a bundle on board into that of another checkpoint: a small file instead of a bundle."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from orbitfl.errors import StorageError, WeightsError
from orbitfl.export import weights
from orbitfl.export.bundle import encoder_sha256
from orbitfl.export.reading import Bundle
from orbitfl.export.sessions import DECODER, ENCODER
from orbitfl.export.signing import check_key, signature
from orbitfl.export.source import Source
from orbitfl.files import lies_in, write_bytes
from orbitfl.models.checkpoint import TOKENS
from orbitfl.models.mobile_sam import MobileSam
from orbitfl.models.weights import locate

SCHEMA = "orbitfl-bundle-update-2"
METADATA = "orbitfl"
"""One key with JSON: the safetensors library keeps no order of several."""
GRAPHS = (DECODER, ENCODER)


def write_update(model: MobileSam, bundle: Bundle, out: Path, sign: Path | None = None) -> int:
    """Write the differences in half precision, tensors that are equal left out; returns the bytes.

    What it says, and `sign` signs, is which decoder becomes which, and for which graphs and input: so every number in
    it is covered. Raises WeightsError where the checkpoint differs from the bundle in more than the decoder's numbers.
    """
    manifest = bundle.manifest
    if encoder_sha256(model) != manifest["model"].get("encoder_sha256"):
        raise WeightsError(
            f"The checkpoint's encoder is not that of {bundle.folder}, and an update changes the decoder alone; "
            "export a new bundle."
        )
    base = (bundle.folder / weights.FILE).read_bytes()
    differences = _differences(model, _loaded(base, bundle.folder / weights.FILE), bundle.folder)
    statement = _statement(manifest, sha256(updated_decoder(base, differences)).hexdigest())
    told = {"statement": statement}
    if sign is not None:
        told["signature"] = signature(statement.encode(), sign).hex()
    content = safetensors.numpy.save(differences, metadata={METADATA: json.dumps(told, sort_keys=True)})
    write_bytes(out, content)
    return len(content)


def require_shown_alike(source: Source, bundle: Bundle) -> None:
    """Raises WeightsError where a run was shown other bands, or otherwise, than the bundle shows; a weight file says
    nothing of that."""
    told = bundle.manifest["input"]
    shown, own = (source.channels, source.stretch), (tuple(told["channels"]), told["stretch"])
    if source.provenance["run"] is not None and shown != own:
        raise WeightsError(
            f"The run was shown {', '.join(shown[0])} (stretch {shown[1]}), and {bundle.folder} shows "
            f"{', '.join(own[0])} (stretch {own[1]}); export a new bundle."
        )


def require_place(out: Path, source: Source, bundle: Bundle, sign: Path | None) -> None:
    """Raises StorageError where the update would overwrite what it is made from, and where `sign` cannot sign."""
    read, taken = locate(source.provenance["checkpoint"]), [bundle.folder]
    taken.append(read if source.provenance["run"] is None else read.parent)
    if not out.name or out.is_dir():
        raise StorageError(f"'{out}' is not a file to write; give the update a name, such as update.safetensors.")
    for place in taken:
        if lies_in(out, place):
            raise StorageError(f"{out} is of {place}, which the update is made from; give it another name.")
    if sign is not None:
        check_key(sign, out)


def _statement(manifest: dict[str, Any], result_sha256: str) -> str:
    files = manifest["files"]
    told = {
        "schema": SCHEMA,
        "base": files[weights.FILE]["sha256"],
        "graphs": {name: files[name]["sha256"] for name in GRAPHS},
        "input": manifest["input"],
        "result": result_sha256,
    }
    return json.dumps(told, sort_keys=True)


def updated_decoder(base: bytes, differences: dict[str, NDArray[np.float16]]) -> bytes:
    """The decoder's file as a board will write it, to the byte. Raises WeightsError beyond what it can hold."""
    content, places = bytearray(base), weights.places(base)
    for name, value in safetensors.numpy.load(base).items():
        if name in differences:
            with np.errstate(over="ignore"):
                total = (value.astype(np.float32) + differences[name].astype(np.float32)).astype(value.dtype)
            if not np.isfinite(total).all():
                raise WeightsError(f"The checkpoint's {name} is beyond what {weights.FILE} can hold.")
            content[slice(*places[name])] = total.tobytes()
    return bytes(content)


def _loaded(content: bytes, path: Path) -> dict[str, NDArray]:
    try:
        return safetensors.numpy.load(content)
    except (SafetensorError, KeyError) as error:
        raise WeightsError(f"{path} is not a safetensors file of numbers; copy the bundle again.") from error


def _differences(model: MobileSam, base: dict[str, NDArray], folder: Path) -> dict[str, NDArray[np.float16]]:
    state = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    strange = [name for name, value in base.items() if name not in state or state[name].shape != value.shape]
    if strange or (TOKENS in state) != (TOKENS in base):
        raise WeightsError(
            f"The checkpoint has other tensors than {folder} ({(strange or [TOKENS])[0]}); export a new bundle."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        wanted = {name: state[name].astype(value.dtype).astype(np.float32) for name, value in base.items()}
        changes = {name: wanted[name] - value.astype(np.float32) for name, value in base.items()}
        half = {name: change.astype(np.float16) for name, change in changes.items() if change.any()}
    if not all(np.isfinite(value).all() for value in half.values()):
        raise WeightsError("A difference is beyond half precision; export a new bundle.")
    return half
