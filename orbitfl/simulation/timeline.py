"""What happened onboard, in order: the bridge from *when* to *what*."""

from dataclasses import dataclass
from typing import Literal

from orbitfl.environment.base import Spell


@dataclass(frozen=True, slots=True)
class Session:
    """Satellite `node` trained for `steps` batches."""

    node: int
    start_s: float
    end_s: float
    steps: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """Satellites `a` and `b` sent each other `size_byte` bytes at the same time over a full-duplex link.

    `outcome` is "done", or "cut" when the window closed first; then neither side received anything.
    """

    a: int
    b: int
    start_s: float
    end_s: float
    size_byte: int
    outcome: Literal["done", "cut"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All models are scored, outside the mission's time and energy."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """The environment did not allow `node` what it wanted to begin."""

    node: int
    at_s: float
    activity: str
    reason: str


Happening = Session | Exchange | Evaluation


@dataclass(frozen=True)
class Timeline:
    """Everything that a mission did, each kind in order of completion.

    happenings: what learning replays. refusals: what was not allowed. energy: what each spell of activity cost.
    """

    happenings: tuple[Happening, ...]
    refusals: tuple[Refusal, ...]
    energy: tuple[Spell, ...]
