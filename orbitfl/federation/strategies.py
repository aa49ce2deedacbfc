"""Who learns with whom, and what two satellites do with each other's update.

A strategy is a frozen dataclass of its options. `exchanges` says whether contacts are used at all,
`pools_data` whether one model sees every satellite's tiles, `learns` whether anybody trains.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np

from orbitfl.federation.weights import Weights, difference


class Strategy(Protocol):
    exchanges: ClassVar[bool]
    pools_data: ClassVar[bool]
    learns: ClassVar[bool]

    def offer(self, own: Weights) -> Weights:
        """What this satellite sends of its own weights."""
        ...

    def merge(self, own: Weights, sent: Weights, received: Weights) -> Weights:
        """Own weights after `sent` left and `received` arrived, both as they read after the link."""
        ...


@dataclass(frozen=True)
class Gossip:
    """Pairwise averaging at every contact (AD-PSGD, Lian et al. 2018, arXiv 1710.06952, algorithm 1).

    Both sides move by half the difference of what travelled, so their sum is kept exactly: neither the rounding
    of a compressed update nor training that went on meanwhile is lost or counted twice.
    """

    kind: Literal["gossip"] = "gossip"
    exchanges: ClassVar[bool] = True
    pools_data: ClassVar[bool] = False
    learns: ClassVar[bool] = True

    def offer(self, own: Weights) -> Weights:
        return own

    def merge(self, own: Weights, sent: Weights, received: Weights) -> Weights:
        moved = difference(received, sent)
        return {name: np.float32(0.5) * moved[name] + own[name] for name in own}


class _Apart:
    """What every strategy without links says and hears: nothing."""

    def offer(self, own: Weights) -> Weights:
        return {}

    def merge(self, own: Weights, sent: Weights, received: Weights) -> Weights:
        return own


@dataclass(frozen=True)
class Isolated(_Apart):
    """Every satellite learns alone: the lower control."""

    kind: Literal["isolated"] = "isolated"
    exchanges: ClassVar[bool] = False
    pools_data: ClassVar[bool] = False
    learns: ClassVar[bool] = True


@dataclass(frozen=True)
class Centralised(_Apart):
    """One model does every satellite's steps, one after the other, on all their tiles: an oracle no orbit allows.

    It spends the same number of gradient steps as the whole constellation and needs no link.
    """

    kind: Literal["centralised"] = "centralised"
    exchanges: ClassVar[bool] = False
    pools_data: ClassVar[bool] = True
    learns: ClassVar[bool] = True


@dataclass(frozen=True)
class Frozen(_Apart):
    """Nobody learns: the launch checkpoint as it is, zero-shot."""

    kind: Literal["frozen"] = "frozen"
    exchanges: ClassVar[bool] = False
    pools_data: ClassVar[bool] = False
    learns: ClassVar[bool] = False


STRATEGIES: dict[str, type[Strategy]] = {each.kind: each for each in (Gossip, Isolated, Centralised, Frozen)}
