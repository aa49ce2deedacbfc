"""Who made a bundle: an Ed25519 signature (RFC 8032) over the manifest, which in turn holds the hash of every file."""

from pathlib import Path

from orbitfl_edge.bundle import MANIFEST, SIGNATURE
from orbitfl_edge.problems import EdgeError

KEY_BYTE = 32


def require_signed(folder: Path, key: Path) -> None:
    """Raises EdgeError unless `folder` was signed with the private half of `key`, a file of 64 hex digits."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as error:
        raise EdgeError("To check signatures, install the package cryptography: pip install cryptography.") from error
    public = Ed25519PublicKey.from_public_bytes(read_key(key))
    path = folder / SIGNATURE
    if not path.is_file():
        raise EdgeError(f"{folder} is not signed: it has no {SIGNATURE}; sign it when it is exported.")
    try:
        public.verify(path.read_bytes()[:65], (folder / MANIFEST).read_bytes())
    except InvalidSignature as error:
        raise EdgeError(f"{folder} was not signed with the key of {key}, or its manifest was changed.") from error


def read_key(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise EdgeError(f"{path} is no key; expected a file of 64 hex digits, from `orbitfl export --sign`.") from error
    if len(key) != KEY_BYTE:
        raise EdgeError(f"{path} holds {len(key)} bytes; an Ed25519 key has {KEY_BYTE}.")
    return key
