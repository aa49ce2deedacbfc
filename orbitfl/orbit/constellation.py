"""What every kind of constellation gives: named satellites and where they are."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from orbitfl.errors import ScenarioError
from orbitfl.orbit.convention import PHYSICAL, Convention
from orbitfl.orbit.propagator import Propagator


@dataclass(frozen=True, slots=True, eq=False)
class Satellites:
    """Satellites by name, in the propagator's order. Raises ScenarioError unless each has a name of its own."""

    names: tuple[str, ...]
    propagator: Propagator

    def __post_init__(self) -> None:
        if not self.names:
            raise ScenarioError("The constellation is empty, but a plan needs at least one satellite; add one.")
        if len(self.names) != self.propagator.count:
            raise ScenarioError(
                f"{len(self.names)} satellites are named, but {self.propagator.count} are propagated; name each one."
            )
        twice = sorted(name for name, count in Counter(self.names).items() if count > 1)
        if twice:
            raise ScenarioError(f"Satellites must differ in name, but these come twice: {listed(twice)}. Rename them.")
        if not all(name.strip() for name in self.names):
            raise ScenarioError("A satellite has an empty name, but each needs one; name it.")


class Constellation(Protocol):
    """Options that describe satellites; `kind` tells one sort from another."""

    @property
    def kind(self) -> str:
        """The scenario's word for this sort of constellation."""
        ...

    def satellites(self, epoch_utc: datetime, duration_s: float, convention: Convention = PHYSICAL) -> Satellites:
        """Its satellites, t = 0 at `epoch_utc`, for `duration_s` SI seconds."""
        ...


def listed(names: list[str], most: int = 3) -> str:
    """Some names for a sentence, and how many are left out."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
