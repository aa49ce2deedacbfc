"""Whether two networks are one."""

import hashlib
from collections.abc import Mapping

from torch import Tensor


def sha256_of(state: Mapping[str, Tensor], also: str = "") -> str:
    """SHA-256, in hex, of names and numbers in their order, after `also`: a text of what else is to be the same."""
    digest = hashlib.sha256(also.encode())
    for name, value in state.items():
        digest.update(name.encode())
        digest.update(value.detach().numpy().tobytes())
    return digest.hexdigest()
