"""Ed25519 signatures (RFC 8032) over a bundle's manifest, which holds the hash of every other file, and over what
updates state."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from orbitfl.errors import OrbitflError, StorageError
from orbitfl.files import lies_in, replacing, write_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_BYTE, LARGEST_FILE_BYTE = 32, 1024
LONGEST_NAME_BYTE = 200
NEEDED = "To sign, install the package cryptography: pip install 'orbitfl[sign]'."


def signature(content: bytes, key: Path) -> bytes:
    """64 bytes, by the private key in `key` (64 hex digits).

    Where there is no such file, a key is made and kept there for its owner alone, and its public half beside it with
    the ending `.pub`. Raises OrbitflError for a file that holds no key, and for a `.pub` that is not its half.
    """
    check_key(key)
    if not key.exists():
        with replacing(key) as beside:
            beside.touch(0o600)
            beside.write_text(os.urandom(KEY_BYTE).hex() + "\n", encoding="ascii")
    private = _private(key)
    write_text(public_path(key), _public_text(private))
    return private.sign(content)


def check_key(key: Path, *elsewhere: Path) -> None:
    """Raises OrbitflError where `signature` would, before long work, and where the key would lie in one of `elsewhere`.

    Nothing is made.
    """
    public = public_path(key)
    for path in (key, public):
        if strange := [place for place in elsewhere if lies_in(path, place)]:
            raise StorageError(f"The key {path} would lie in {strange[0]}, which is written now; keep it elsewhere.")
    private, held = _private(key) if key.exists() else None, _text(public) if public.exists() else None
    if held is not None and (private is None or held != _public_text(private)):
        raise StorageError(f"{public} is not the public half of {key}; name another file for the key.")


def public_path(key: Path) -> Path:
    if not key.name or len(os.fsencode(key.name)) > LONGEST_NAME_BYTE:
        raise StorageError(f"'{str(key)[:80]}' cannot be the name of a key; give a file.")
    return key.with_name(f"{key.name}.pub")


def _private(key: Path) -> "Ed25519PrivateKey":
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError as error:
        raise OrbitflError(NEEDED) from error
    try:
        content = bytes.fromhex(_text(key))
    except ValueError as error:
        raise OrbitflError(
            f"{key} is not a key; expected a file of 64 hex digits. Name a new file to make one."
        ) from error
    if len(content) != KEY_BYTE:
        raise OrbitflError(
            f"{key} holds {len(content)} bytes; an Ed25519 key has {KEY_BYTE}. Name a new file to make one."
        )
    return Ed25519PrivateKey.from_private_bytes(content)


def _public_text(private: "Ed25519PrivateKey") -> str:
    return private.public_key().public_bytes_raw().hex() + "\n"


def _text(path: Path) -> str:
    """Of a short file; of any other, what is not a key. Raises StorageError where it cannot be read."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_FILE_BYTE:
            return "no key"
        return path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise StorageError(f"{path} could not be read ({error.strerror}); name another file for the key.") from error
