"""What lets sparse compressors work: numbers are told against a vector that both ends hold.

A compressor that leaves numbers out would pull every model towards zero, the launch checkpoint. Instead a sender tells
its difference to a reference r, zeros at first, and both ends know what was read, r + C(x - r). The reading becomes the
new reference, or for a pair that merges, the mean of both readings; then what was left out is still in the difference,
and comes with a later message (the error memory of CHOCO-SGD, Koloskova et al. 2019, arXiv 1902.00340, kept per pair
instead of per satellite). A pair keeps one reference for both ways; where letters go one way, each sender has one per
receiver.
"""

import hashlib
from collections.abc import Mapping

import numpy as np

from orbitfl.federation.weights import Vector


def written(model: Vector, reference: Vector) -> Vector:
    """What goes through the compressor."""
    return model - reference


def read(told: Vector, reference: Vector) -> Vector:
    """What both ends have of the model once the compressor has made `told` of what was written."""
    return reference + told


def after(mine: Vector, theirs: Vector) -> Vector:
    """A pair's reference after both readings were merged: their mean, to the last bit the same on both sides."""
    return (mine + theirs) * np.float32(0.5)


def reference_fingerprint(references: Mapping[str, Vector]) -> str:
    """SHA-256 of one reference per part, in hex.

    It travels in a message's header. Where it is not one's own the reading would be wrong, and the message is refused.
    """
    digest = hashlib.sha256()
    for part in sorted(references):
        digest.update(f"{part}:{references[part].size}:".encode())
        digest.update(np.ascontiguousarray(references[part], dtype="<f4").data)
    return digest.hexdigest()
