"""Gossip with an outer optimiser."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from orbitfl.errors import ScenarioError
from orbitfl.federation.rules import Letter
from orbitfl.federation.strategies.base import Member, Parts, Pattern, Plain, UnderWay
from orbitfl.federation.weights import Layout, mean, scaled


@dataclass(frozen=True)
class NoLoCo(Plain):
    """Pairs of satellites step their anchors along their mean change (Kolehmainen et al. 2025, arXiv 2506.10911).

    lr: the outer learning rate. momentum: the part of an anchor's last step that the next one keeps.

    As in github.com/gensyn-ai/noloco, with model theta, anchor phi and momentum m, over the pair:
    m <- momentum m + lr mean(theta - phi) + lr (mean(phi) - phi), phi <- phi + m, theta <- phi.
    The last term of m keeps anchors from drifting apart. Both theta and phi travel; what was trained while they did is
    kept on top.
    """

    kind: Literal["noloco"] = "noloco"
    lr: float = 0.7
    momentum: float = 0.5
    pattern: ClassVar[Pattern] = "pairwise"
    parts: ClassVar[tuple[str, ...]] = ("model", "anchor")

    def __post_init__(self) -> None:
        require_outer(self.lr, self.momentum)

    @property
    def conserves(self) -> bool:
        return False

    def start(self, size: int) -> Member:
        zeros = np.zeros(size, np.float32)
        return Member(zeros, {"anchor": zeros, "momentum": zeros})

    def offer(self, own: Member, under_way: UnderWay = ()) -> Parts:
        return {"model": own.model, "anchor": own.memory["anchor"]}

    def trained(self, own: Member, model) -> Member:
        return Member(model, own.memory)

    def merge(self, own: Member, letters: Sequence[Letter], samples: int, layout: Layout) -> Member:
        if not letters:
            return own
        sent = letters[0].sent or self.offer(own)
        sides = [sent, *(letter.parts for letter in letters)]
        change = mean([side["model"] - side["anchor"] for side in sides])
        drift = mean([side["anchor"] for side in sides]) - sent["anchor"]
        step = scaled(self.momentum, own.memory["momentum"]) + scaled(self.lr, change + drift)
        anchor = own.memory["anchor"] + step
        return Member(anchor + (own.model - sent["model"]), {"anchor": anchor, "momentum": step})


def require_outer(lr: float, momentum: float) -> None:
    """Raises ScenarioError unless an outer optimiser's options are sound."""
    if not 0 < lr <= 10:
        raise ScenarioError(f"lr is {lr}; it must be above 0 and at most 10.")
    if not 0 <= momentum < 1:
        raise ScenarioError(f"momentum is {momentum}; it must be from 0 to below 1.")
