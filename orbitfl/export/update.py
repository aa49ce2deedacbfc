"""What turns the decoder of a bundle on board into that of another checkpoint: a small file instead of a bundle."""

import json
from pathlib import Path

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from orbitfl.download import digest
from orbitfl.errors import WeightsError
from orbitfl.export import weights
from orbitfl.export.bundle import encoder_sha256
from orbitfl.export.reading import Bundle
from orbitfl.files import write_bytes
from orbitfl.models.checkpoint import TOKENS
from orbitfl.models.mobile_sam import MobileSam

SCHEMA = "orbitfl-bundle-update-1"
METADATA = "orbitfl"
"""One key with JSON: the safetensors library keeps no order of several."""


def write_update(model: MobileSam, bundle: Bundle, out: Path) -> int:
    """Write the differences in half precision, tensors that are equal left out; returns the bytes.

    Raises WeightsError where the checkpoint differs from the bundle in more than the decoder's numbers.
    """
    manifest_model = bundle.manifest["model"]
    if encoder_sha256(model) != manifest_model["encoder_sha256"]:
        raise WeightsError(
            f"The checkpoint's encoder is not that of {bundle.folder}, and an update changes the decoder alone; "
            "export a new bundle."
        )
    base = bundle.folder / weights.FILE
    differences = _differences(model, safetensors.numpy.load_file(base), bundle.folder)
    told = json.dumps({"schema": SCHEMA, "base": digest(base)}, sort_keys=True)
    content = safetensors.numpy.save(differences, metadata={METADATA: told})
    write_bytes(out, content)
    return len(content)


def _differences(model: MobileSam, base: dict[str, NDArray], folder: Path) -> dict[str, NDArray[np.float16]]:
    state = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    strange = [name for name, value in base.items() if name not in state or state[name].shape != value.shape]
    if strange or (TOKENS in state) != (TOKENS in base):
        raise WeightsError(
            f"The checkpoint has other tensors than {folder} ({(strange or [TOKENS])[0]}); export a new bundle."
        )
    wanted = {name: state[name].astype(value.dtype).astype(np.float32) for name, value in base.items()}
    changes = {name: wanted[name] - value.astype(np.float32) for name, value in base.items()}
    half = {name: change.astype(np.float16) for name, change in changes.items() if change.any()}
    if not all(np.isfinite(value).all() for value in half.values()):
        raise WeightsError("A difference is beyond half precision; export a new bundle.")
    return half
