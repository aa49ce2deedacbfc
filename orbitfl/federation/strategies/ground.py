"""Federations with a server on the ground, met whenever a satellite passes a station.

The server is a `Member` like the others and starts like them. `round`, an exact part of every letter, is the number of
times the server had aggregated when it made the model, or the model that the satellite went on from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from orbitfl.errors import ScenarioError
from orbitfl.federation.rules import AnyRule, Letter, SampleWeighted
from orbitfl.federation.strategies.base import Member, Parts, Pattern, Plain, UnderWay
from orbitfl.federation.strategies.noloco import require_outer
from orbitfl.federation.weights import Layout, Vector, scaled


@dataclass(frozen=True)
class FedAvg(Plain):
    """Rounds that close with the models of a share of all satellites.

    share: the part of all satellites whose models close a round.
    rule: what becomes of the models of a round; by default their mean, weighted with their tiles. Rules that look at
    one's own model count the server's as one more, without tiles.

    McMahan et al. 2017 (arXiv 1602.05629, algorithm 1). The server's model becomes that of the letters under `rule`.
    A satellite that meets the server again before its round has closed hands in nothing more, and trains on; what it
    learns so goes on top of the next model. One whose round has closed without it drops what it has learnt, takes the
    new model and begins anew, as published: every letter of a round goes on from the same model.
    """

    kind: Literal["fedavg"] = "fedavg"
    share: float = 0.5
    rule: AnyRule = field(default_factory=SampleWeighted)
    pattern: ClassVar[Pattern] = "ground"
    takes_late: ClassVar[bool] = False
    parts: ClassVar[tuple[str, ...]] = ("model", "round")

    def __post_init__(self) -> None:
        _require_share(self.share)
        if self.rule.kind == "clipped":
            raise ScenarioError(
                "rule.kind is clipped, which trusts what resembles one's own training; a server has none, and would "
                "never leave the launch checkpoint. Choose trimmed_mean."
            )

    @property
    def conserves(self) -> bool:
        return False

    def start(self, size: int) -> Member:
        return Member(np.zeros(size, np.float32), {"round": np.zeros(1)})

    def offer(self, own: Member, under_way: UnderWay = ()) -> Parts:
        return {"model": own.model, "round": own.memory["round"]}

    def merge(self, own: Member, letters: Sequence[Letter], samples: int, layout: Layout) -> Member:
        """Adopt the server's model; what was trained while the transfer ran is kept on top."""
        for letter in letters:
            if letter.parts["round"] > own.memory["round"]:
                since = own.model - letter.sent["model"] if letter.sent else np.float32(0)
                own = Member(letter.model + since, {"round": letter.parts["round"]})
        return own

    def ready(self, n_letters: int, n_satellites: int) -> bool:
        return _enough(self.share, n_letters, n_satellites)

    def aggregate(self, server: Member, letters: Sequence[Letter], layout: Layout) -> Member:
        """Of this round's letters; one may have been on its way when its round closed."""
        of_round = [letter for letter in letters if letter.parts["round"] == server.memory["round"]]
        if not of_round:
            return server
        return Member(self.rule.combine(server.model, of_round, 0, layout), {"round": server.memory["round"] + 1})


class _Changes(Plain):
    """Satellites that send what they changed since they took the server's model, and take it anew whenever they meet.

    The part "model" is that change; the server's own anchor is zero, so what it offers is its model. The anchor is the
    model last taken and all that was handed in since, so that no change is told twice. Changes start anew all the time,
    which no shared reference can follow: dense compressors only.
    """

    pattern: ClassVar[Pattern] = "ground"
    dense_only: ClassVar[bool] = True
    parts: ClassVar[tuple[str, ...]] = ("model", "round")

    @property
    def conserves(self) -> bool:
        return False

    def start(self, size: int) -> Member:
        zeros = np.zeros(size, np.float32)
        return Member(zeros, {"anchor": zeros, "round": np.zeros(1)})

    def offer(self, own: Member, under_way: UnderWay = ()) -> Parts:
        return {"model": own.model - own.memory["anchor"], "round": own.memory["round"]}

    def sent(self, own: Member, parts_as_read: Mapping[str, NDArray]) -> Member:
        return Member(own.model, {**own.memory, "anchor": own.memory["anchor"] + parts_as_read["model"]})

    def merge(self, own: Member, letters: Sequence[Letter], samples: int, layout: Layout) -> Member:
        """Adopt the server's model; what was changed and has not been sent is kept on top, and sent next time."""
        for letter in letters:
            unsent = own.model - own.memory["anchor"]
            own = Member(letter.model + unsent, {"anchor": letter.model, "round": letter.parts["round"]})
        return own


