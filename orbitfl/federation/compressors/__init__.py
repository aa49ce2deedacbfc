"""How a vector becomes few bytes: arrays of fixed sizes, read back by a peer that does not trust them."""

from orbitfl.federation.compressors.base import Compressor, Form
from orbitfl.federation.compressors.dense import Dense, Float16, Float32, Int8

COMPRESSORS: dict[str, type[Compressor]] = {each.kind: each for each in (Float32, Float16, Int8)}

__all__ = ["COMPRESSORS", "Compressor", "Dense", "Float16", "Float32", "Form", "Int8"]
