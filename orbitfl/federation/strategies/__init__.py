"""Who learns with whom, and what satellites do with each other's updates."""

from typing import Annotated

from pydantic import Discriminator

from orbitfl.federation.strategies.apart import Centralised, Frozen, Isolated
from orbitfl.federation.strategies.base import Ground, Member, Pattern, Strategy, is_served
from orbitfl.federation.strategies.ground import DiLoCo, FedAvg, FedBuff
from orbitfl.federation.strategies.noloco import NoLoCo
from orbitfl.federation.strategies.peers import Gossip, IdealGossip, Neighbourhood, TwoLevel
from orbitfl.federation.strategies.push_sum import PushSum

AnyStrategy = Annotated[
    Gossip
    | TwoLevel
    | NoLoCo
    | PushSum
    | Neighbourhood
    | FedAvg
    | FedBuff
    | DiLoCo
    | IdealGossip
    | Isolated
    | Centralised
    | Frozen,
    Discriminator("kind"),
]

STRATEGIES: dict[str, type[Strategy]] = {
    each.kind: each
    for each in (
        Gossip,
        TwoLevel,
        NoLoCo,
        PushSum,
        Neighbourhood,
        FedAvg,
        FedBuff,
        DiLoCo,
        IdealGossip,
        Isolated,
        Centralised,
        Frozen,
    )
}

__all__ = [
    "STRATEGIES",
    "AnyStrategy",
    "Centralised",
    "DiLoCo",
    "FedAvg",
    "FedBuff",
    "Frozen",
    "Gossip",
    "Ground",
    "IdealGossip",
    "Isolated",
    "Member",
    "Neighbourhood",
    "NoLoCo",
    "Pattern",
    "PushSum",
    "Strategy",
    "TwoLevel",
    "is_served",
]
