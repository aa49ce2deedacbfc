"""Averaging over links that carry one way at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from orbitfl.errors import ScenarioError
from orbitfl.federation.rules import Letter
from orbitfl.federation.strategies.base import Member, Parts, Pattern, Plain, UnderWay
from orbitfl.federation.weights import Layout, Vector


@dataclass(frozen=True)
class PushSum(Plain):
    """Stochastic gradient push (Assran et al. 2019, arXiv 1811.10792, algorithm 1), one receiver at a time.

    least_mass: what a satellite keeps of its mass, whatever it gives away, as push-sum allows.

    A satellite holds a sum x and a mass w, and its network runs x / w. It gives half of both away, the mass beside the
    model x / w, and lets go what the receiver acknowledged, as it was read: so the totals of x and w over all
    satellites never change, whatever is lost or rounded. As in the paper a session's change is added to x, so a
    satellite with little mass moves far; hence `least_mass`. Who claims more mass than all were launched with is
    refused; up to that nothing bounds what a dishonest peer claims, but for itself: it keeps `least_mass`, too.
    """

    kind: Literal["push_sum"] = "push_sum"
    least_mass: float = 0.1
    pattern: ClassVar[Pattern] = "one_way"
    dense_only: ClassVar[bool] = True
    parts: ClassVar[tuple[str, ...]] = ("model", "mass")

    def __post_init__(self) -> None:
        if not 0 < self.least_mass <= 1:
            raise ScenarioError(f"least_mass is {self.least_mass}; it must be above 0 and at most 1.")

    @property
    def conserves(self) -> bool:
        """The sum of `memory["sum"]` is kept, and that of `memory["mass"]`; that of the models is not."""
        return False

    def start(self, size: int) -> Member:
        return _member(np.zeros(size, np.float32), np.ones(1))

    def offer(self, own: Member, under_way: UnderWay = ()) -> Parts:
        promised = sum((parts["mass"] for parts in under_way), np.zeros(1))
        mass = np.maximum(own.memory["mass"] - promised, 0)
        return {"model": own.model, "mass": np.clip(mass - self.least_mass, 0, mass / 2)}

    def sent(self, own: Member, parts_as_read: Mapping[str, NDArray]) -> Member:
        spare = np.maximum(own.memory["mass"] - self.least_mass, 0)
        return _moved(own, -np.minimum(parts_as_read["mass"], spare), parts_as_read["model"])

    def trained(self, own: Member, model: Vector) -> Member:
        return _member(own.memory["sum"] + (model - own.model), own.memory["mass"])

    def merge(self, own: Member, letters: Sequence[Letter], samples: int, layout: Layout) -> Member:
        for letter in letters:
            own = _moved(own, letter.parts["mass"], letter.model)
        return own


def _moved(own: Member, mass: NDArray[np.float64], model: Vector) -> Member:
    """After `mass` of `model` came, or went if it is negative."""
    total = own.memory["sum"] + mass * model.astype(np.float64)
    return _member(total.astype(np.float32), own.memory["mass"] + mass)


def _member(total: Vector, mass: NDArray[np.float64]) -> Member:
    return Member((total / mass).astype(np.float32), {"sum": total, "mass": mass})
