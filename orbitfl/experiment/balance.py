"""What merges must keep: the sum of all models. Checked at every merge, told at every evaluation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbitfl.errors import OrbitflError
from orbitfl.federation.strategies import Member
from orbitfl.federation.weights import norm

ROUNDING = 1e-5
"""Of a model's largest number, by which single precision may change a number of the sum."""


@dataclass
class Balance:
    """conserves: whether the strategy promises it. trained: the sum (n,) of all that training has added to models."""

    conserves: bool
    trained: NDArray[np.float64]

    def check(self, before: Sequence[Member], after: Sequence[Member]) -> None:
        """Raise OrbitflError if the members of an exchange have lost or made any of their sum."""
        if not self.conserves:
            return
        changed = sum(_held(each) for each in after) - sum(_held(each) for each in before)
        lost, largest = (float(np.abs(each).max(initial=0.0)) for each in (changed, _held(before[0])))
        masses = [sum(_mass(member) for member in members) for members in (before, after)]
        if lost > ROUNDING * max(largest, 1e-6) or abs(masses[1] - masses[0]) > 1e-9:
            raise OrbitflError(
                f"A merge changed the sum of two models by {lost:.3g} of {largest:.3g}, though "
                "its strategy keeps sums; this is a fault of orbitfl or of the strategy: please report it."
            )

    def learnt(self, before: Member, after: Member) -> None:
        """Note what one session added."""
        self.trained += _held(after) - _held(before)

    def of(self, members: Sequence[Member]) -> Iterator[tuple[str, float]]:
        """How far merges have displaced the mean, beside its own length; and the mass, where there is one."""
        held = np.asarray(np.sum([_held(member) for member in members], axis=0, dtype=np.float64))
        yield "mean_drift", norm(held - self.trained) / len(members)
        yield "mean_length", norm(held) / len(members)
        if any("mass" in member.memory for member in members):
            yield "mass", sum(_mass(member) for member in members)


def _held(member: Member) -> NDArray:
    """What is conserved: a push-sum's numerator, else the model."""
    return member.memory.get("sum", member.model)


def _mass(member: Member) -> float:
    return float(member.memory["mass"][0]) if "mass" in member.memory else 0.0
