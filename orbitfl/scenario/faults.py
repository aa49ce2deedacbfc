"""What goes wrong on purpose, to see how learning stands it."""

from dataclasses import dataclass, field
from math import inf
from typing import Literal

from orbitfl.errors import ScenarioError

Attack = Literal["sign_flipped", "huge", "noise", "nan", "stale", "replayed", "wrong_shape", "wrong_base"]


@dataclass(frozen=True, kw_only=True)
class Faults:
    """The scenario key `faults`; by default nothing goes wrong.

    lost_contacts: the share of the windows that do not come about, by lot. lost_satellites: by name, the mission second
    from which one is silent for good. stragglers: by name, how many times as long its batches take. label_noise: the
    share of the training tiles that have the mask of another one, by lot. hostile: by name, what a satellite does to
    every message it writes, while it learns like the others itself.
    Raises ScenarioError for impossible values.
    """

    lost_contacts: float = 0.0
    lost_satellites: dict[str, float] = field(default_factory=dict)
    stragglers: dict[str, float] = field(default_factory=dict)
    label_noise: float = 0.0
    hostile: dict[str, Attack] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("lost_contacts", "label_noise"):
            if not 0 <= getattr(self, name) <= 1:
                raise ScenarioError(f"{name} is {getattr(self, name)}; it is a share, from 0 to 1.")
        for name, least, unit in (("lost_satellites", 0.0, "mission seconds"), ("stragglers", 1.0, "times as long")):
            for satellite, value in getattr(self, name).items():
                if not least <= value < inf:
                    raise ScenarioError(f"{name}.{satellite} is {value}; it must be {least:g} {unit} or more.")

    def named(self) -> set[str]:
        """The satellites that any of it is about."""
        return {*self.lost_satellites, *self.stragglers, *self.hostile}
