"""Bytes over a link that drops: whole chunks get through, lost ones are sent again, a cut leaves the rest for later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from orbitfl.contacts.channel import Channel
from orbitfl.contacts.plan import Contact
from orbitfl.simulation.rules import Wire


@dataclass
class Partial:
    """A transfer that is under way, perhaps over several contacts.

    begun_s: when its messages were written. left_byte: per direction, what the other side does not have yet.
    relayed: per direction, whose older messages are part of it, and when they were written.
    """

    number: int
    begun_s: float
    left_byte: list[int]
    relayed: tuple[Mapping[int, float], ...]

    def took(self, moved_byte: Sequence[int]) -> None:
        self.left_byte = [left - moved for left, moved in zip(self.left_byte, moved_byte, strict=True)]


class Attempt(NamedTuple):
    """One contact's part of a transfer from `start_s` on, in all its directions at once.

    lost: per direction, how many chunks have to be sent twice until everything is through. on_link_byte: all that has
    to pass per direction: what opens the contact, what is left, and what gets lost on the way. done_s: when everything
    is through; beyond the window if it is too short.
    """

    wire: Wire
    channel: Channel
    contact: Contact
    start_s: float
    left_byte: tuple[int, ...]
    lost: tuple[int, ...]
    on_link_byte: tuple[int, ...]
    done_s: float

    def passed_byte(self, end_s: float) -> int:
        """What the link can have carried in each direction by then, `done_s` at most."""
        # What is whole must not fall short of it by rounding.
        return int(self.channel.volume_bit(self.contact, self.start_s, end_s) / 8 + 1e-3)

    def moved_byte(self, end_s: float, rng: np.random.Generator) -> tuple[int, ...]:
        """What got through per direction if the attempt ends at `end_s`, before `done_s`: whole chunks."""
        slots = max(0, self.passed_byte(end_s) - self.wire.preamble_byte) // self.wire.chunk_byte
        pairs = zip(self.left_byte, self.lost, strict=True)
        return tuple(_through(left, lost, slots, self.wire.chunk_byte, rng) for left, lost in pairs)


def attempted(
    wire: Wire, channel: Channel, contact: Contact, start_s: float, left_byte: Sequence[int], rng: np.random.Generator
) -> Attempt:
    """See `Attempt`; the losses are drawn here."""
    lost = _drawn_losses(wire, left_byte, rng)
    on_link_byte = tuple(
        [wire.preamble_byte + left + more * wire.chunk_byte for left, more in zip(left_byte, lost, strict=True)]
    )
    done_s = channel.finish_s(contact, start_s, 8 * max(on_link_byte))
    return Attempt(wire, channel, contact, start_s, tuple(left_byte), lost, on_link_byte, done_s)


def _drawn_losses(wire: Wire, left_byte: Sequence[int], rng: np.random.Generator) -> tuple[int, ...]:
    """How many chunks of each direction get lost before all are through: negative binomial."""
    if not wire.loss:
        return (0,) * len(left_byte)
    chunks = [_chunks(left, wire.chunk_byte) for left in left_byte]
    return tuple(int(rng.negative_binomial(count, 1 - wire.loss)) if count else 0 for count in chunks)


def _through(left_byte: int, lost: int, slots: int, chunk_byte: int, rng: np.random.Generator) -> int:
    """Of so many slots for chunks, the bytes that arrived; the very last slot of all is known to succeed."""
    chunks = _chunks(left_byte, chunk_byte)
    if lost and slots < chunks + lost:
        slots = int(rng.hypergeometric(chunks - 1, lost, slots))
    return min(slots * chunk_byte, left_byte)


def _chunks(size_byte: int, chunk_byte: int) -> int:
    return -(-size_byte // chunk_byte)
