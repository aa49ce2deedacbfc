"""Weight files: where they lie, how to get them, what a given one is. No torch until a file is opened."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from orbitfl.download import RemoteFile, digest, fetch, is_copy
from orbitfl.errors import DamagedWeightsError, WeightsError
from orbitfl.files import cache_folder

__all__ = ["NANO_BASE", "OFFICIAL", "Description", "RemoteFile", "check", "fetch", "locate"]

OFFICIAL = RemoteFile(
    name="mobile_sam.pt",
    url="https://github.com/ChaoningZhang/MobileSAM/raw/master/weights/mobile_sam.pt",
    size_byte=40_728_226,
    checksum="sha256:6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f",
    licence="Apache-2.0",
)
NANO_BASE = Path(__file__).with_name("nano-base.safetensors")

Kind = Literal["official", "orbitfl", "state_dict", "unknown"]


@dataclass(frozen=True, slots=True)
class Description:
    """What a weight file is.

    `kind`: the published file, a safetensors checkpoint written by orbitfl, another state dict with the keys
    and shapes of `variant` (such as fine-tuned MobileSAM weights), or unknown; then `problem` says why, and
    `variant` and `parameters`, the count of numbers that can be learnt, are None.
    """

    path: Path
    kind: Kind
    variant: str | None
    parameters: int | None
    size_byte: int
    sha256: str
    problem: str | None = None


def locate(weights: str | Path) -> Path:
    """The file meant by `official`, `nano-base` or a path. Raises WeightsError when it is not here."""
    if weights == "official":
        return _official(cache_folder() / OFFICIAL.name)
    if weights == "nano-base":
        return _present(NANO_BASE, "it comes with orbitfl: install orbitfl again, or train it with `orbitfl pretrain`")
    return _present(Path(weights), "give `official`, `nano-base` or the path of a .pt or .safetensors file")


def check(weights: str | Path) -> Description:
    """Describe a weight file of any origin; nothing in it is run. Raises WeightsError when there is none."""
    # Opening a file needs torch; finding and downloading it does not.
    from orbitfl.models import checkpoint

    path = locate(weights)
    proof = (path.stat().st_size, digest(path))
    try:
        variant = checkpoint.variant_of(checkpoint.load(path))
    except WeightsError as error:
        return Description(path, "unknown", None, None, *proof, problem=str(error))
    return Description(path, _kind(path), variant, checkpoint.parameter_count(variant), *proof)


def _kind(path: Path) -> Kind:
    from orbitfl.models import checkpoint

    if is_copy(OFFICIAL, path):
        return "official"
    return "orbitfl" if checkpoint.is_own(path) else "state_dict"


def _official(path: Path) -> Path:
    _present(path, "run `orbitfl weights get official`")
    if not is_copy(OFFICIAL, path):
        raise DamagedWeightsError(
            f"{path} is not the published file; remove it and run `orbitfl weights get official`."
        )
    return path


def _present(path: Path, cure: str) -> Path:
    if not path.is_file() or not os.access(path, os.R_OK):
        raise WeightsError(f"There is no readable weight file {path}; {cure}.")
    return path
