"""What merges must keep: the sum of all models. Checked at every merge, told at every evaluation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from orbitfl.errors import OrbitflError
from orbitfl.federation.strategies import Member
from orbitfl.federation.weights import norm

ROUNDING = 1e-5
"""Of the larger of two models, by which single precision may change their sum."""


@dataclass
class Balance:
    """conserves: whether the strategy promises it. drift: by how much merges have displaced the mean model, (n,)."""

    conserves: bool
    drift: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def check(self, before: Sequence[Member], after: Sequence[Member]) -> None:
        """Raise OrbitflError if the members of an exchange have lost or made any of their sum."""
        if not self.conserves:
            return
        changed = sum((_held(member) for member in after), 0.0) - sum((_held(member) for member in before), 0.0)
        largest = max(norm(_held(member)) for member in before)
        masses = [sum(_mass(member) for member in members) for members in (before, after)]
        if norm(np.asarray(changed)) > ROUNDING * max(largest, 1e-6) or abs(masses[1] - masses[0]) > 1e-9:
            raise OrbitflError(
                f"A merge changed the sum of two models by {norm(np.asarray(changed)):.3g} of {largest:.3g}, though "
                "its strategy keeps sums; this is a fault of orbitfl or of the strategy: please report it."
            )

    def moved(self, before: Member, after: Member, satellites: int) -> None:
        """Note what one merge did to the mean of all models."""
        step = (_held(after) - _held(before)).astype(np.float64) / satellites
        self.drift = step if self.drift.size == 0 else self.drift + step

    def of(self, members: Sequence[Member]) -> Iterator[tuple[str, float]]:
        """How far merges have displaced the mean, beside its own length; and the mass, where there is one."""
        yield "mean_drift", norm(self.drift)
        yield "mean_length", norm(np.mean([_held(member) for member in members], axis=0))
        if any("mass" in member.memory for member in members):
            yield "mass", sum(_mass(member) for member in members)


def _held(member: Member) -> NDArray:
    """What is conserved: a push-sum's numerator, else the model."""
    return member.memory.get("sum", member.model)


def _mass(member: Member) -> float:
    return float(member.memory["mass"][0]) if "mass" in member.memory else 0.0
