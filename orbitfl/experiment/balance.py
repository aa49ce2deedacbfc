"""What merges must keep: the sum of all models. Checked at every merge, told at every evaluation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import hypot

import numpy as np
from numpy.typing import NDArray

from orbitfl.errors import OrbitflError
from orbitfl.federation.strategies import Member
from orbitfl.federation.weights import norm, stretches, total

ROUNDING = 1e-5
"""Of the models' largest number, by which single precision may change a number of the sum."""


@dataclass
class Balance:
    """conserves: whether the strategy promises it. trained: the sum (n,) of all that training has added to models."""

    conserves: bool
    trained: NDArray[np.float64]

    def check(self, before: Sequence[Member], after: Sequence[Member]) -> None:
        """Raise OrbitflError if the members of an exchange have lost or made any of their sum."""
        if not self.conserves:
            return
        earlier, later = ([_held(each) for each in members] for members in (before, after))
        parts, precision = list(stretches(len(earlier[0]))), earlier[0].dtype
        changes = (total(later, part, precision) - total(earlier, part, precision) for part in parts)
        lost = max((_largest(change) for change in changes), default=0.0)
        # Of both: one that has not trained yet has nothing but zeros.
        largest = max((_largest(held[part]) for held in earlier for part in parts), default=0.0)
        masses = [sum(_mass(member) for member in members) for members in (before, after)]
        if lost > ROUNDING * max(largest, 1e-6) or abs(masses[1] - masses[0]) > 1e-9:
            raise OrbitflError(
                f"A merge changed the sum of two models by {lost:.3g} of {largest:.3g}, though "
                "its strategy keeps sums; this is a fault of orbitfl or of the strategy: please report it."
            )

    def learnt(self, before: Member, after: Member) -> None:
        """Note what one session added."""
        earlier, later = _held(before), _held(after)
        for part in stretches(len(earlier)):
            self.trained[part] += (later[part] - earlier[part]).astype(np.float64, copy=False)

    def of(self, members: Sequence[Member]) -> Iterator[tuple[str, float]]:
        """How far merges have displaced the mean, beside its own length; and the mass, where there is one."""
        held = [_held(member) for member in members]
        sums = ((total(held, part), self.trained[part]) for part in stretches(len(self.trained)))
        lengths = [(norm(found - expected), norm(found)) for found, expected in sums]
        # A vector is as long as the vector of its parts' lengths.
        yield "mean_drift", hypot(*(drift for drift, _ in lengths)) / len(members)
        yield "mean_length", hypot(*(length for _, length in lengths)) / len(members)
        if any("mass" in member.memory for member in members):
            yield "mass", sum(_mass(member) for member in members)


def _held(member: Member) -> NDArray:
    """What is conserved: a push-sum's numerator, else the model."""
    return member.memory.get("sum", member.model)


def _largest(numbers: NDArray) -> float:
    return float(max(numbers.max(initial=0.0), -numbers.min(initial=0.0)))


def _mass(member: Member) -> float:
    return float(member.memory["mass"][0]) if "mass" in member.memory else 0.0
