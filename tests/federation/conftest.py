"""A small model's layout and vectors, and satellites small enough to do by hand, for all tests of the room."""

from dataclasses import dataclass

import numpy as np
import pytest

from orbitfl.federation.rules import Letter
from orbitfl.federation.strategies import Member, Strategy
from orbitfl.federation.weights import Layout, Vector, line

LAYOUT = Layout((("attention.weight", (20, 30)), ("attention.bias", (20,)), ("scale", ()), ("conv", (8, 4, 3, 3))))


@pytest.fixture(scope="session")
def layout() -> Layout:
    return LAYOUT


@pytest.fixture
def vector() -> Vector:
    return np.random.default_rng(5).normal(0, 1e-3, LAYOUT.size).astype(np.float32)


@dataclass(frozen=True)
class Toys:
    """Exchanges as the engine carries them out, without bytes or time."""

    def numbers(self, *values: float) -> Vector:
        return np.array(values, dtype=np.float32)

    def member(self, *model: float) -> Member:
        return Member(self.numbers(*model), {})

    def letter(self, *model: float, sender=1, version=0, age_s=0.0, samples=1, sent=None) -> Letter:
        return Letter(sender, version, age_s, samples, {"model": self.numbers(*model)}, sent)

    def exchange(self, strategy: Strategy, first: Member, second: Member, read=dict) -> tuple[Member, Member]:
        """Both sides of a pairwise exchange; `read` is what the link makes of the parts."""
        layout = line(first.model.size)
        offers = [read(strategy.offer(own)) for own in (first, second)]
        return (
            strategy.merge(first, [Letter(1, 0, 0.0, 1, offers[1], offers[0])], 1, layout),
            strategy.merge(second, [Letter(0, 0, 0.0, 1, offers[0], offers[1])], 1, layout),
        )

    def hand_over(self, strategy: Strategy, giver: Member, taker: Member) -> tuple[Member, Member]:
        """A one-way exchange that arrived and was acknowledged."""
        offered = strategy.offer(giver)
        letter = Letter(0, 0, 0.0, 1, offered)
        return strategy.sent(giver, offered), strategy.merge(taker, [letter], 1, line(taker.model.size))

    def through(self, compressor):
        """What a link under `compressor` makes of parts."""

        def read(parts):
            whole = {name: line(part.size) for name, part in parts.items()}
            return {name: compressor.decode(compressor.encode(parts[name], each), each) for name, each in whole.items()}

        return read


@pytest.fixture(scope="session")
def toys() -> Toys:
    return Toys()
