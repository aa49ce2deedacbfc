"""Ed25519 signatures (RFC 8032) over a bundle's manifest, which holds the hash of every other file."""

import os
from pathlib import Path

from orbitfl.errors import OrbitflError
from orbitfl.files import write_text

KEY_BYTE = 32
NEEDED = "To sign a bundle, install the package cryptography: pip install 'orbitfl[sign]'."


def signature(manifest: bytes, key: Path) -> bytes:
    """64 bytes, by the private key in `key` (64 hex digits).

    Where there is no such file, a key is made and kept there for its owner alone, and its public half beside it with
    the ending `.pub`. Raises OrbitflError for a file that holds no key.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError as error:
        raise OrbitflError(NEEDED) from error
    if not key.exists():
        _make(key)
    private = Ed25519PrivateKey.from_private_bytes(_read(key))
    write_text(public_path(key), private.public_key().public_bytes_raw().hex() + "\n")
    return private.sign(manifest)


def public_path(key: Path) -> Path:
    return key.with_name(f"{key.name}.pub")


def _make(key: Path) -> None:
    try:
        key.parent.mkdir(parents=True, exist_ok=True)
        key.touch(0o600, exist_ok=False)
        key.write_text(os.urandom(KEY_BYTE).hex() + "\n", encoding="ascii")
    except OSError as error:
        raise OrbitflError(
            f"{key} could not be written ({error.strerror}); choose another place for the key."
        ) from error


def _read(key: Path) -> bytes:
    try:
        content = bytes.fromhex(key.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise OrbitflError(
            f"{key} is no key; expected a file of 64 hex digits. Name a new file to make one."
        ) from error
    if len(content) != KEY_BYTE:
        raise OrbitflError(
            f"{key} holds {len(content)} bytes; an Ed25519 key has {KEY_BYTE}. Name a new file to make one."
        )
    return content