@dataclass(frozen=True)
class FedBuff(_Changes):
    """The server steps by the mean of `buffer` changes, each weighted 1/sqrt(1 + rounds it is behind).

    buffer: how many changes the server gathers before it steps. lr: how far it steps, in lengths of the mean change.

    Nguyen et al. 2022 (arXiv 2106.06639, algorithm 1). A buffer holds one change of a satellite; a constellation
    smaller than the buffer fills it with one of each.
    """

    kind: Literal["fedbuff"] = "fedbuff"
    buffer: int = 10
    lr: float = 1.0

    def __post_init__(self) -> None:
        require_outer(self.lr, 0)
        if self.buffer < 1:
            raise ScenarioError(f"buffer is {self.buffer}; it must be 1 or more.")

    def ready(self, n_letters: int, n_satellites: int) -> bool:
        return n_letters >= min(self.buffer, n_satellites)

    def aggregate(self, server: Member, letters: Sequence[Letter], layout: Layout) -> Member:
        if not letters:
            return server
        behind = [max(float(server.memory["round"][0] - letter.parts["round"][0]), 0) for letter in letters]
        change = _sum(letters, [(1 + rounds) ** -0.5 / len(letters) for rounds in behind])
        return _next_round(server, server.model + scaled(self.lr, change))


@dataclass(frozen=True)
class DiLoCo(_Changes):
    """An outer optimiser steps the server along the mean change (Douillard et al. 2023, arXiv 2311.08105, algorithm 1).

    share: the part of all satellites whose changes close a round. lr: the outer learning rate.
    momentum: the part of the outer momentum that the next round keeps.

    m <- momentum m + change, model <- model + lr (change + momentum m), with Nesterov's momentum. Changes are weighted
    with their tiles, as Photon does (Sani et al. 2024, arXiv 2411.02908); its lr 1 and momentum 0 is plain averaging.
    """

    kind: Literal["diloco"] = "diloco"
    share: float = 0.5
    lr: float = 0.7
    momentum: float = 0.9

    def __post_init__(self) -> None:
        _require_share(self.share)
        require_outer(self.lr, self.momentum)

    def ready(self, n_letters: int, n_satellites: int) -> bool:
        return _enough(self.share, n_letters, n_satellites)

    def aggregate(self, server: Member, letters: Sequence[Letter], layout: Layout) -> Member:
        if not letters:
            return server
        total = sum(letter.samples for letter in letters)
        weights = [letter.samples / total if total else 1 / len(letters) for letter in letters]
        change = _sum(letters, weights)
        earlier = server.memory.get("momentum", np.zeros_like(change))
        momentum = scaled(self.momentum, earlier) + change
        after = _next_round(server, server.model + scaled(self.lr, change + scaled(self.momentum, momentum)))
        return Member(after.model, {**after.memory, "momentum": momentum})


def _next_round(server: Member, model: Vector) -> Member:
    return Member(model, {**server.memory, "round": server.memory["round"] + 1})


def _sum(letters: Sequence[Letter], weights: Sequence[float]) -> Vector:
    total: NDArray[np.float64] = np.zeros(letters[0].model.shape)
    for weight, letter in zip(weights, letters, strict=True):
        total += weight * letter.model.astype(np.float64)
    return total.astype(np.float32)


def _enough(share: float, n_letters: int, n_satellites: int) -> bool:
    return n_letters >= max(1, ceil(share * n_satellites))


def _require_share(share: float) -> None:
    if not 0 < share <= 1:
        raise ScenarioError(f"share is {share}; it must be above 0 and at most 1.")
