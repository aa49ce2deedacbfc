"""Satellites that average with each other as equals."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import ClassVar, Literal

from orbitfl.errors import ScenarioError
from orbitfl.federation.rules import AnyRule, Letter, Mean, Rule
from orbitfl.federation.strategies.base import Member, Pattern, Plain, merged
from orbitfl.federation.weights import Layout


@dataclass(frozen=True)
class Gossip(Plain):
    """Two satellites in contact average, both or none (AD-PSGD, Lian et al. 2018, arXiv 1710.06952, algorithm 1).

    rule: what either satellite makes of the two models that travelled.

    With the mean their sum is kept: neither the rounding of a compressed update nor training that went on meanwhile is
    lost or counted twice.
    """

    kind: Literal["gossip"] = "gossip"
    rule: AnyRule = field(default_factory=Mean)
    pattern: ClassVar[Pattern] = "pairwise"

    def __post_init__(self) -> None:
        require_pairs(self.rule)

    @property
    def conserves(self) -> bool:
        return self.rule.conserves

    def merge(self, own: Member, letters: Sequence[Letter], samples: int, layout: Layout) -> Member:
        return merged(self.rule, own, letters, samples, layout)


@dataclass(frozen=True)
class TwoLevel(Plain):
    """Gossip that is dense within an orbital plane and sparse between planes.

    across_every_s: the least time between two exchanges of a pair of satellites from different planes.
    rule: what either satellite makes of the two models that travelled.

    In the spirit of WorldLM's federations of federations (Iacob et al. 2024, arXiv 2405.14446); who is across is the
    engine's to know.
    """

    kind: Literal["two_level"] = "two_level"
    across_every_s: float = 3600.0
    rule: AnyRule = field(default_factory=Mean)
    pattern: ClassVar[Pattern] = "pairwise"

    def __post_init__(self) -> None:
        require_pairs(self.rule)
        if not 0 < self.across_every_s < inf:
            raise ScenarioError(f"across_every_s is {self.across_every_s}; it must be greater than 0 seconds.")

    @property
    def conserves(self) -> bool:
        return self.rule.conserves

    def merge(self, own: Member, letters: Sequence[Letter], samples: int, layout: Layout) -> Member:
        return merged(self.rule, own, letters, samples, layout)


@dataclass(frozen=True)
class Neighbourhood(Plain):
    """Letters wait, the newest of each sender, and are merged together before the next session.

    rule: what becomes of one's own model and the letters.

    The swarm rule of DistMSMatch (Östman et al. 2023, arXiv 2305.04059). Who receives moves and who sent does not, so
    the sum of all models is not kept: a satellite that is heard more counts more. What a compressor has not told yet
    would count as untrained, and pull every model back towards launch: dense compressors only.
    """

    kind: Literal["neighbourhood"] = "neighbourhood"
    rule: AnyRule = field(default_factory=Mean)
    pattern: ClassVar[Pattern] = "gather"
    dense_only: ClassVar[bool] = True

    @property
    def conserves(self) -> bool:
        return False

    def merge(self, own: Member, letters: Sequence[Letter], samples: int, layout: Layout) -> Member:
        return merged(self.rule, own, letters, samples, layout)


@dataclass(frozen=True)
class IdealGossip(Plain):
    """All models become their mean at once, over links that cost nothing: the upper control."""

    kind: Literal["ideal_gossip"] = "ideal_gossip"
    pattern: ClassVar[Pattern] = "ideal"

    @property
    def conserves(self) -> bool:
        return True

    def merge(self, own: Member, letters: Sequence[Letter], samples: int, layout: Layout) -> Member:
        return merged(Mean(), own, letters, samples, layout)


def require_pairs(rule: Rule) -> None:
    """Raises ScenarioError for a rule that does nothing between two."""
    if rule.least_members > 2:
        raise ScenarioError(
            f"rule.kind is {rule.kind}, which needs {rule.least_members} models and would never merge two; "
            "choose clipped, or the strategy neighbourhood."
        )
