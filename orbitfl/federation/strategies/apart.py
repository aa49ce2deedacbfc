"""Strategies without links: what every other one is measured against."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from orbitfl.federation.rules import Letter
from orbitfl.federation.strategies.base import Member, Parts, Pattern, Plain, UnderWay
from orbitfl.federation.weights import Layout


class _Apart(Plain):
    pattern: ClassVar[Pattern] = "apart"
    parts: ClassVar[tuple[str, ...]] = ()

    @property
    def conserves(self) -> bool:
        return True

    def offer(self, own: Member, under_way: UnderWay = ()) -> Parts:
        return {}

    def merge(self, own: Member, letters: Sequence[Letter], samples: int, layout: Layout) -> Member:
        return own


@dataclass(frozen=True)
class Isolated(_Apart):
    """Every satellite learns alone: the lower control."""

    kind: Literal["isolated"] = "isolated"


@dataclass(frozen=True)
class Centralised(_Apart):
    """One model does every satellite's steps, one after the other, on all their tiles: an oracle no orbit allows.

    It spends the same number of gradient steps as the whole constellation and needs no link.
    """

    kind: Literal["centralised"] = "centralised"
    pools_data: ClassVar[bool] = True


@dataclass(frozen=True)
class Frozen(_Apart):
    """Nobody learns: the launch checkpoint as it is, zero-shot."""

    kind: Literal["frozen"] = "frozen"
    learns: ClassVar[bool] = False
