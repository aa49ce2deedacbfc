"""What becomes of AdamW's step size in the course of a mission. Imports no torch."""

from dataclasses import dataclass
from math import cos, pi
from typing import Annotated, Literal

from pydantic import Discriminator

from orbitfl.errors import ScenarioError


@dataclass(frozen=True)
class Constant:
    """The same step size to the end."""

    kind: Literal["constant"] = "constant"

    def factor(self, elapsed: float) -> float:
        """1, whatever part of the mission has elapsed."""
        return 1.0


@dataclass(frozen=True)
class Cosine:
    """Down half a cosine, without restarts (Loshchilov & Hutter 2017, arXiv 1608.03983, eq. 5).

    least: the part of the step size that is left at the end of the mission.
    """

    kind: Literal["cosine"] = "cosine"
    least: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.least <= 1:
            raise ScenarioError(f"least is {self.least}; it must lie from 0 to 1.")

    def factor(self, elapsed: float) -> float:
        """The part of the learning rate to take when the part `elapsed` of the mission, 0 to 1, has passed."""
        return self.least + (1 - self.least) * (1 + cos(pi * elapsed)) / 2


Schedule = Annotated[Constant | Cosine, Discriminator("kind")]
