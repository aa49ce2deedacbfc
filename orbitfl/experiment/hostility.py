"""What a hostile satellite makes of the messages that it writes, for tests of those that receive them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitfl.federation.messages import EXACT

Parts = Mapping[str, NDArray]
HUGE = 1000.0
"""Within the range of half precision for the usual differences to launch."""


@dataclass
class Hostile:
    """One satellite's ways. Its own learning stays as it is.

    first: what it offered first, for those who never send anything else.
    """

    attack: str
    rng: np.random.Generator
    first: dict[str, NDArray] = field(default_factory=dict)
    first_payload: bytes = b""

    def state(self) -> dict[str, Any]:
        """All that the past can change."""
        rng = json.dumps(self.rng.bit_generator.state)
        return {"first": self.first, "first_payload": self.first_payload, "rng": rng}

    def go_on_from(self, state: dict[str, Any]) -> None:
        """Stand where `state` was taken."""
        self.first, self.first_payload = state["first"], state["first_payload"]
        self.rng.bit_generator.state = json.loads(state["rng"])

    def offered(self, parts: Parts) -> dict[str, NDArray]:
        """What it pretends to have learnt."""
        if not self.first:
            self.first = {name: part.copy() for name, part in parts.items()}
        if self.attack == "stale":
            return self.first
        change = OFFERS.get(self.attack)
        if change is None:
            return dict(parts)
        return {name: part if name in EXACT else change(part, self.rng) for name, part in parts.items()}

    def sent(self, payload: bytes) -> bytes:
        """The bytes that leave it."""
        self.first_payload = self.first_payload or payload
        if self.attack == "replayed":
            return self.first_payload
        return BYTES[self.attack](payload) if self.attack in BYTES else payload


def _body_of(payload: bytes) -> int:
    """Where the numbers of a safetensors message begin."""
    return 8 + int.from_bytes(payload[:8], "little")


def _not_numbers(payload: bytes) -> bytes:
    """Every float in the body reads as NaN."""
    start = _body_of(payload)
    return payload[:start] + b"\xff" * (len(payload) - start)


def _shorter(payload: bytes) -> bytes:
    """The body lacks its last numbers."""
    return payload[:-64]


def _other_base(payload: bytes) -> bytes:
    """It claims to start from another checkpoint."""
    mark = b'"base":"'
    place = payload.index(mark) + len(mark)
    return payload[:place] + b"0" * 64 + payload[place + 64 :]


OFFERS: Mapping[str, Callable[[NDArray, np.random.Generator], NDArray]] = {
    "sign_flipped": lambda part, rng: -part,
    "huge": lambda part, rng: (HUGE * part).astype(part.dtype),
    "noise": lambda part, rng: (np.std(part) * rng.standard_normal(part.shape)).astype(part.dtype),
}
BYTES: Mapping[str, Callable[[bytes], bytes]] = {
    "nan": _not_numbers,
    "wrong_shape": _shorter,
    "wrong_base": _other_base,
}
