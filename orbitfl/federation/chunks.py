"""A message in pieces that arrive in any order, over several contacts.

As in the acknowledged class of CFDP (CCSDS 727.0-B-5) the manifest comes first, the receiver tells which pieces it
lacks, and a transfer cut by the end of a window goes on in the next. Every piece is checked by its own SHA-256 before
it is taken, so nothing wrong ever waits in memory.
"""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from orbitfl.errors import WeightsError
from orbitfl.federation.refusals import RefusalError

LARGEST_BYTE = 2**31
MOST_CHUNKS = 2**16

_HEAD = struct.Struct("<8sQI")
_MAGIC = b"orbitflm"
_DIGEST_BYTE = 32


@dataclass(frozen=True)
class Manifest:
    """What a receiver must know before the first chunk: sizes, and the SHA-256 of each chunk.

    Raises WeightsError for sizes below 1 or beyond the caps, or another number of digests than of chunks.
    """

    size_byte: int
    chunk_byte: int
    digests: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if not (0 < self.size_byte <= LARGEST_BYTE and 0 < self.chunk_byte <= LARGEST_BYTE):
            raise WeightsError(
                f"A transfer of {self.size_byte} bytes in chunks of {self.chunk_byte} was given; both must be from 1 "
                f"to {LARGEST_BYTE}."
            )
        expected = -(-self.size_byte // self.chunk_byte)
        if expected > MOST_CHUNKS:
            raise WeightsError(f"A transfer has {expected} chunks where {MOST_CHUNKS} are the most; make them longer.")
        if len(self.digests) != expected or any(len(each) != _DIGEST_BYTE for each in self.digests):
            raise WeightsError(f"A manifest has {len(self.digests)} digests where {expected} of 32 bytes are expected.")

    @property
    def n_chunks(self) -> int:
        return len(self.digests)

    def length_byte(self, index: int) -> int:
        """Of chunk `index`; only the last may be shorter than the others."""
        return min(self.chunk_byte, self.size_byte - index * self.chunk_byte)

    def to_bytes(self) -> bytes:
        return _HEAD.pack(_MAGIC, self.size_byte, self.chunk_byte) + b"".join(self.digests)

    @classmethod
    def from_bytes(cls, content: bytes, largest_byte: int = LARGEST_BYTE) -> Self:
        """Undo `to_bytes`. Raises RefusalError for anything else, or a message of more than `largest_byte`."""
        if not _HEAD.size < len(content) <= _HEAD.size + MOST_CHUNKS * _DIGEST_BYTE:
            raise RefusalError("no manifest", f"it has {len(content)} bytes")
        magic, size_byte, chunk_byte = _HEAD.unpack_from(content)
        if magic != _MAGIC or (len(content) - _HEAD.size) % _DIGEST_BYTE:
            raise RefusalError("no manifest", "it does not read as one")
        if size_byte > largest_byte:
            raise RefusalError("too many bytes", f"it tells of {size_byte} where {largest_byte} are the most")
        starts = range(_HEAD.size, len(content), _DIGEST_BYTE)
        try:
            return cls(size_byte, chunk_byte, tuple(content[start : start + _DIGEST_BYTE] for start in starts))
        except WeightsError as error:
            raise RefusalError("no manifest", str(error).rstrip(".")) from error


def manifest_of(payload: bytes, chunk_byte: int) -> Manifest:
    return Manifest(
        len(payload), chunk_byte, tuple(hashlib.sha256(each).digest() for each in chunks(payload, chunk_byte))
    )


def manifest_byte(size_byte: int, chunk_byte: int) -> int:
    """The size of a manifest, before there is a message."""
    return _HEAD.size + -(-size_byte // chunk_byte) * _DIGEST_BYTE


def chunks(payload: bytes, chunk_byte: int) -> Iterator[memoryview]:
    """In order, without a copy; all of `chunk_byte` but the last."""
    whole = memoryview(payload)
    for start in range(0, len(payload), chunk_byte):
        yield whole[start : start + chunk_byte]


class Assembly:
    """What has arrived of one message. It holds nothing that its manifest does not vouch for."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self._held: dict[int, bytes | memoryview] = {}

    def offer(self, index: int, chunk: bytes | memoryview) -> bool:
        """Take a chunk; False if it is not what the manifest says, or is there already."""
        if not 0 <= index < self.manifest.n_chunks or index in self._held:
            return False
        if len(chunk) != self.manifest.length_byte(index):
            return False
        if hashlib.sha256(chunk).digest() != self.manifest.digests[index]:
            return False
        self._held[index] = _unchanging(chunk)
        return True

    def missing(self) -> tuple[int, ...]:
        """The chunks still to come, in order."""
        return tuple(index for index in range(self.manifest.n_chunks) if index not in self._held)

    def payload(self) -> bytes:
        """The message. Raises WeightsError while chunks are missing."""
        if missing := self.missing():
            raise WeightsError(f"{len(missing)} of {self.manifest.n_chunks} chunks are still missing; wait for them.")
        return b"".join(self._held[index] for index in range(self.manifest.n_chunks))


def _unchanging(chunk: bytes | memoryview) -> bytes | memoryview:
    """The chunk itself, where nobody can change its bytes any more; a copy of them otherwise."""
    return chunk if isinstance(chunk, memoryview) and type(chunk.obj) is bytes else bytes(chunk)
