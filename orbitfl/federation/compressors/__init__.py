"""How a vector becomes few bytes: arrays of fixed sizes, read back by a peer that does not trust them."""

from typing import Annotated

from pydantic import Discriminator

from orbitfl.federation.compressors.base import Compressor, Form
from orbitfl.federation.compressors.dense import Dense, Float16, Float32, Int8
from orbitfl.federation.compressors.sign import Sign
from orbitfl.federation.compressors.sparse import LowRank, TopK

AnyCompressor = Annotated[Float32 | Float16 | Int8 | TopK | LowRank | Sign, Discriminator("kind")]

COMPRESSORS: dict[str, type[Compressor]] = {each.kind: each for each in (Float32, Float16, Int8, TopK, LowRank, Sign)}

__all__ = [
    "COMPRESSORS",
    "AnyCompressor",
    "Compressor",
    "Dense",
    "Float16",
    "Float32",
    "Form",
    "Int8",
    "LowRank",
    "Sign",
    "TopK",
]
