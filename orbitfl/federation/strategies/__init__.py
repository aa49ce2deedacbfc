"""Who learns with whom, and what satellites do with each other's updates."""

from orbitfl.federation.strategies.apart import Centralised, Frozen, Isolated
from orbitfl.federation.strategies.base import Ground, Member, Pattern, Strategy
from orbitfl.federation.strategies.peers import Gossip, IdealGossip, Neighbourhood, TwoLevel

STRATEGIES: dict[str, type[Strategy]] = {
    each.kind: each for each in (Gossip, TwoLevel, Neighbourhood, IdealGossip, Isolated, Centralised, Frozen)
}

__all__ = [
    "STRATEGIES",
    "Centralised",
    "Frozen",
    "Gossip",
    "Ground",
    "IdealGossip",
    "Isolated",
    "Member",
    "Neighbourhood",
    "Pattern",
    "Strategy",
    "TwoLevel",
]
