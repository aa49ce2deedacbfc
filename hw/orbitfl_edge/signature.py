"""Who made a bundle: Ed25519 signatures (RFC 8032) over its manifest, which in turn holds the hash of every file, and
over the statements of its updates."""

import json
from pathlib import Path
from typing import Any

from orbitfl_edge.bundle import (
    LARGEST_MANIFEST_BYTE,
    MANIFEST,
    SIGNATURE,
    TEST_MASK,
    WEIGHTS,
    read_manifest,
    read_signature,
)
from orbitfl_edge.lineage import KEPT, ORIGINAL, STEP, result_stated, updated
from orbitfl_edge.problems import EdgeError
from orbitfl_edge.reading import read_file

KEY_BYTE, LARGEST_KEY_BYTE = 32, 1024


def require_signed(folder: Path, key: Path) -> None:
    """Raises EdgeError unless `folder` was signed with the private half of `key`, a file of 64 hex digits, or came of a
    bundle and updates that all were. The mask of its test scene is then the board's own."""
    manifest = read_manifest(folder / MANIFEST)
    if (folder / SIGNATURE).exists():
        _require_manifest_signed(folder, key)
    elif (folder / ORIGINAL / SIGNATURE).exists():
        _require_manifest_signed(folder / ORIGINAL, key)
        _require_signed_steps(folder, manifest, key)
    else:
        raise EdgeError(f"{folder} is not signed: it has no {SIGNATURE}; sign it when it is exported.")


def require_step_signed(step: Any, key: Path, called: str) -> None:
    """Raises EdgeError unless the statement of an update (`lineage`) was signed with the private half of `key`."""
    try:
        text, sign = step["statement"].encode(), bytes.fromhex(step["signature"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EdgeError(f"{called} is not signed; make it with orbitfl export --update-for … --sign.") from error
    if not _is_signed(text, sign, key):
        raise EdgeError(f"{called} was not signed with the key of {key}, or what it states was changed.")


def _require_manifest_signed(folder: Path, key: Path) -> None:
    manifest = read_file(folder / MANIFEST, LARGEST_MANIFEST_BYTE, "bundle manifest", "copy the whole bundle again")
    if not _is_signed(manifest, read_signature(folder), key):
        raise EdgeError(f"{folder} was not signed with the key of {key}, or its manifest was changed.")


def _require_signed_steps(folder: Path, manifest: dict[str, Any], key: Path) -> None:
    """The manifest says nothing but what follows from the signed one by the statements of its updates."""
    expected = read_manifest(folder / ORIGINAL / MANIFEST)
    for number, step in enumerate(manifest["updates"][len(expected["updates"]) :], 1):
        called = f"Update {number} of {folder}"
        require_step_signed(step, key, called)
        decoder = expected["files"][WEIGHTS] | {"sha256": result_stated(step, expected, called)}
        known = {name: told for name, told in step.items() if name in STEP}
        expected = updated(expected, known, {WEIGHTS: decoder})
    expected["files"] |= {name: manifest["files"].get(name) for name in (TEST_MASK, *KEPT)}
    if json.dumps(manifest, sort_keys=True) != json.dumps(expected, sort_keys=True):
        raise EdgeError(
            f"{folder / MANIFEST} says more than its signed original and signed updates; update that bundle anew."
        )


def _is_signed(content: bytes, sign: bytes, key: Path) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as error:
        raise EdgeError("To check signatures, install the package cryptography: pip install cryptography.") from error
    public = Ed25519PublicKey.from_public_bytes(read_key(key))
    try:
        public.verify(sign, content)
    except InvalidSignature:
        return False
    return True


def read_key(path: Path) -> bytes:
    content = read_file(path, LARGEST_KEY_BYTE, "key", "give the file KEY.pub of orbitfl export --sign KEY")
    try:
        key = bytes.fromhex(content.decode("ascii").strip())
    except ValueError as error:
        raise EdgeError(f"{path} is not a key; expected 64 hex digits, from `orbitfl export --sign`.") from error
    if len(key) != KEY_BYTE:
        raise EdgeError(f"{path} holds {len(key)} bytes; an Ed25519 key has {KEY_BYTE}.")
    return key
