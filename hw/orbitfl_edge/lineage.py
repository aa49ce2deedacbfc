"""How a bundle follows from another by an update, in words that can be signed.

An update states which decoder becomes which, and for which graphs and input. So a signature over that statement covers
every number, and a bundle that came of signed updates is trusted by way of the signed manifest that it began with.
"""

import json
from reprlib import repr as shown
from typing import Any

from orbitfl_edge.bundle import DECODER, ENCODER, MANIFEST, SIGNATURE, WEIGHTS
from orbitfl_edge.problems import EdgeError

SCHEMA = "orbitfl-bundle-update-2"
ORIGINAL = "original"
"""Folder of the signed manifest that the updates began with."""
KEPT = (f"{ORIGINAL}/{MANIFEST}", f"{ORIGINAL}/{SIGNATURE}")
STEP = ("statement", "signature", "update_sha256", "from_manifest_sha256")
"""What a manifest tells of an update. The last two are the board's own word: no signature covers them."""

Manifest = dict[str, Any]


def statement(manifest: Manifest, result_sha256: str) -> str:
    """What an update says that turns the decoder of this bundle into the file of that hash."""
    return json.dumps({"schema": SCHEMA, **_place(manifest), "result": result_sha256}, sort_keys=True)


def result_stated(step: Any, manifest: Manifest, called: str) -> str:
    """The hash of the decoder that `step`, an entry with a statement, leads to from the bundle of `manifest`.

    Raises EdgeError for what is no such entry, and for one that was made for another bundle.
    """
    try:
        told = json.loads(step["statement"])
        schema, result = told["schema"], str(told["result"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise EdgeError(f"{called} is not {SCHEMA}; make one with orbitfl export --update-for.") from error
    if schema != SCHEMA:
        raise EdgeError(f"{called} is of the schema {shown(schema)}, where {SCHEMA!r} is expected.")
    for key, own in _place(manifest).items():
        if told.get(key) != own:
            there, here = shown(told.get(key)), shown(own)
            raise EdgeError(
                f"{called} is an update for {key} {there}, the bundle has {here}; give the one it was made for."
            )
    return result


def updated(manifest: Manifest, step: Any, proofs: Manifest) -> Manifest:
    """The manifest after `step`. What was shown of the bundle was shown before its updates, and this one says so."""
    return manifest | {
        "files": manifest["files"] | proofs,
        "updates": [*manifest["updates"], step],
        "evidence": {**manifest["evidence"], "of": "the bundle before its updates"},
    }


def _place(manifest: Manifest) -> Manifest:
    files = manifest["files"]
    return {
        "base": files[WEIGHTS]["sha256"],
        "graphs": {name: files[name]["sha256"] for name in (DECODER, ENCODER)},
        "input": manifest["input"],
    }
