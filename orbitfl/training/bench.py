"""The work of a satellite's computer on random tiles, to be timed: what it takes depends on sizes alone."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from orbitfl.federation.compressors import Float16
from orbitfl.federation.messages import NO_REFERENCE as NOBODY
from orbitfl.federation.messages import Header, codec, pack, unpack
from orbitfl.federation.rules import Letter
from orbitfl.federation.strategies import Gossip, Member
from orbitfl.federation.weights import Layout
from orbitfl.models.mobile_sam import build
from orbitfl.models.trainable import trained_keys
from orbitfl.training.embeddings import encode
from orbitfl.training.flat import Vector
from orbitfl.training.learner import DecoderLearner, Lessons
from orbitfl.training.options import Training
from orbitfl.training.prompts import Prompts


@dataclass(frozen=True)
class Bench:
    """A network with fresh weights, and one batch of tiles (B, S, S, 3) with masks (B, S, S)."""

    learner: DecoderLearner
    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]

    @classmethod
    def set_up(cls, variant: str, image_px: int, batch_size: int) -> "Bench":
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (batch_size, image_px, image_px, 3), dtype=np.uint8)
        masks = rng.integers(0, 2, (batch_size, image_px, image_px), dtype=np.uint8)
        model = build(variant, image_px)
        return cls(DecoderLearner(model, trained_keys(model), Training(batch_size=batch_size)), images, masks)

    @cached_property
    def embeddings(self) -> NDArray[np.float32]:
        return self.encode(self.images)

    def encode(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return encode(self.learner.model, images)

    def train(self, embeddings: NDArray[np.float32]) -> Vector:
        """One step: load the weights, forward, loss, backward, AdamW, and read them back."""
        lessons = Lessons(embeddings, self.masks, Prompts())
        return self.learner.train(self.learner.start(), lessons, np.arange(len(self.masks)), 1, (0,))[0].weights

    def infer(self) -> NDArray[np.bool_]:
        """One tile, from image to mask (1, S, S)."""
        lesson = Lessons(self.encode(self.images[:1]), self.masks[:1], Prompts())
        return self.learner.water(self.learner.launch, lesson)

    @cached_property
    def payload(self) -> bytes:
        """A peer's update as it arrives."""
        return self._written(Gossip().start(self.layout.size))

    @cached_property
    def layout(self) -> Layout:
        return Layout(self.learner.shapes)

    def merge(self) -> Vector:
        """What gossip does at each end of an exchange: write the own update, read both, move the weights."""
        own = Gossip().start(self.layout.size)
        sent, received = (self._read(each) for each in (self._written(own), self.payload))
        letter = Letter(sender=1, version=0, age_s=0.0, samples=1, parts=received, sent=sent)
        return self.learner.launch + Gossip().merge(own, [letter], 1, self.layout).model

    def _written(self, own: Member) -> bytes:
        header = Header("bench", 0, NOBODY, self.layout.fingerprint(), codec(Float16()), 1, 0.0)
        return pack(header, Gossip().offer(own), Float16(), self.layout)

    def _read(self, payload: bytes) -> dict[str, NDArray]:
        known = {"base": NOBODY, "layout": self.layout, "compressor": Float16(), "parts": Gossip.parts}
        return unpack(payload, **known)[1]


def seconds_of(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
